# SPDX-License-Identifier: Apache-2.0
"""The Open Inference Protocol over gRPC: tritonclient's whole day, KServe's client by REST and gRPC, and gRPC's health check.

Runs itself again under the Python of an environment with these clients, named as third argument; KServe's and Triton's messages have the
same names, so each client has a process of its own.
"""
import os
import subprocess
import sys

if "SERVING_GRPC" not in os.environ:
    python = sys.argv[3] if len(sys.argv) > 3 else ""
    if not os.path.exists(python):
        sys.exit("no Python with the clients of model servers: name it as third argument")
    os.environ["SERVING_GRPC"] = "triton"
    os.execv(python, [python, *sys.argv])


def kserve_day(http, grpc):
    import asyncio

    import numpy
    from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

    async def day():
        rest = InferenceRESTClient(RESTConfig(protocol="v2"))
        assert await rest.is_server_live(http) and await rest.is_server_ready(http)
        assert await rest.is_model_ready(http, "line")
        value = InferInput("IN", [1, 3], "FP32")
        value.set_data_from_numpy(numpy.array([[1, 2, 3]], "float32"), binary_data=False)
        answer = await rest.infer(http, InferRequest("line", [value]), model_name="line")
        assert answer.outputs[0].data == [19.0], answer
        value.set_data_from_numpy(numpy.array([[1, 2, 3]], "float32"), binary_data=True)
        answer = await rest.infer(http, InferRequest("line", [value]), model_name="line")
        assert answer.outputs[0].as_numpy()[0] == 19.0, answer
        first = InferenceRESTClient(RESTConfig(protocol="v1"))
        assert await first.is_server_live(http) and await first.is_model_ready(http, "line")
        assert (await first.infer(http, {"instances": [[1, 2, 3]]}, model_name="line"))["predictions"] == [[19.0]]
        client = InferenceGRPCClient(grpc)
        assert await client.is_server_live() and await client.is_server_ready() and await client.is_model_ready("line")
        for raw in [True, False]:
            value = InferInput("IN", [1, 3], "FP32")
            value.set_data_from_numpy(numpy.array([[1, 2, 3]], "float32"), binary_data=raw)
            answer = await client.infer(InferRequest("line", [value]))
            assert answer.outputs[0].as_numpy().ravel()[0] == 19.0, answer
        await client.close()

    asyncio.run(day())


if os.environ["SERVING_GRPC"] == "kserve":
    kserve_day(sys.argv[1], sys.argv[2])
    sys.exit(0)

import math
import pickle
import queue
import socket
import struct
import threading
import time

import grpc
import numpy
import tritonclient.grpc as triton
import tritonclient.http
import tritonclient.utils.shared_memory as shared
from ports import free_port
from serving_models import TYPES, repository
from server import Server
from tritonclient.utils import InferenceServerException

root = f"{sys.argv[2]}/models"
repository(root)
port = free_port()
server = Server(sys.argv[1], sys.argv[2], options=["--model-repository", root, "--grpc", f"127.0.0.1:{port}"]).start()
grpc.channel_ready_future(grpc.insecure_channel(f"127.0.0.1:{port}")).result(timeout=600)
client = triton.InferenceServerClient(f"127.0.0.1:{port}")


def refused(code, text, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except InferenceServerException as error:
        assert error.status() == f"StatusCode.{code}" and text in error.message(), (error.status(), error.message())
        return
    raise AssertionError(f"{arguments} was not refused")


def tensor(name, array, datatype):
    value = triton.InferInput(name, list(array.shape), datatype)
    value.set_data_from_numpy(array)
    return value


def ask(model, array, datatype="FP32", **named):
    return client.infer(model, [tensor("IN", array, datatype)], **named)


# What the server says of itself and its models.
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("line") and client.is_model_ready("line", "2")
assert not client.is_model_ready("none") and not client.is_model_ready("line", "1")
assert "statistics" in client.get_server_metadata().extensions and client.get_server_metadata(as_json=True)["name"] == "gyre"
told = client.get_model_metadata("line")
assert list(told.versions) == ["2", "3"] and told.inputs[0].datatype == "FP32" and list(told.inputs[0].shape) == [-1, 3], told
config = client.get_model_config("line").config
assert config.max_batch_size == 8 and list(config.version_policy.specific.versions) == [2, 3] and list(config.input[0].dims) == [3], config
assert client.get_model_config("sums").config.input[0].data_type == 8

# Every datatype.
odd = {
    "BOOL": [[True, False]], "UINT8": [[0, 255]], "UINT16": [[0, 65535]], "UINT32": [[0, 2**32 - 1]], "UINT64": [[0, 2**64 - 1]],
    "INT8": [[-128, 127]], "INT16": [[-(2**15), 2**15 - 1]], "INT32": [[-(2**31), 2**31 - 1]], "INT64": [[-(2**63), 2**63 - 1]],
    "FP16": [[-1.5, 65504]], "FP32": [[math.nan, -math.inf]], "FP64": [[5e-324, 1.7976931348623157e308]], "BYTES": [[b"", b"\xff\x00 x"]],
}
for datatype, values in odd.items():
    array = numpy.array(values, dtype={"BYTES": "object", "FP16": "float16", "FP32": "float32", "FP64": "float64"}.get(datatype, datatype.lower()))
    if datatype == "BYTES":
        array = numpy.array([[b"", "ü".encode()]], dtype=object)
    for given in [array, array[:0]]:
        found = ask(f"identity_{datatype.lower()}", given, datatype).as_numpy("OUT")
        assert found.shape == given.shape and numpy.array_equal(found, given, equal_nan=datatype in ("FP32", "FP64")), (datatype, found, given)
assert ask("scalar", numpy.array(2.5, "float32")).as_numpy("OUT") == 2.5

# Versions, outputs, ids, large tensors, compression, many at a time, classes, statistics.
row = numpy.array([[1, 2, 3]], "float32")
assert ask("line", row).as_numpy("OUT")[0, 0] == 19 and ask("line", row, model_version="2").as_numpy("OUT")[0, 0] == 13
assert ask("line", row, request_id="mine").get_response().id == "mine"
a, b = numpy.arange(8, dtype="int32").reshape(2, 4), numpy.ones((2, 4), "int32")
answer = client.infer("sums", [tensor("B", b, "INT32"), tensor("A", a, "INT32")], outputs=[triton.InferRequestedOutput("DIFFERENCE")])
assert (answer.as_numpy("DIFFERENCE") == a - b).all() and answer.as_numpy("SUM") is None
large = numpy.random.default_rng(2).random((1024, 2048), dtype="float32")
assert (ask("identity_fp32", large).as_numpy("OUT") == large).all(), "8 MiB each way"
for algorithm in ["gzip", "deflate"]:
    assert (ask("identity_fp32", large[:64], compression_algorithm=algorithm).as_numpy("OUT") == large[:64]).all()
done = queue.Queue()
for _ in range(200):
    client.async_infer("line", [tensor("IN", row, "FP32")], callback=lambda result, error: done.put((result, error)))
for _ in range(200):
    result, error = done.get(timeout=600)
    assert error is None and result.as_numpy("OUT")[0, 0] == 19
found = ask("batched", numpy.zeros((2, 64), "float32"), outputs=[triton.InferRequestedOutput("OUT", class_count=2)]).as_numpy("OUT")
assert found.shape == (2, 2) and b":digit " in found[0][0], found
stats = client.get_inference_statistics("line", "3").model_stats[0]
assert stats.inference_stats.success.count == stats.execution_count == 202 and stats.version == "3", stats

# A stream: answers in order, an error does not end it.
client.start_stream(callback=lambda result, error: done.put((result, error)))
for model in ["line", "none", "line"]:
    client.async_stream_infer(model, [tensor("IN", row, "FP32")])
outcomes = [done.get(timeout=600) for _ in range(3)]
assert [error is None for _, error in outcomes] == [True, False, True] and "none" in outcomes[1][1].message(), outcomes
client.stop_stream()

# What is wrong is said with its name.
refused("NOT_FOUND", "none", ask, "none", row)
refused("NOT_FOUND", "version 9", ask, "line", row, model_version="9")
refused("INVALID_ARGUMENT", "shape", ask, "line", numpy.ones((1, 4), "float32"))
refused("INVALID_ARGUMENT", "FP64", ask, "line", numpy.ones((1, 3), "float64"), "FP64")
refused("INVALID_ARGUMENT", "missing", client.infer, "sums", [tensor("A", a, "INT32")])
refused("INVALID_ARGUMENT", "NO", ask, "line", row, outputs=[triton.InferRequestedOutput("NO")])
refused("UNIMPLEMENTED", "graphics", client.register_cuda_shared_memory, "card", b"eA==", 0, 8)

# Tensors in shared memory, by gRPC and by HTTP: what one registers the other sees.
web = tritonclient.http.InferenceServerClient(server.url.removeprefix("http://"))
assert "system_shared_memory" in client.get_server_metadata().extensions
inward = shared.create_shared_memory_region("inward", f"/gyre-test-{os.getpid()}-in", 1024)
outward = shared.create_shared_memory_region("outward", f"/gyre-test-{os.getpid()}-out", 1024)
try:
    shared.set_shared_memory_region(inward, [row, 2 * row])
    client.register_system_shared_memory("inward", f"/gyre-test-{os.getpid()}-in", 1024)
    web.register_system_shared_memory("outward", f"/gyre-test-{os.getpid()}-out", 1024)
    refused("ALREADY_EXISTS", "inward", client.register_system_shared_memory, "inward", f"/gyre-test-{os.getpid()}-in", 1024)
    refused("INVALID_ARGUMENT", "2048", client.register_system_shared_memory, "long", f"/gyre-test-{os.getpid()}-in", 2048)
    for key in ["/nothing-here", "/../etc/passwd", "", "/a/b"]:
        refused("INVALID_ARGUMENT", "", client.register_system_shared_memory, "bad", key, 8)
    assert {region["name"] for region in web.get_system_shared_memory_status()} == {"inward", "outward"}
    assert client.get_system_shared_memory_status("inward").regions["inward"].byte_size == 1024
    for module, by in [(triton, client), (tritonclient.http, web)]:
        value = module.InferInput("IN", [1, 3], "FP32")
        value.set_shared_memory("inward", 12, offset=12)
        wish = module.InferRequestedOutput("OUT")
        wish.set_shared_memory("outward", 4, offset=8)
        answer = by.infer("line", [value], outputs=[wish])
        assert shared.get_contents_as_numpy(outward, "float32", [1, 1], offset=8)[0, 0] == 37
        shared.set_shared_memory_region(outward, [numpy.zeros(256, "float32")])
        for name, size, offset in [("inward", 12, 1020), ("inward", 8, 0), ("nowhere", 12, 0)]:
            value.set_shared_memory(name, size, offset=offset)
            try:
                by.infer("line", [value])
                raise AssertionError((name, size, offset))
            except InferenceServerException as error:
                assert name in str(error) or "bytes" in str(error), error
        value.set_shared_memory("inward", 12)
        wish.set_shared_memory("outward", 2)
        try:
            by.infer("line", [value], outputs=[wish])
            raise AssertionError("two bytes held a float")
        except InferenceServerException as error:
            assert "2" in str(error), error
    # Memory that its owner makes shorter is an error, not a crash.
    os.truncate(f"/dev/shm/gyre-test-{os.getpid()}-in", 4)
    value = triton.InferInput("IN", [1, 3], "FP32")
    value.set_shared_memory("inward", 12)
    refused("INVALID_ARGUMENT", "shorter", client.infer, "line", [value])
    client.unregister_system_shared_memory("inward")
    web.unregister_system_shared_memory()
    assert not web.get_system_shared_memory_status()
finally:
    shared.destroy_shared_memory_region(inward)
    shared.destroy_shared_memory_region(outward)

# What is traced and what is logged, by both transports; traces are read by whoever reads MLflow's.
assert client.get_trace_settings(as_json=True)["settings"]["trace_level"]["value"] == ["OFF"]
assert web.get_trace_settings()["trace_rate"] == "1000"
told = client.update_trace_settings(settings={"trace_level": ["TIMESTAMPS"], "trace_rate": "2", "trace_count": "3"}, as_json=True)["settings"]
assert told["trace_rate"]["value"] == ["2"] and web.get_trace_settings()["trace_count"] == "3", told
assert web.update_trace_settings(model_name="sums", settings={"trace_level": ["OFF"]})["trace_level"] == ["OFF"]
for _ in range(20):
    ask("line", row)
assert web.update_trace_settings(model_name="sums", settings={"trace_level": None})["trace_level"] == ["TIMESTAMPS"]
deadline = time.time() + 600
found = []
while len(found) < 3:
    assert time.time() < deadline, found
    status, listed = server.request("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=Predictions")
    if status == 200:
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": listed["experiment"]["experiment_id"]}}
        found = server.request("POST", "/api/3.0/mlflow/traces/search", {"locations": [place]}, {"Content-Type": "application/json"})[1]["traces"]
    time.sleep(0.1)
time.sleep(0.5)
assert len(found) == 3 and all(trace["tags"]["gyre.model"] == "line@3" for trace in found), found
assert web.get_trace_settings()["trace_count"] == "0"
client.update_trace_settings(settings={"trace_level": ["OFF"]})
refused("INVALID_ARGUMENT", "trace_rate", client.update_trace_settings, settings={"trace_rate": "none"})
refused("UNIMPLEMENTED", "TENSORS", client.update_trace_settings, settings={"trace_level": ["TENSORS"]})
refused("UNIMPLEMENTED", "trace_file", client.update_trace_settings, settings={"trace_file": "/tmp/x"})
refused("NOT_FOUND", "none", client.get_trace_settings, model_name="none")
assert web.get_log_settings()["log_verbose_level"] == 0
assert client.update_log_settings({"log_verbose_level": 1, "log_info": False}, as_json=True)["settings"]["log_verbose_level"]["uint32_param"] == 1
ask("line", row, request_id="to be seen")
ask("batched", numpy.zeros((1, 64), "float32"))
assert "line@3, request to be seen" in open(server.home + ".log").read()
assert web.update_log_settings({"log_verbose_level": 0, "log_info": True})["log_info"] is True
refused("UNIMPLEMENTED", "log_file", client.update_log_settings, {"log_file": "/tmp/x"})

# The repository.
states = {(model.name, model.version): model.state for model in client.get_model_repository_index().models}
assert states[("line", "3")] == "READY" and ("line", "1") not in states, states
client.unload_model("sums")
assert not client.is_model_ready("sums")
client.load_model("sums")
assert client.is_model_ready("sums")
refused("NOT_FOUND", "nothing", client.load_model, "nothing")
client.load_model("line", config='{"max_batch_size": 4}')
refused("INVALID_ARGUMENT", "rows", ask, "line", numpy.ones((5, 3), "float32"))
client.load_model("line")
with open(f"{root}/sums/1/model.onnx", "rb") as file:
    content = file.read()
for by in [client, web]:
    by.load_model("sent", config='{"max_batch_size": 0}', files={"file:1/model.onnx": content})
    assert client.infer("sent", [tensor("A", a, "INT32"), tensor("B", b, "INT32")]).as_numpy("SUM")[0, 0] == 1
    by.unload_model("sent")
refused("INVALID_ARGUMENT", "configuration", client.load_model, "sent", files={"file:1/model.onnx": content})
refused("PERMISSION_DENIED", "model.py", client.load_model, "sent", config="{}", files={"file:1/model.py": b"print()"})
refused("INVALID_ARGUMENT", "", client.load_model, "sent", config="{}", files={"file:../../up.onnx": content})
refused("INVALID_ARGUMENT", "", client.load_model, "../sent", config="{}", files={"file:1/model.onnx": content})

# gRPC's own health check, with nothing but bytes.
channel = grpc.insecure_channel(f"127.0.0.1:{port}")
check = channel.unary_unary("/grpc.health.v1.Health/Check")
assert check(b"") == b"\x08\x01" and check(b"\x0a\x1einference.GRPCInferenceService") == b"\x08\x01"
try:
    check(b"\x0a\x02no")
    raise AssertionError("an unknown service is not healthy")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.NOT_FOUND

# What is no call of a method, and what ends in the middle.
def code(path, body):
    try:
        return channel.unary_unary(path)(body, timeout=600)
    except grpc.RpcError as error:
        return error.code()


assert code("/inference.GRPCInferenceService/Nothing", b"") == code("/none/none", b"") == grpc.StatusCode.UNIMPLEMENTED
assert code("/inference.GRPCInferenceService/ModelInfer", b"\xff\xff\xff") == grpc.StatusCode.INVALID_ARGUMENT
assert code("/inference.GRPCInferenceService/ModelInfer", b"") == grpc.StatusCode.NOT_FOUND
watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
assert next(watch) == b"\x08\x01"
watch.cancel()
for _ in range(300):
    call = channel.unary_unary("/inference.GRPCInferenceService/ModelStatistics").future(b"")
    call.cancel()


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def text(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


path = b"/inference.GRPCInferenceService/ModelInfer"
heads = text(b":method", b"POST") + text(b":scheme", b"http") + text(b":path", path) + text(b"content-type", b"application/grpc")
opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
for rest in [
    frame(1, 4, 1, heads) + frame(0, 1, 1, b"\x00\xff\xff\xff\xff"),  # a message of 4 GiB
    frame(1, 4, 1, heads) + frame(0, 1, 1, b"\x00\x00\x00\x00\x09abc"),  # cut short
    frame(1, 4, 1, heads) + frame(0, 1, 1, b"\x01\x00\x00\x00\x03abc"),  # packed, and nobody said how
    frame(1, 5, 1, text(b":method", b"GET") + text(b":scheme", b"http") + text(b":path", b"/")),
    frame(1, 5, 1, heads), frame(0, 1, 3, b"abc"), frame(1, 4, 1, b"\xff\xff\xff"), os.urandom(500),
]:
    with socket.create_connection(("127.0.0.1", port), timeout=600) as raw:
        raw.sendall(opening + rest)
        raw.settimeout(2)
        answer = b""
        try:
            while more := raw.recv(65536):
                answer += more
        except (TimeoutError, ConnectionResetError):
            pass
        assert len(answer) > 20, (rest[:40], answer)
with socket.create_connection(("127.0.0.1", port)) as raw:
    raw.sendall(opening + frame(1, 4, 1, heads) + frame(0, 0, 1, b"\x00\x00\x10\x00\x00abc"))
assert ask("line", row).as_numpy("OUT")[0, 0] == 19

# What is refused does not use up the connection: many large calls of a method that there is not, then a large one that there is.
big = triton.service_pb2.ModelInferRequest(model_name="identity_fp32")
values = big.inputs.add(name="IN", datatype="FP32")
values.shape.extend([1024, 1024])
big.raw_input_contents.append(b"\0" * (4 << 20))
big = big.SerializeToString()
wide = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", -1)])
for _ in range(12):
    try:
        wide.unary_unary("/inference.GRPCInferenceService/Nothing")(big, timeout=600)
        raise AssertionError("an unknown method answered")
    except grpc.RpcError as error:
        assert error.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL), error
for _ in range(3):
    assert len(wide.unary_unary("/inference.GRPCInferenceService/ModelInfer")(big, timeout=600)) > 4 << 20
refused("INVALID_ARGUMENT", "rows", ask, "line", numpy.ones((100, 3), "float32"))
# Packed a thousandfold, and no time to wait that a clock has.
assert ask("identity_fp32", numpy.zeros((1024, 4096), "float32"), compression_algorithm="gzip").as_numpy("OUT").shape == (1024, 4096)
assert ask("line", row, timeout=2**63 - 1).as_numpy("OUT")[0, 0] == 19
ask("batched", numpy.zeros((1, 64), "float32"), timeout=2**62)
# A client cannot make a file a pickle by its configuration.
refused(
    "PERMISSION_DENIED", "sent", client.load_model, "sent", config='{"backend": "python", "default_model_filename": "model.onnx"}',
    files={"file:1/model.onnx": pickle.dumps(print)})
# A server that ends sends what it owes first: a large answer to a client that reads slowly.
other = free_port()
ending = Server(sys.argv[1], sys.argv[2], name="ending", options=["--model-repository", root, "--grpc", f"0.0.0.0:{other}", "--no-auth"]).start()
beyond = triton.InferenceServerClient(f"127.0.0.1:{other}")
assert "system_shared_memory" not in beyond.get_server_metadata().extensions
refused("PERMISSION_DENIED", "--shared-memory", beyond.register_system_shared_memory, "x", "/x", 8)
beyond.close()
slow = grpc.insecure_channel(f"127.0.0.1:{other}", options=[("grpc.max_receive_message_length", -1)])
waiting = [slow.unary_unary("/inference.GRPCInferenceService/ModelInfer").future(big, timeout=600) for _ in range(4)]
time.sleep(0.3)
ending.stop()
assert all(len(call.result()) > 4 << 20 for call in waiting)

# KServe's client, in a process of its own.
done = subprocess.run(
    [sys.executable, __file__, server.url, f"127.0.0.1:{port}"], env={**os.environ, "SERVING_GRPC": "kserve"}, capture_output=True, text=True)
assert done.returncode == 0, done.stdout + done.stderr
server.stop()
print("gRPC's clients did their day")
