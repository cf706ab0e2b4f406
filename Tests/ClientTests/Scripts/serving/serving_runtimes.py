# SPDX-License-Identifier: Apache-2.0
"""Models that ONNX Runtime does not run: scikit-learn's by joblib, MLflow's flavours, a user's class, XGBoost's and LightGBM's own files;
processes that die, hang or eat memory; a budget of memory with many models."""
import concurrent.futures
import json
import os
import signal
import sys
import threading
import time

import joblib
import lightgbm
import mlflow
import numpy
import pandas
import xgboost
from serving_models import line
from server import Server
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

root = f"{sys.argv[2]}/models"
x, y = load_iris(return_X_y=True)
forest = RandomForestClassifier(20, random_state=0).fit(x, y)


def place(name, version=1):
    os.makedirs(f"{root}/{name}/{version}")
    return f"{root}/{name}/{version}"


joblib.dump(forest, place("forest") + "/model.joblib")
names = ["a", "b", "c", "d"]
frame = pandas.DataFrame(x, columns=names)
mlflow.sklearn.save_model(
    LogisticRegression(max_iter=500).fit(frame, y), place("flavour"), signature=mlflow.models.infer_signature(frame, y), pip_requirements=[])
open(place("own") + "/model.py", "w").write("""
import os, time
import numpy


class Model:
    inputs = [{"name": "X", "datatype": "FP32", "shape": [-1, 2]}, {"name": "WORD", "datatype": "BYTES", "shape": [-1]}]

    def load(self, folder):
        self.factor = 3

    def predict(self, inputs):
        word = str(inputs["WORD"][0]) if len(inputs["WORD"]) else ""
        if word == "die":
            os._exit(1)
        if word == "hang":
            time.sleep(3600)
        if word == "eat":
            self.eaten = numpy.ones((4 << 30) // 8)
        if word == "raise":
            raise ValueError("the word is not liked")
        if word == "wait":
            time.sleep(0.3)
        return {"Y": inputs["X"] * self.factor, "ECHO": inputs["WORD"]}
""")
open(f"{root}/own/config.pbtxt", "w").write("""
    instance_group [ { count: 2 } ]
    parameters { key: "timeout_seconds" value { string_value: "2" } }
    parameters { key: "idle_seconds" value { string_value: "3" } }
    parameters { key: "memory_limit_bytes" value { string_value: "2000000000" } }
""")
booster = xgboost.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 3}, xgboost.DMatrix(x, y), 10)
booster.save_model(place("xgb") + "/xgboost.json")
binary = xgboost.train({"objective": "binary:logistic", "max_depth": 3}, xgboost.DMatrix(x, y > 0), 10)
binary.save_model(place("xgb2") + "/model.ubj")
light = lightgbm.train({"objective": "multiclass", "num_class": 3, "verbose": -1}, lightgbm.Dataset(x, y), 10)
light.save_model(place("light") + "/model.txt")
open(place("nonsense") + "/model.txt", "w").write("no trees")
open(place("broken") + "/model.py", "w").write("raise RuntimeError('no such luck')")
server = Server(sys.argv[1], sys.argv[2], options=["--model-repository", root]).start()


def infer(model, inputs, status=200):
    found, answer = server.request("POST", f"/v2/models/{model}/infer", {"inputs": inputs})
    assert found == status, (model, found, answer)
    return {output["name"]: output["data"] for output in answer["outputs"]} if status == 200 else answer["error"]


def own(word, value=1.0, status=200):
    return infer("own", [
        {"name": "X", "shape": [1, 2], "datatype": "FP32", "data": [value, 2]}, {"name": "WORD", "shape": [1], "datatype": "BYTES", "data": [word]}], status)


def workers():
    return [pid for pid, name in server.processes().items() if name == "own@1"]


# scikit-learn and MLflow answer as they do by themselves; numbers of any type, the one input by any name.
for datatype, rows in [("FP64", x[:5]), ("FP32", x[:5].astype("float32"))]:
    found = infer("forest", [{"name": "whatever", "shape": [5, 4], "datatype": datatype, "data": rows.ravel().tolist()}])
    assert found["predict"] == forest.predict(x[:5]).tolist() and numpy.allclose(found["predict_proba"], forest.predict_proba(x[:5]).ravel()), found
columns = [{"name": name, "shape": [3], "datatype": "FP64", "data": frame[name][:3].tolist()} for name in names]
assert infer("flavour", columns)["predict"] == [0, 0, 0]
status, answer = server.request("POST", "/endpoints/flavour/invocations", {"dataframe_split": frame[:3].to_dict("split")})
assert status == 200 and answer["predictions"] == [0, 0, 0], answer
status, answer = server.request("POST", "/v1/models/forest:predict", {"instances": x[:2].tolist()})
assert status == 200 and answer["predictions"][0]["predict"] == 0, answer
status, answer = server.request("GET", "/v2/models/flavour")
assert answer["platform"] == "mlflow" and [entry["name"] for entry in answer["inputs"]] == names, answer
status, index = server.request("POST", "/v2/repository/index")
broken = next(entry for entry in index if entry["name"] == "broken")
assert broken["state"] == "UNAVAILABLE" and "no such luck" in broken["reason"], broken

# XGBoost's and LightGBM's own files, as these libraries answer; a missing value is one.
for name, expected in [("xgb", booster.predict(xgboost.DMatrix(x))), ("xgb2", binary.predict(xgboost.DMatrix(x))), ("light", light.predict(x))]:
    found = infer(name, [{"name": "input__0", "shape": [150, 4], "datatype": "FP64", "data": x.ravel().tolist()}])["output__0"]
    assert numpy.allclose(found, expected.ravel(), atol=1e-5), name
gap = x[:1].copy()
gap[0, 2] = numpy.nan
body = json.dumps({"inputs": [{"name": "input__0", "shape": [1, 4], "datatype": "FP32", "data": gap.ravel().tolist()}]})
status, answer = server.request("POST", "/v2/models/xgb/infer", body)
assert status == 200 and numpy.allclose(answer["outputs"][0]["data"], booster.predict(xgboost.DMatrix(gap)).ravel(), atol=1e-5), answer
assert infer("xgb", [{"name": "input__0", "shape": [0, 4], "datatype": "FP32", "data": []}])["output__0"] == []
assert "shape" in infer("light", [{"name": "input__0", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}], 400)
assert "lightgbm" in next(entry for entry in index if entry["name"] == "nonsense")["reason"], index

# A user's class: several inputs, texts, large tensors through shared memory.
assert own("ü") == {"Y": [3.0, 6.0], "ECHO": ["ü"]}
large = numpy.random.default_rng(1).random((50_000, 2), dtype="float32")
found = infer("own", [
    {"name": "X", "shape": [50_000, 2], "datatype": "FP32", "data": large.ravel().tolist()}, {"name": "WORD", "shape": [1], "datatype": "BYTES", "data": ["w"]}])
assert numpy.allclose(found["Y"], large.ravel() * 3)

# What goes wrong in the model is told and stays there.
assert "not liked" in own("raise", status=400)
assert own("fine")["ECHO"] == ["fine"]
before = set(workers())
assert "gone" in own("die", status=503)
assert own("fine")["ECHO"] == ["fine"] and not set(workers()) & before
assert "2000 ms" in own("hang", status=504), "long before it would have answered"
assert own("fine")["ECHO"] == ["fine"]
assert "emory" in own("eat", status=503)
assert own("fine")["ECHO"] == ["fine"]
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    answers = [pool.submit(own, "wait", float(n)) for n in range(8)]
    while len(workers()) < 2 and not all(answer.done() for answer in answers):
        time.sleep(0.02)
    assert len(workers()) == 2, "two instances at the same time"
    assert all(answer.result()["Y"][0] == 3.0 * n for n, answer in enumerate(answers)), "each has its own answer"
for pid in workers():
    os.kill(pid, signal.SIGKILL)
statuses = [server.request("POST", "/v2/models/own/infer", {"inputs": [
    {"name": "X", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}, {"name": "WORD", "shape": [1], "datatype": "BYTES", "data": ["a"]}]})[0] for _ in range(6)]
assert statuses.count(200) >= 4 and set(statuses) <= {200, 503}, statuses

# Idle processes end, and the next request has one again.
deadline = time.time() + 600
while workers() and time.time() < deadline:
    time.sleep(0.3)
assert not workers(), "scaled to zero"
assert own("back")["ECHO"] == ["back"]

# Under load a model is loaded anew all the time, and nothing is lost.
failed, stop = [], threading.Event()


def ask_on():
    while not stop.is_set():
        found, answer = server.request("POST", "/v2/models/forest/infer", {"inputs": [{"name": "i", "shape": [1, 4], "datatype": "FP64", "data": x[0].tolist()}]})
        if found != 200:
            failed.append(answer)


threads = [threading.Thread(target=ask_on) for _ in range(4)]
[thread.start() for thread in threads]
for _ in range(3):
    os.utime(f"{root}/forest/1/model.joblib")
    assert server.request("POST", "/v2/repository/models/forest/load")[0] == 200
stop.set()
[thread.join() for thread in threads]
assert not failed, failed[:3]
server.stop()

if os.environ.get("SANITIZED"):  # a sanitizer's own allocator does not tell what a model takes
    print("all runtimes answered, but for the budget of memory")
    sys.exit(0)

# Sixty models where there is room for a few: each answers, the ones not asked for longest leave, the budget holds.
for number in range(60):
    line(f"{root}.many/m{number}/1/model.onnx", slope=number)
server = Server(sys.argv[1], sys.argv[2], name="many", options=["--model-repository", f"{root}.many", "--model-memory", "400K"]).start()
row = [{"name": "IN", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]
with concurrent.futures.ThreadPoolExecutor(6) as pool:
    answers = list(pool.map(lambda n: (n % 60, infer(f"m{n % 60}", row)["OUT"]), range(240)))
assert all(found == [6.0 * n + 1] for n, found in answers)
index = server.request("POST", "/v2/repository/index")[1]
ready = [entry for entry in index if entry["state"] == "READY"]
assert 1 <= len(ready) < 60 and len(index) == 60 and any("make room" in entry["reason"] for entry in index), index[:5]
stats = server.request("GET", "/v2/models/stats")[1]["model_stats"]
assert sum(entry["memory_usage"][0]["byte_size"] for entry in stats) <= 400 * 1024 * 1.1, stats
line(f"{root}.many/huge/1/model.onnx", width=300_000)
server.stop()
server.start()
found, answer, headers = server.exchange("POST", "/v2/models/huge/infer", '{"inputs": [{"name": "IN", "shape": [1, 300000], "datatype": "FP32", "data": [' + ",".join(["0"] * 300_000) + "]}]}")
assert found == 503 and b"--model-memory" in answer and headers["retry-after"] == "1", (found, answer, headers)
server.stop()
print("all runtimes answered")
