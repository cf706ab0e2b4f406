# SPDX-License-Identifier: Apache-2.0
"""A working day of the unmodified clients of model servers: tritonclient by HTTP, curl's bodies, KServe's V1, TensorFlow Serving's REST.

Runs itself again under the Python of an environment with these clients, named as third argument.
"""
import os
import sys

if "SERVING_CLIENTS" not in os.environ:
    python = sys.argv[3] if len(sys.argv) > 3 else ""
    if not os.path.exists(python):
        sys.exit("no Python with the clients of model servers: name it as third argument")
    os.environ["SERVING_CLIENTS"] = "1"
    os.execv(python, [python, *sys.argv])

import concurrent.futures
import gzip
import json
import math
import zlib

import numpy
import tritonclient.http as triton
from serving_models import TYPES, line, repository
from server import Server
from tritonclient.utils import InferenceServerException

root = f"{sys.argv[2]}/models"
repository(root)
server = Server(sys.argv[1], sys.argv[2], options=["--model-repository", root]).start()
client = triton.InferenceServerClient(f"127.0.0.1:{server.port}", concurrency=4)


def refused(status, text, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except InferenceServerException as error:
        assert str(error.status()) == str(status) and text in error.message(), (error.status(), error.message())
        return
    raise AssertionError(f"{arguments} was not refused")


def ask(model, arrays, datatypes=None, binary=True, outputs=None, **named):
    inputs = []
    for name, array in arrays.items():
        datatype = (datatypes or {}).get(name) or {
            "bool": "BOOL", "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64", "int8": "INT8", "int16": "INT16",
            "int32": "INT32", "int64": "INT64", "float16": "FP16", "float32": "FP32", "float64": "FP64", "object": "BYTES"}[array.dtype.name]
        value = triton.InferInput(name, list(array.shape), datatype)
        value.set_data_from_numpy(array, binary_data=binary)
        inputs.append(value)
    return client.infer(model, inputs, outputs=outputs, **named)


# What the server says of itself and its models.
assert client.is_server_live() and client.is_server_ready()
told = client.get_server_metadata()
assert told["name"] == "gyre" and {"binary_tensor_data", "statistics", "model_repository"} <= set(told["extensions"]), told
assert client.is_model_ready("line") and client.is_model_ready("line", "2")
assert not client.is_model_ready("line", "1") and not client.is_model_ready("none")
told = client.get_model_metadata("line")
assert told["versions"] == ["2", "3"] and told["inputs"] == [{"name": "IN", "datatype": "FP32", "shape": [-1, 3]}], told
told = client.get_model_config("line")
assert told["max_batch_size"] == 8 and told["input"][0]["dims"] == [3] and told["version_policy"]["specific"]["versions"] == [2, 3], told
assert client.get_model_config("sums")["input"][0]["data_type"] == "TYPE_INT32"

# Every datatype, as bytes and as JSON, with the odd values of each; empty tensors; no dimensions.
odd = {
    "BOOL": [[True, False]], "UINT8": [[0, 255]], "UINT16": [[0, 65535]], "UINT32": [[0, 2**32 - 1]], "UINT64": [[0, 2**64 - 1]],
    "INT8": [[-128, 127]], "INT16": [[-(2**15), 2**15 - 1]], "INT32": [[-(2**31), 2**31 - 1]], "INT64": [[-(2**63), 2**63 - 1]],
    "FP16": [[-1.5, 65504]], "FP32": [[1e-45, -3.4028235e38]], "FP64": [[5e-324, 1.7976931348623157e308]],
    "BYTES": [["", "ü \" \\ \n end"]],
}
numpy_types = {
    "BOOL": "bool", "FP16": "float16", "FP32": "float32", "FP64": "float64", "BYTES": "object", **{k: k.lower() for k in TYPES if "INT" in k}}
for datatype, values in odd.items():
    array = numpy.array(values, dtype=numpy_types[datatype])
    if datatype == "BYTES":
        array = numpy.array([[v.encode() for v in row] for row in values], dtype=object)
    for empty in [False, True]:
        given = array[:0] if empty else array
        for binary in [True, False] if datatype != "FP16" else [True]:
            outputs = [triton.InferRequestedOutput("OUT", binary_data=binary)]
            given_now = numpy.array([[v.decode() for v in row] for row in given], dtype=object).reshape(given.shape) if datatype == "BYTES" and not binary else given
            answer = ask(f"identity_{datatype.lower()}", {"IN": given_now}, {"IN": datatype}, binary, outputs)
            found = answer.as_numpy("OUT")
            assert found.shape == given.shape, (datatype, binary, found.shape)
            if datatype == "BYTES" and not binary:
                found = numpy.array([[v.encode() if isinstance(v, str) else v for v in row] for row in found], dtype=object).reshape(given.shape)
            assert (found == given).all(), (datatype, binary, found, given)
refused(400, "FP16", lambda: client._post and ask("identity_fp16", {"IN": numpy.ones((1, 1), "float16")}, outputs=[triton.InferRequestedOutput("OUT", binary_data=False)]))
raw = ask("identity_bytes", {"IN": numpy.array([[b"\xff\x01"]], dtype=object)}).as_numpy("OUT")
assert raw[0][0] == b"\xff\x01", raw
for special in [math.nan, math.inf, -math.inf]:
    for binary in [True, False]:
        found = ask("identity_fp32", {"IN": numpy.array([[special]], "float32")}, binary=binary, outputs=[triton.InferRequestedOutput("OUT", binary_data=binary)]).as_numpy("OUT")
        assert numpy.array_equal(found, [[numpy.float32(special)]], equal_nan=True), found
found = ask("scalar", {"IN": numpy.array(2.5, "float32")}).as_numpy("OUT")
assert found.shape == () and found == 2.5, found

# Versions, outputs by choice, several inputs, ids, large tensors, compression both ways, many at a time.
row = numpy.array([[1, 2, 3]], "float32")
assert ask("line", {"IN": row}).as_numpy("OUT")[0, 0] == 19 and ask("line", {"IN": row}).get_response()["model_version"] == "3"
assert ask("line", {"IN": row}, model_version="2").as_numpy("OUT")[0, 0] == 13
a, b = numpy.arange(8, dtype="int32").reshape(2, 4), numpy.ones((2, 4), "int32")
answer = ask("sums", {"B": b, "A": a}, outputs=[triton.InferRequestedOutput("DIFFERENCE"), triton.InferRequestedOutput("SUM", binary_data=False)])
assert (answer.as_numpy("SUM") == a + b).all() and (answer.as_numpy("DIFFERENCE") == a - b).all()
assert [output["name"] for output in answer.get_response()["outputs"]] == ["DIFFERENCE", "SUM"]
assert ask("line", {"IN": row}, request_id="my id").get_response()["id"] == "my id"
large = numpy.random.default_rng(2).random((512, 2048), dtype="float32")
assert (ask("identity_fp32", {"IN": large}).as_numpy("OUT") == large).all()
for algorithm in ["gzip", "deflate"]:
    answer = ask("identity_fp32", {"IN": large[:64]}, request_compression_algorithm=algorithm, response_compression_algorithm=algorithm)
    assert (answer.as_numpy("OUT") == large[:64]).all()
    answer = ask("identity_fp32", {"IN": large[:4]}, binary=False, request_compression_algorithm=algorithm)
    assert (answer.as_numpy("OUT") == large[:4]).all()
value = triton.InferInput("IN", [1, 3], "FP32")
value.set_data_from_numpy(row)
waiting = [client.async_infer("line", [value]) for _ in range(200)]
assert all(one.get_result().as_numpy("OUT")[0, 0] == 19 for one in waiting)

# Dynamic batching: requests of many clients come out with their own rows.
def one(seed):
    rows = numpy.random.default_rng(seed).random((1 + seed % 3, 64), dtype="float32")
    own = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    value = triton.InferInput("IN", list(rows.shape), "FP32")
    value.set_data_from_numpy(rows)
    found = own.infer("batched", [value]).as_numpy("OUT")
    single = own.infer("batched", [value]).as_numpy("OUT")
    own.close()
    assert found.shape == (len(rows), 10) and numpy.allclose(found, single, atol=1e-4)
    return found


with concurrent.futures.ThreadPoolExecutor(16) as pool:
    list(pool.map(one, range(96)))
stats = client.get_inference_statistics("batched")["model_stats"][0]
assert stats["inference_stats"]["success"]["count"] == 192 and stats["execution_count"] < 192, stats
assert stats["inference_count"] == sum(2 * (1 + seed % 3) for seed in range(96)), stats
assert max(batch["batch_size"] for batch in stats["batch_stats"]) > 3, stats["batch_stats"]
found = ask("batched", {"IN": numpy.zeros((2, 64), "float32")}, outputs=[triton.InferRequestedOutput("OUT", class_count=3)]).as_numpy("OUT")
assert found.shape == (2, 3) and found[0][0].decode().split(":")[2].startswith("digit "), found
refused(504, "wait", lambda: [ask("batched", {"IN": numpy.zeros((1, 64), "float32")}, timeout=1) for _ in range(3)])

# What is wrong is said with its name, and the connection goes on.
refused(404, "none", ask, "none", {"IN": row})
refused(404, "version 9", ask, "line", {"IN": row}, model_version="9")
refused(400, "shape", ask, "line", {"IN": numpy.ones((1, 4), "float32")})
refused(400, "FP64", ask, "line", {"IN": numpy.ones((1, 3), "float64")})
refused(400, "missing", ask, "sums", {"A": a})
refused(400, "\"X\"", ask, "line", {"IN": row, "X": row})
refused(400, "rows", ask, "line", {"IN": numpy.ones((9, 3), "float32")})
refused(400, "NO", ask, "line", {"IN": row}, outputs=[triton.InferRequestedOutput("NO")])
for body in [b"", b"{", b"[]", b"{}", b'{"inputs":1}', b'{"inputs":[{}]}', b'{"inputs":[{"name":"IN","shape":[1,3],"datatype":"FP32","data":[1,2]}]}',
             b'{"inputs":[{"name":"IN","shape":[-1,3],"datatype":"FP32","data":[1,2,3]}]}', b'{"inputs":[{"name":"IN","shape":[1,3],"datatype":"FP33","data":[1,2,3]}]}',
             b'{"inputs":[{"name":"IN","shape":[9223372036854775807,9223372036854775807],"datatype":"FP32","data":[1]}]}',
             b'{"inputs":[{"name":"IN","shape":[1,3],"datatype":"FP32","data":["a","b","c"]}]}', b'\xff\xfe', b'{"inputs":[' + b"[" * 5000]:
    status, answer = server.request("POST", "/v2/models/line/infer", body)
    assert status == 400 and "error" in answer, (body[:80], status, answer)
for length in ["-1", "9999", "x", "18446744073709551616"]:
    status, answer = server.request("POST", "/v2/models/line/infer", b"{}", {"Inference-Header-Content-Length": length})
    assert status == 400, (length, status, answer)
head = json.dumps({"inputs": [{"name": "IN", "shape": [1, 3], "datatype": "FP32", "parameters": {"binary_data_size": 12}}]}).encode()
for tail, expected in [(row.tobytes(), 200), (row.tobytes()[:-1], 400), (row.tobytes() + b"x", 400), (b"", 400)]:
    status, _ = server.request("POST", "/v2/models/line/infer", head + tail, {"Inference-Header-Content-Length": str(len(head))})
    assert status == expected, (tail, status)
status, _ = server.request("POST", "/v2/models/line/infer", gzip.compress(b"no json"), {"Content-Encoding": "gzip"})
assert status == 400
status, _ = server.request("POST", "/v2/models/line/infer", b"not packed", {"Content-Encoding": "gzip"})
assert status == 400
status, answer = server.request("POST", "/v2/models/identity_fp32/infer", row.tobytes(), {"Inference-Header-Content-Length": "0"})
assert status == 200  # one row, and as many columns as there are bytes
status, content = server.request("POST", "/v2/models/line/infer", row.tobytes(), {"Inference-Header-Content-Length": "0"})
assert status == 200 and content.endswith(numpy.float32(19).tobytes()), content

# The repository: index, load, unload, load with another configuration, new versions on disk.
index = {(entry["name"], entry.get("version")): entry for entry in client.get_model_repository_index()}
assert index[("line", "3")]["state"] == "READY" and ("line", "1") not in index, index
client.unload_model("sums")
assert not client.is_model_ready("sums")
refused(503, "unloaded", ask, "sums", {"A": a, "B": b})
entry = next(entry for entry in client.get_model_repository_index() if entry["name"] == "sums")
assert entry["state"] == "UNAVAILABLE" and entry["reason"] == "unloaded", entry
client.load_model("sums")
assert client.is_model_ready("sums") and (ask("sums", {"A": a, "B": b}).as_numpy("SUM") == a + b).all()
refused(404, "nothing", client.load_model, "nothing")
refused(404, "..", client.load_model, "..%2f..%2fetc")
client.load_model("line", config=json.dumps({"max_batch_size": 4, "version_policy": {"latest": {"num_versions": 1}}}))
refused(400, "rows", ask, "line", {"IN": numpy.ones((5, 3), "float32")})
refused(404, "version 2", ask, "line", {"IN": row}, model_version="2")
line(f"{root}/line/4/model.onnx", slope=4)
os.remove(f"{root}/line/config.pbtxt")
client.load_model("line")
assert ask("line", {"IN": row}).as_numpy("OUT")[0, 0] == 25
open(f"{root}/line/config.pbtxt", "w").write("max_batch_size: [")
refused(400, "config", client.load_model, "line")
open(f"{root}/line/config.pbtxt", "w").write('input [ { name: "OTHER" data_type: TYPE_FP32 dims: [ 3 ] } ]')
refused(400, "OTHER", client.load_model, "line")
open(f"{root}/line/4/model.onnx", "wb").write(b"no model")
os.remove(f"{root}/line/config.pbtxt")
refused(400, "ONNX", client.load_model, "line")
assert ask("line", {"IN": row}).as_numpy("OUT")[0, 0] == 25, "what serves goes on"

# generate
status, answer = server.request("POST", "/v2/models/identity_bytes/generate", {"IN": "a text", "id": "7"})
assert status == 200 and answer["OUT"] == "a text" and answer["model_name"] == "identity_bytes", answer
status, answer = server.request("POST", "/v2/models/identity_bytes/generate_stream", {"IN": "a text"})
assert status == 200 and answer.startswith(b"data: {") and answer.endswith(b"\n\n"), answer

# KServe's V1 and TensorFlow Serving's REST.
def rest(path, body, expected=200, method="POST", headers={}):
    status, answer = server.request(method, path, body, headers)
    assert status == expected, (path, status, answer)
    return answer


assert rest("/v1/models/line:predict", {"instances": [[1, 2, 3], [0, 0, 0]]}) == {"predictions": [[25.0], [1.0]]}
assert rest("/v1/models/line:predict", {"inputs": [[1, 2, 3]]}) == {"outputs": [[25.0]]}
assert rest("/v1/models/line:predict", {"inputs": {"IN": [[1, 2, 3]]}, "signature_name": "x"}) == {"outputs": [[25.0]]}
assert rest("/v1/models/sums:predict", {"instances": [{"A": [1, 2, 3, 4], "B": [1, 1, 1, 1]}]}) == {"predictions": [{"SUM": [2, 3, 4, 5], "DIFFERENCE": [0, 1, 2, 3]}]}
assert rest("/v1/models/sums:predict", {"inputs": {"A": [[1, 2, 3, 4]], "B": [[1, 1, 1, 1]]}}) == {"outputs": {"SUM": [[2, 3, 4, 5]], "DIFFERENCE": [[0, 1, 2, 3]]}}
assert rest("/v1/models/identity_bytes:predict", {"instances": [[{"b64": "YWI="}]]}) == {"predictions": [["ab"]]}
assert rest("/v1/models/line/versions/4:predict", {"instances": [[1, 2, 3]]}) == {"predictions": [[25.0]]}
assert rest("/v1/models/sums:classify", {"examples": [{"A": [1, 2, 3, 4], "B": [0, 0, 0, 0]}]})["result"][0][0] == ["0", 1.0]
assert rest("/v1/models/line:regress", {"examples": [{"IN": [1, 2, 3]}]}) == {"result": [25.0]}
assert rest("/v1/models/line", None, method="GET")["model_version_status"][0]["state"] == "AVAILABLE"
assert rest("/v1/models/line/metadata", None, method="GET")["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"]["IN"]["dtype"] == "DT_FLOAT"
assert "line" in rest("/v1/models", None, method="GET")["models"]
for body in [{}, {"instances": 1}, {"instances": [[1, 2]]}, {"instances": [[1, 2, 3], [1]]}, {"instances": [[1, 2, 3]], "inputs": [[1]]}, {"instances": [["a", 2, 3]]}, {"instances": [{"NO": 1}]}]:
    assert "error" in rest("/v1/models/line:predict", body, 400)
assert "error" in rest("/v1/models/none:predict", {"instances": [1]}, 404)
assert "error" in rest("/v1/models/line/labels/none:predict", {"instances": [1]}, 404)
assert "error" in rest("/v1/models/line:explain", {"instances": [[1, 2, 3]]}, 400)
event = {"specversion": "1.0", "id": "e1", "source": "s", "type": "t", "data": {"instances": [[1, 2, 3]]}}
answer = rest("/v1/models/line:predict", event, headers={"Content-Type": "application/cloudevents+json"})
assert answer["data"] == {"predictions": [[25.0]]} and answer["type"] == "io.kserve.inference.response", answer
status, body, headers = server.exchange("POST", "/v1/models/line:predict", json.dumps(event["data"]), {"ce-specversion": "1.0", "ce-id": "e2", "ce-type": "t", "ce-source": "s"})
assert status == 200 and headers["ce-source"] == "io.kserve.inference.line" and headers["ce-id"] == "e2", headers

# MLflow's scoring protocol, every form of input.
for form in [
    {"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2, 3], [0, 0, 0]]}}, {"dataframe_records": [{"a": 1, "b": 2, "c": 3}, {"a": 0, "b": 0, "c": 0}]},
    {"instances": [[1, 2, 3], [0, 0, 0]]}, {"inputs": [[1, 2, 3], [0, 0, 0]]}, {"inputs": {"IN": [[1, 2, 3], [0, 0, 0]]}},
]:
    assert rest("/endpoints/line/invocations", form) == {"predictions": [[25.0], [1.0]]}, form
assert rest("/endpoints/line/invocations", "a,b,c\r\n1,2,3\n0,0,0\n", headers={"Content-Type": "text/csv"}) == {"predictions": [[25.0], [1.0]]}
assert math.isnan(rest("/endpoints/line/invocations", {"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, None, 3]]}})["predictions"][0][0])
for form in [{}, {"dataframe_split": 1}, {"dataframe_records": []}, {"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, [1]]:
    assert "message" in rest("/endpoints/line/invocations", form, 400)

# After a restart all models are there again.
server.stop()
server.start()
client = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
assert client.is_model_ready("sums") and (ask("sums", {"A": a, "B": b}).as_numpy("SUM") == a + b).all()
server.stop()
print("the clients of model servers did their day")
