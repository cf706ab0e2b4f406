# SPDX-License-Identifier: Apache-2.0
"""Each real client as it passes credentials, good ones and bad ones: tritonclient by HTTP and gRPC, KServe's, TensorFlow Serving's REST, Seldon's
and MLflow's scoring by HTTP, OTLP, the health probes, what scrapes /metrics; and one model of several.

Runs itself again under the Python of an environment with these clients, named as third argument; KServe's and Triton's messages have the
same names, so each client has a process of its own.
"""
import base64
import json
import os
import subprocess
import sys

if "CREDENTIALS" not in os.environ:
    python = sys.argv[3] if len(sys.argv) > 3 else ""
    if not os.path.exists(python):
        sys.exit("no Python with the clients of model servers: name it as third argument")
    os.environ["CREDENTIALS"] = "triton"
    os.execv(python, [python, *sys.argv])


def kserve_day(http, grpc, good, bad):
    import asyncio

    import numpy
    from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

    async def day():
        value = InferInput("IN", [1, 3], "FP32")
        value.set_data_from_numpy(numpy.array([[1, 2, 3]], "float32"), binary_data=False)
        rest = InferenceRESTClient(RESTConfig(protocol="v2"))
        assert await rest.is_server_ready(http)
        headers = {"Authorization": "Bearer " + good}
        assert (await rest.infer(http, InferRequest("line", [value]), headers=headers, model_name="line")).outputs[0].data == [19.0]
        for headers in [{}, {"Authorization": "Bearer " + bad}]:
            try:
                await rest.infer(http, InferRequest("line", [value]), headers=headers, model_name="line")
                raise AssertionError("a stranger was let in")
            except Exception as error:
                assert "401" in str(error), error
        first = InferenceRESTClient(RESTConfig(protocol="v1"))
        answer = await first.infer(http, {"instances": [[1, 2, 3]]}, headers={"Authorization": "Bearer " + good}, model_name="line")
        assert answer["predictions"] == [[19.0]], answer
        client = InferenceGRPCClient(grpc)
        answer = await client.infer(InferRequest("line", [value]), headers=(("authorization", "Bearer " + good),))
        assert answer.outputs[0].as_numpy().ravel()[0] == 19.0, answer
        try:
            await client.infer(InferRequest("line", [value]))
            raise AssertionError("a stranger was let in")
        except Exception as error:
            assert "UNAUTHENTICATED" in str(error) or "signed in" in str(error), error
        await client.close()

    asyncio.run(day())


if os.environ["CREDENTIALS"] == "kserve":
    kserve_day(*sys.argv[1:5])
    sys.exit(0)

sys.path.insert(0, os.path.dirname(__file__).replace("/access", "/serving"))
import grpc
import numpy
import tritonclient.grpc
import tritonclient.http
from people import People, bearer
from ports import free_port
from serving_models import repository
from tritonclient.utils import InferenceServerException

root = f"{sys.argv[2]}/models"
repository(root)
port = free_port()
people = People(sys.argv[1], sys.argv[2], options=["--model-repository", root, "--grpc", f"127.0.0.1:{port}"])
server = people.server
asks = people.account("shop", "predictor", kind="service")
one = people.account("till", "predictor", kind="service", on="endpoint/line")
sees = people.account("prometheus", "reader", kind="service")
bad = "gyre_" + "x" * 32
row = numpy.array([[1, 2, 3]], "float32")


def refused(call, *words):
    try:
        call()
    except InferenceServerException as error:
        assert all(word in f"{error.status()} {error.message()}" for word in words), (error.status(), error.message())
        return
    raise AssertionError(f"it was let in: {words}")


def tensor(kind, datatype="FP32"):
    value = kind.InferInput("IN", [1, 3], datatype)
    value.set_data_from_numpy(row)
    return value


# tritonclient by HTTP: headers of each call.
web = tritonclient.http.InferenceServerClient(f"127.0.0.1:{server.port}")
assert web.is_server_live() and web.is_server_ready()
for binary in [True, False]:
    value = tritonclient.http.InferInput("IN", [1, 3], "FP32")
    value.set_data_from_numpy(row, binary_data=binary)
    assert web.infer("line", [value], headers=bearer(asks)).as_numpy("OUT")[0, 0] == 19
    assert web.infer("line", [value], headers=bearer(one)).as_numpy("OUT")[0, 0] == 19
    refused(lambda: web.infer("line", [value]), "signed in")
    refused(lambda: web.infer("line", [value], headers=bearer(bad)), "not known")
basic = {"Authorization": "Basic " + base64.b64encode(f"anybody:{asks}".encode()).decode()}
assert web.infer("line", [value], headers=basic).as_numpy("OUT")[0, 0] == 19, "a token in place of a password"
assert web.infer("line", [value], headers={"x-api-key": asks}).as_numpy("OUT")[0, 0] == 19
refused(lambda: web.infer("identity_fp32", [value], headers=bearer(one)), "no endpoint")
refused(lambda: web.infer("none", [value], headers=bearer(one)), "no endpoint")
refused(lambda: web.unload_model("line", headers=bearer(asks)), "may not do that")
refused(lambda: web.get_model_repository_index(headers=bearer(asks)), "may not do that")
assert web.get_model_metadata("line", headers=bearer(one))["name"] == "line"

# By gRPC: metadata of each call, and of a stream.
rpc = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{port}")
grpc.channel_ready_future(grpc.insecure_channel(f"127.0.0.1:{port}")).result(timeout=600)
assert rpc.is_server_live()
said = {"authorization": "Bearer " + asks}
assert rpc.infer("line", [tensor(tritonclient.grpc)], headers=said).as_numpy("OUT")[0, 0] == 19
assert rpc.infer("line", [tensor(tritonclient.grpc)], headers={"authorization": "Bearer " + one}).as_numpy("OUT")[0, 0] == 19
refused(lambda: rpc.infer("line", [tensor(tritonclient.grpc)]), "UNAUTHENTICATED", "signed in")
refused(lambda: rpc.infer("line", [tensor(tritonclient.grpc)], headers={"authorization": "Bearer " + bad}), "UNAUTHENTICATED", "not known")
refused(lambda: rpc.infer("identity_fp32", [tensor(tritonclient.grpc)], headers={"authorization": "Bearer " + one}), "NOT_FOUND")
refused(lambda: rpc.load_model("line", headers=said), "PERMISSION_DENIED")
refused(lambda: rpc.get_inference_statistics(headers=said), "PERMISSION_DENIED")
assert rpc.get_model_metadata("line", headers={"authorization": "Bearer " + one}).name == "line"
refused(lambda: rpc.get_model_metadata("sums", headers={"authorization": "Bearer " + one}), "NOT_FOUND")
answers = []
rpc.start_stream(callback=lambda result, error: answers.append((result, error)), headers=said)
rpc.async_stream_infer("line", [tensor(tritonclient.grpc)])
rpc.stop_stream()
assert answers[0][0].as_numpy("OUT")[0, 0] == 19, answers

# KServe's own client.
environment = dict(os.environ, CREDENTIALS="kserve")
done = subprocess.run([sys.executable, __file__, server.url, f"127.0.0.1:{port}", asks, bad], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
assert done.returncode == 0, done.stdout[-3000:]


def ask(path, body, token, status, method="POST"):
    found, answer = server.request(method, path, body, bearer(token) if token else {})
    assert found == status, (path, token, found, answer)
    return answer


# TensorFlow Serving's REST, and MLflow's scoring, as programs without a client of their own ask them.
assert ask("/v1/models/line:predict", {"instances": [[1, 2, 3]]}, asks, 200)["predictions"] == [[19.0]]
assert "signed in" in ask("/v1/models/line:predict", {"instances": [[1, 2, 3]]}, None, 401)["error"]
assert "not known" in ask("/v1/models/line:predict", {"instances": [[1, 2, 3]]}, bad, 401)["error"]
assert "endpoint" in ask("/v1/models/identity_fp32:predict", {"instances": [[1, 2, 3]]}, one, 404)["error"]
assert ask("/endpoints/line/invocations", {"inputs": [[1, 2, 3]]}, one, 200)
ask("/endpoints/line/invocations", {"inputs": [[1, 2, 3]]}, None, 401)

# Probes and what scrapes figures.
assert ask("/health", None, None, 200, "GET") in (b"OK", "OK")
assert ask("/v2/health/ready", None, None, 200, "GET")["ready"]
ask("/metrics", None, None, 401, "GET")
ask("/metrics", None, asks, 403, "GET")
assert b"gyre_model_requests" in ask("/metrics", None, sees, 200, "GET")

# OTLP's exporter, by its headers.
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult

writes = people.account("app", "writer", kind="service")
results = {}
for name, token in [("good", writes), ("reader", sees), ("none", None)]:
    headers = {"x-mlflow-experiment-id": "0", **({"Authorization": "Bearer " + token} if token else {})}
    exporter = OTLPSpanExporter(endpoint=f"{server.url}/v1/traces", headers=headers, timeout=5)
    spans = []
    provider = TracerProvider(resource=Resource({"service.name": name}))

    class Keep(SimpleSpanProcessor):
        def on_end(self, span):
            spans.append(span)

    provider.add_span_processor(Keep(exporter))
    with provider.get_tracer("t").start_as_current_span("work"):
        pass
    results[name] = exporter.export(spans)
assert results == {"good": SpanExportResult.SUCCESS, "reader": SpanExportResult.FAILURE, "none": SpanExportResult.FAILURE}, results
assert len(people.api("GET", "/traces")["traces"]) == 1

# A proxy that has signed somebody in is believed where its address is named, and nowhere else.
told = {"X-Forwarded-User": "gina", "X-Forwarded-Groups": "science, staff"}
assert server.request("GET", "/api/gyre/v1/runs", None, told)[0] == 401
people.api("POST", "/groups", {"name": "science"})
people.give("group/science", "reader")
server.stop()
server.options += ["--trust-proxy", "127.0.0.1"]
server.start()
me = server.request("GET", "/api/gyre/v1/whoami", None, told)[1]
assert me["name"] == "user/gina" and me["permissions"] == ["read", "predict"], me
assert server.request("GET", "/api/gyre/v1/runs", None, told)[0] == 200
assert server.request("GET", "/api/gyre/v1/runs", None, {"X-Forwarded-User": "gina"})[0] == 403, "without the group there is no role"
assert server.request("GET", "/api/gyre/v1/runs", None, {"X-Forwarded-User": "till"})[0] == 403
server.stop()
