# SPDX-License-Identifier: Apache-2.0
"""A model's life behind an endpoint: deployed, asked, rolled out, rolled back, restarted, killed."""
import random
import subprocess
import sys
import threading
import time

import mlflow
import numpy
from server import Server, onnx_model

server = Server(sys.argv[1], sys.argv[2]).start()
mlflow.set_tracking_uri(server.url)
good, graph = onnx_model(None)
mlflow.onnx.log_model(graph, name="model", registered_model_name="m", metadata={"features": ["a", "b", "c"]})
_, reverse = onnx_model(None, slope=-1.0)
mlflow.onnx.log_model(reverse, name="model", registered_model_name="m", metadata={"features": ["a", "b", "c"]})
project = {
    "project": "p", "model": "m", "pipeline": {"package": "none"},
    "rollout": {"steps": [20, 50, 100], "judge": {"minimum_requests": 40, "minimum_labels": 40, "minimum_step_seconds": 0}},
}
server.api("POST", "/projects", project)
server.run("endpoint", "deploy", "m", "--version", "1")


def ask(row, id=None):
    body = {"id": id, "inputs": [{"name": "X", "shape": [1, 3], "datatype": "FP32", "data": [float(v) for v in row]}]}
    if id is None:
        del body["id"]
    return server.request("POST", "/v2/models/m/infer", body)


# The protocol, by curl as well.
status, answer = ask([0.9, 0.5, 0.5])
expected = good.predict_proba(numpy.array([[0.9, 0.5, 0.5]], dtype=numpy.float32))[0]
assert status == 200 and numpy.allclose(answer["outputs"][1]["data"], expected, atol=1e-5), answer
assert answer["model_version"] == "1" and answer["id"]
curl = subprocess.run(["curl", "-sf", f"{server.url}/v2/models/m"], capture_output=True, text=True)
assert '"platform":"onnxruntime_onnx"' in curl.stdout, curl
for path in ["/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/m/ready", "/v2/models/m/versions/1", "/v2/models"]:
    assert server.request("GET", path)[0] == 200, path
batch = {"inputs": [{"name": "X", "shape": [2, 3], "datatype": "FP32", "data": [[0.1, 0, 0], [0.9, 0, 0]]}], "outputs": [{"name": "label"}]}
status, answer = server.request("POST", "/v2/models/m/infer", batch)
assert status == 200 and answer["outputs"][0]["data"] == [0, 1] and len(answer["outputs"]) == 1, answer

# A canary that predicts the opposite is rolled back by itself while requests go on; none fails.
server.api("POST", "/endpoints/m/deploy", {"version": "2"})
assert server.api("GET", "/endpoints/m")["canary_percent"] == 20
numbers, failed, seen = random.Random(3), [], set()
for index in range(3000):
    row = [numbers.random() for _ in range(3)]
    status, answer = ask(row, f"r{index}")
    if status != 200:
        failed.append(answer)
    seen.add(answer["model_version"])
    if index % 10 == 9:
        server.api("POST", "/endpoints/m/labels", {"labels": [{"id": f"r{index}", "label": int(row[0] > 0.5)}]})
    else:
        server.api("POST", "/endpoints/m/labels", {"labels": [{"id": f"r{index}", "label": int(row[0] > 0.5)}]})
    rollout = server.api("GET", "/endpoints/m")["rollouts"][0] if index % 50 == 0 else {"state": "running"}
    if rollout["state"] != "running":
        break
assert rollout["state"] == "rolled_back" and "predicts worse" in rollout["last_reason"], rollout
assert not failed and seen == {"1", "2"}, (failed, seen)
assert ask([0.9, 0, 0])[1]["model_version"] == "1"

# No traffic: inconclusive, and it holds. A person promotes, with a fact.
server.api("POST", "/endpoints/m/deploy", {"version": "2"})
while "each needs" not in (rollout := server.api("GET", "/endpoints/m")["rollouts"][0])["last_reason"]:
    time.sleep(0.1)
assert rollout["state"] == "running" and rollout["percent"] == 20 and "each needs" in rollout["last_reason"], rollout
server.run("endpoint", "pause", "m")
server.run("endpoint", "resume", "m")

# Killed in the middle of a canary: it goes on where it was, with what was counted.
for index in range(100):
    assert ask([numbers.random() for _ in range(3)], f"k{index}")[0] == 200
server.kill()
server.start()
endpoint = server.api("GET", "/endpoints/m")
assert endpoint["canary_percent"] == 20 and endpoint["rollouts"][0]["state"] == "running", endpoint
deadline = time.time() + 600
while sum((counted := server.api("GET", "/endpoints/m")["rollouts"][0]["last_numbers"])[side]["requests"] for side in ["stable", "canary"]) != 100:
    assert time.time() < deadline, counted
    time.sleep(0.1)
server.run("endpoint", "promote", "m", "--reason", "trust me")
assert ask([0.9, 0, 0])[1]["model_version"] == "2"
server.run("endpoint", "promote", "m", status=4)

# Labels that come after a promotion, and after a kill, still count for it: this one they take back.
def wait(what, seconds=600):
    deadline = time.time() + seconds
    while not what(server.api("GET", "/endpoints/m")):
        assert time.time() < deadline, server.api("GET", "/endpoints/m")
        time.sleep(0.1)


server.run("release", "rollback", "m@1")
server.api("POST", "/endpoints/m/deploy", {"version": "2", "steps": [50, 100], "judge": {
    "minimum_requests": 60, "minimum_labels": 60, "minimum_step_seconds": 0, "on_contradiction": "roll_back"}})
truth, answered = {}, []
for index in range(400):
    row = [numbers.random() for _ in range(3)]
    status, answer = ask(row, f"late{index}")
    assert status == 200, answer
    truth[f"late{index}"] = int(row[0] > 0.5)
    answered.append((f"late{index}", answer["outputs"][0]["data"][0]))
# The first labels agree with whatever was answered, so that nothing looks worse.
server.api("POST", "/endpoints/m/labels", {"labels": [{"id": id, "label": label} for id, label in answered[:180]]})

# Chance may make the canary look worse for a moment; more of the same kind tells.
more = 0
while server.api("GET", "/endpoints/m")["rollouts"][0]["state"] != "promoted":
    assert more < 20_000, server.api("GET", "/endpoints/m")["rollouts"][0]
    labels = []
    for more in range(more, more + 20):
        status, answer = ask([numbers.random() for _ in range(3)], f"more{more}")
        assert status == 200, answer
        labels.append({"id": f"more{more}", "label": answer["outputs"][0]["data"][0]})
    more += 1
    server.api("POST", "/endpoints/m/labels", {"labels": labels})
assert server.api("GET", "/endpoints/m")["stable"]["version"] == 2
server.kill()
server.start()
told = server.api("POST", "/endpoints/m/labels", {"labels": [{"id": id, "label": truth[id]} for id, _ in answered[180:]]})
assert told["counted_for_rollout"] == 220, told
wait(lambda endpoint: endpoint["stable"]["version"] == 1)
rollout = server.api("GET", "/endpoints/m")["rollouts"][0]
assert rollout["state"] == "promoted" and rollout["contradicted"]["taken_back"], rollout
assert "predicts worse" in rollout["contradicted"]["reason"] and rollout["review"]["canary"]["labels"] > 100, rollout
kinds = [fact["kind"] for fact in server.api("GET", "/ledger?limit=50")["facts"]]
assert kinds.count("rollout.canary.contradicted") == 1 and kinds.count("rollout.canary.taken-back") == 1, kinds
assert ask([0.9, 0, 0])[1]["model_version"] == "1"
assert mlflow.MlflowClient().get_model_version_by_alias("m", "champion").version == "1"

# Back to a release, by one command; switching drops no request.
errors, running = [], True


def hammer():
    while running:
        status, answer = ask([0.5, 0.5, 0.5])
        if status != 200:
            errors.append(answer)


threads = [threading.Thread(target=hammer) for _ in range(4)]
[t.start() for t in threads]
for number in [1, 3, 1, 3, 1]:
    server.run("release", "rollback", f"m@{number}")
running = False
[t.join() for t in threads]
assert not errors, errors[:3]
assert ask([0.9, 0, 0])[1]["model_version"] == "1"

# A restart and a kill: it serves again, predictions and labels are there.
before = {c["version"]: c["predictions"] for c in server.api("GET", "/endpoints/m")["counts"]}
server.stop()
server.start()
assert ask([0.9, 0, 0], "after-restart")[0] == 200
assert ask([0.9, 0, 0], "before-kill")[0] == 200
server.kill()
server.start()
assert ask([0.9, 0, 0])[1]["model_version"] == "1"
after = {c["version"]: c["predictions"] for c in server.api("GET", "/endpoints/m")["counts"]}
assert after[1] == before[1] + 3 and after[2] == before[2], (before, after)
found = server.api("GET", "/endpoints/m/predictions/before-kill")
assert found["prediction"]["inputs"]["a"] > 0.89 and found["release"]["ref"] == "release/m@1", found
server.api("GET", "/endpoints/m/predictions/nothing", status=404)
card = server.api("GET", "/models/m/versions/1/card")
assert "purpose" in card["missing"] and card["features"] == ["a", "b", "c"], card
metrics = server.request("GET", "/metrics", headers={"accept": "application/openmetrics-text"})[1].decode()
assert metrics.endswith("# EOF\n") and 'gyre_endpoint_requests_total{endpoint="m",version="1",variant="stable"}' in metrics, metrics

# Every datatype comes back as it was sent: 64-bit integers without loss, texts, booleans, NaN.
from onnx import TensorProto, helper
for name, element, datatype, values in [
    ("int64", TensorProto.INT64, "INT64", [2**63 - 1, -(2**63), 0]), ("uint64", TensorProto.UINT64, "UINT64", [2**53 + 1, 0, 7]),
    ("double", TensorProto.DOUBLE, "FP64", [1.5, -2.25, 1e300]), ("text", TensorProto.STRING, "BYTES", ["a", "é", ""]),
    ("flag", TensorProto.BOOL, "BOOL", [True, False, True]), ("float", TensorProto.FLOAT, "FP32", [1, 2.5, -3]),
    ("int8", TensorProto.INT8, "INT8", [-128, 127, 0]), ("uint16", TensorProto.UINT16, "UINT16", [65535, 0, 1]),
]:
    identity = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "g", [helper.make_tensor_value_info("x", element, [None])],
        [helper.make_tensor_value_info("y", element, [None])])
    model = helper.make_model(identity, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    mlflow.onnx.log_model(model, name="model", registered_model_name=name)
    server.api("POST", f"/endpoints/{name}/deploy", {"version": "1"})
    tensor = {"inputs": [{"name": "x", "shape": [3], "datatype": datatype, "data": values}]}
    status, answer = server.request("POST", f"/v2/models/{name}/infer", tensor)
    assert status == 200 and answer["outputs"][0]["data"] == values and answer["outputs"][0]["datatype"] == datatype, (name, answer)
text = '{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[NaN,1]}]}'
status, answer = server.request("POST", "/v2/models/float/infer", text)
assert status == 200 and numpy.isnan(answer["outputs"][0]["data"][0]), answer
assert server.request("POST", "/v2/models/int8/infer", {"inputs": [{"name": "x", "shape": [1], "datatype": "INT8", "data": [128]}]})[0] == 400
# MLServer's codecs: base64 is decoded, the others say what is there anyway.
for codec, given, expected in [("base64", ["w6k=", ""], ["é", ""]), ("str", ["w6k=", ""], ["w6k=", ""]), ("datetime", ["2026-01-02", "2026-01-03"], ["2026-01-02", "2026-01-03"])]:
    status, answer = server.request(
        "POST", "/v2/models/text/infer", {"inputs": [{"name": "x", "shape": [2], "datatype": "BYTES", "data": given, "parameters": {"content_type": codec}}]})
    assert status == 200 and answer["outputs"][0]["data"] == expected, (codec, answer)
status, answer = server.request(
    "POST", "/v2/models/text/infer", {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": ["no base64!"], "parameters": {"content_type": "base64"}}]})
assert status == 400 and "base64" in answer["error"], answer
assert server.api("GET", "/ledger/verify")["intact"]
server.stop()
print("serving: all done")
