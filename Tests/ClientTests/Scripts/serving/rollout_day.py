# SPDX-License-Identifier: Apache-2.0
"""Strategies of rolling out: shadow, blue-green, a lasting comparison, frozen traffic; a model that only Python runs behind an endpoint.

Requests go on all the time, and none may fail.
"""
import random
import sys
import threading
import time

import mlflow
import numpy
from server import Server, onnx_model
from sklearn.linear_model import LogisticRegression

server = Server(sys.argv[1], sys.argv[2]).start()
mlflow.set_tracking_uri(server.url)
good, graph = onnx_model(None)
_, reverse = onnx_model(None, slope=-1.0)
for model in [graph, reverse, graph]:
    mlflow.onnx.log_model(model, name="model", registered_model_name="m", metadata={"features": ["a", "b", "c"]})
failed, seen, stop = [], {}, threading.Event()


def ask(id=None, key=None, version=None):
    row = [random.random() for _ in range(3)]
    body = {"inputs": [{"name": "X", "shape": [1, 3], "datatype": "FP32", "data": row}], "parameters": {}}
    if id:
        body["id"] = id
    if key:
        body["parameters"]["key"] = key
    status, answer = server.request("POST", f"/v2/models/m{f'/versions/{version}' if version else ''}/infer", body)
    if status != 200:
        failed.append(answer)
        return None
    return answer["model_version"]


def ask_on():
    while not stop.is_set():
        version = ask()
        seen[version] = seen.get(version, 0) + 1


def show():
    return server.api("GET", "/endpoints/m")


def wait(what, seconds=600):
    deadline = time.time() + seconds
    while not what():
        assert time.time() < deadline, show()
        time.sleep(0.1)


server.run("endpoint", "deploy", "m", "--version", "1")
threads = [threading.Thread(target=ask_on, daemon=True) for _ in range(3)]
[thread.start() for thread in threads]

# Blue-green: loaded, asked by its version, no traffic until a person says so.
server.run("endpoint", "deploy", "m", "--version", "3", "--strategy", "blue-green")
assert ask(version=3) == "3"
time.sleep(1.5)
assert show()["canary_percent"] == 0 and seen.get("3", 0) == 0 and show()["rollouts"][0]["state"] == "running", show()
server.run("endpoint", "promote", "m", "--reason", "green is good")
wait(lambda: seen.get("3", 0) > 10)
assert show()["stable"]["version"] == 3

# What nobody spoke of waits: a step lasts ten minutes and needs labels, however many requests there are.
server.run("endpoint", "deploy", "m", "--version", "1", "--strategy", "canary", "--steps", "50,100")
wait(lambda: ((show()["rollouts"][0]["last_numbers"].get("canary") or {}).get("requests") or 0) > 250)
last = show()["rollouts"][0]
assert last["state"] == "running" and last["percent"] == 50, last
assert "no labels yet" in last["last_reason"] and "10 min" in last["last_reason"], last
assert last["last_numbers"]["canary"]["brier"] is None and last["last_numbers"]["canary"]["latency_us_p50"] > 0, last
server.run("endpoint", "abort", "m")
held = [fact for fact in server.api("GET", "/ledger?limit=100")["facts"] if fact["kind"] == "rollout.canary.held" and last["id"] in fact["subject"]]
assert len(held) == 1, "looks that move nothing are no facts"
# A deployment may say its own judge, and what it says is checked.
for judge, named in [({"minimum_label": 5}, "minimum_labels"), ({"significance": 3}, "0.5"), ({"quality": "label"}, "labels")]:
    status, answer = server.request("POST", "/api/gyre/v1/endpoints/m/deploy", {"version": "1", "judge": judge})
    assert status == 400 and named in str(answer), answer
assert show()["canary"] is None

# Shadow: a version that answers the opposite is found out without one answer of its own.
server.api("POST", "/projects", {
    "project": "p", "model": "m", "pipeline": {"package": "none"},
    "rollout": {"steps": [50, 100], "judge": {
        "minimum_requests": 60, "minimum_agreement": 0.9, "minimum_step_seconds": 0, "quality": "errors_and_latency"}}})
server.run("endpoint", "deploy", "m", "--version", "2", "--strategy", "shadow")
wait(lambda: show()["rollouts"][0]["state"] == "rolled_back")
last = show()["rollouts"][0]
assert seen.get("2", 0) == 0 and "agrees with stable" in last["last_reason"] and last["last_numbers"]["canary"]["compared"] >= 3, last
assert "errors and latency only" in last["last_reason"], last
assert show()["canary"] is None

# One that agrees goes on to its steps by itself.
server.run("endpoint", "deploy", "m", "--version", "1", "--strategy", "shadow", "--steps", "50,100")
wait(lambda: show()["rollouts"][0]["state"] == "promoted")
assert show()["stable"]["version"] == 1

# Frozen: nothing gets more traffic, by hand or by the judge; what is under way can be taken back.
server.run("endpoint", "deploy", "m", "--version", "3", "--strategy", "canary", "--steps", "20,100")
server.run("endpoint", "freeze", "m", "--hours", "1", "--reason", "sale")
assert "sale" in server.run("endpoint", "promote", "m", status=4).stderr
time.sleep(2.5)
assert show()["canary_percent"] == 20 and show()["freeze"]["reason"] == "sale", show()
server.run("endpoint", "abort", "m")
assert "frozen" in server.run("endpoint", "deploy", "m", "--version", "3", status=4).stderr
server.run("endpoint", "unfreeze", "m")
server.run("endpoint", "unfreeze", "m", status=4)

# A comparison that lasts: the share stays, and a key always meets the same side.
server.run("endpoint", "deploy", "m", "--version", "3", "--strategy", "canary", "--steps", "10,100")
server.run("endpoint", "traffic", "m", "--canary", "40", "--reason", "A/B")
time.sleep(2)
assert show()["canary_percent"] == 40 and show()["rollouts"][0]["state"] == "paused", show()
for person in range(200):
    versions = {ask(key=f"person {person}") for _ in range(3)}
    assert len(versions) == 1, versions
share = sum(ask(key=f"person {person}") == "3" for person in range(400)) / 400
assert 0.3 < share < 0.5, share
server.run("endpoint", "traffic", "m", "--canary", "100", status=64)

# After a kill all of it is as it was.
stop.set()
[thread.join() for thread in threads]
server.kill()
server.start()
assert show()["canary_percent"] == 40 and {ask(key="person 1")} <= {"1", "3"}
server.run("endpoint", "abort", "m")
assert not failed, failed[:3]
facts = server.api("GET", "/ledger?limit=500")["facts"]
kinds = {fact["kind"] for fact in facts}
assert {"rollout.canary.set", "rollout.endpoint.frozen", "rollout.endpoint.unfrozen", "rollout.canary.rolled-back"} <= kinds, kinds

# A model of another flavour than ONNX is served by Python, behind an endpoint as any other.
x = numpy.random.default_rng(1).random((200, 2))
model = LogisticRegression().fit(x, x[:, 0] > 0.5)
mlflow.sklearn.log_model(model, name="model", registered_model_name="forest", pip_requirements=[])
assert "--trust-models" in server.run("endpoint", "deploy", "forest", "--version", "1", status=1).stderr
server.stop()
server.options = ["--trust-models"]
server.start()
server.run("endpoint", "deploy", "forest", "--version", "1")
body = {"inputs": [{"name": "x", "shape": [3, 2], "datatype": "FP64", "data": x[:3].ravel().tolist()}]}
status, answer = server.request("POST", "/v2/models/forest/infer", body)
assert status == 200 and answer["outputs"][0]["data"] == model.predict(x[:3]).tolist(), answer
status, answer = server.request("POST", "/endpoints/forest/invocations", {"inputs": x[:3].tolist()})
assert status == 200 and answer["predictions"] == model.predict(x[:3]).tolist(), answer
server.kill()
server.start()
assert server.request("POST", "/v2/models/forest/infer", body)[0] == 200, "it comes back after a kill"
server.stop()
print("rolled out, back and on")
