# SPDX-License-Identifier: Apache-2.0
"""Models that cannot be served say so, on every surface, until they are mended; what ONNX Runtime says goes through the server's log."""
import json
import os
import re
import sys

import onnx
from onnx import TensorProto, helper
from serving_models import identity
from server import Server

root = f"{sys.argv[2]}/repository"
for name in ["good", "damaged", "corrupt"]:
    identity(f"{root}/{name}/1/model.onnx", shape=("n", 1))
open(f"{root}/damaged/config.pbtxt", "w").write('input [ { name: "IN" data_type: TYPE_NONE dims: [ 1 ] } ]')
open(f"{root}/corrupt/1/model.onnx", "w").write("no model")
identity(f"{root}/texts/1/model.onnx", "BYTES", ("n",))
identity(f"{root}/scalar/1/model.onnx", shape=())
open(f"{root}/scalar/config.pbtxt", "w").write(
    'input [ { name: "IN" data_type: TYPE_FP32 dims: [ ] } ] output [ { name: "OUT" data_type: TYPE_FP32 dims: [ ] } ]')
port = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"])
graph = helper.make_graph([helper.make_node("Neg", ["IN"], ["OUT"])], "g", [port("IN")], [port("OUT")], [helper.make_tensor("idle", TensorProto.FLOAT, [1], [1])])
os.makedirs(f"{root}/talks/1")
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), f"{root}/talks/1/model.onnx")
server = Server(sys.argv[1], sys.argv[2], options=["--model-repository", root]).start()
row = {"inputs": [{"name": "IN", "shape": [1, 1], "datatype": "FP32", "data": [2.5]}]}
infer = lambda model, body=row: server.request("POST", f"/v2/models/{model}/infer", body)

index = {entry["name"]: entry for entry in server.request("POST", "/v2/repository/index", {})[1]}
served = {entry["name"]: entry for entry in server.api("GET", "/served")["models"]}
assert index["good"]["state"] == "READY" and infer("good")[0] == 200
for name, reason in [("damaged", "config.pbtxt"), ("corrupt", "no ONNX model")]:
    assert index[name]["state"] == "UNAVAILABLE" and reason in index[name]["reason"], index[name]
    assert served[name]["state"] == "UNAVAILABLE" and reason in served[name]["reason"], served[name]
    for status, answer in [infer(name), server.request("GET", f"/v2/models/{name}/ready"), server.request("GET", f"/v1/models/{name}")]:
        assert status == 503 and reason in json.dumps(answer), (name, status, answer)
status, answer = infer("nothing")
assert status == 404 and "good" in answer["error"] and "gyre " not in answer["error"], answer
os.remove(f"{root}/damaged/config.pbtxt")
assert infer("damaged")[0] == 200, "mended, and asked again"
identity(f"{root}/corrupt/1/model.onnx", shape=("n", 1))
assert server.request("POST", "/v2/repository/models/corrupt/load", {})[0] == 200 and infer("corrupt")[0] == 200
assert {entry["state"] for entry in server.request("POST", "/v2/repository/index", {})[1]} == {"READY"}

# A tensor without dimensions.
assert infer("scalar", {"inputs": [{"name": "IN", "shape": [], "datatype": "FP32", "data": [2.5]}]})[1]["outputs"][0]["data"] == [2.5]

# Any byte may be in a text, in JSON as in bytes; a name may not have U+0000.
text = "a\0b\0"
for body in [{"inputs": [{"name": "IN", "shape": [2], "datatype": "BYTES", "data": [text, ""]}]}]:
    assert infer("texts", body)[1]["outputs"][0]["data"] == [text, ""], infer("texts", body)
    assert infer("texts", {**body, "id": "a\0b"})[0] == 400
assert server.request("POST", "/v1/models/texts:predict", {"instances": [text]})[1] == {"predictions": [text]}
packed = len(text).to_bytes(4, "little") + text.encode()
head = json.dumps({"inputs": [{"name": "IN", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(packed)}}]}).encode()
status, answer = server.request("POST", "/v2/models/texts/infer", head + packed, {"Inference-Header-Content-Length": str(len(head))})
assert answer["outputs"][0]["data"] == [text], answer
for path, body in [
    ("/api/2.0/mlflow/experiments/create", {"name": text}), ("/api/2.0/mlflow/registered-models/create", {"name": text}),
    ("/api/2.0/mlflow/runs/log-batch", {"run_id": "0", "params": [{"key": "k", "value": text}]}),
]:
    status, answer = server.request("POST", path, body, {"Content-Type": "application/json"})
    assert status == 400 and "U+0000" in json.dumps(answer), (path, status, answer)
spans = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "a" * 32, "spanId": "b" * 16, "name": text}]}]}]}
assert server.request("POST", "/v1/traces", spans, {"Content-Type": "application/json", "x-mlflow-experiment-id": "0"})[0] == 400
server.stop()

# What ONNX Runtime has to say has the model's name and no colours.
log = open(f"{server.home}.log").read()
assert re.search(r"^gyre: model talks@1: warning: .*idle", log, re.M) and "\x1b" not in log and "onnxruntime:" not in log, log[-2000:]
print("broken models are told and mended")
