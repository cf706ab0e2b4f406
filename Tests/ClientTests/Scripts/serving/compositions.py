# SPDX-License-Identifier: Apache-2.0
"""Models put together: Triton's ensembles, graphs that combine and do not wait for ever, models of other servers, trained models,
explainers, equal requests asked once; and what ONNX models of scikit-learn give as maps."""
import concurrent.futures
import os
import sys
import time

import mlflow
import numpy
import onnx
import yaml
from serving_models import line, two_inputs
from server import Server, onnx_model
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

work = sys.argv[2]
root = f"{work}/models"
os.makedirs(root)


def config(name, text):
    os.makedirs(f"{root}/{name}/1", exist_ok=True)
    open(f"{root}/{name}/config.pbtxt", "w").write(text)


def step(model, inputs, outputs):
    maps = [f'{kind}_map {{ key: "{key}" value: "{value}" }}' for kind, pairs in [("input", inputs), ("output", outputs)] for key, value in pairs.items()]
    return f'step {{ model_name: "{model}" model_version: -1 {" ".join(maps)} }}'


def ensemble(name, steps, inputs='input { name: "TEXT" data_type: TYPE_STRING dims: [ 1 ] }', outputs='output { name: "SCORE" data_type: TYPE_FP32 dims: [ 1 ] }'):
    config(name, f'platform: "ensemble" max_batch_size: 8 {inputs} {outputs} ensemble_scheduling {{ {" ".join(steps)} }}')


# An ensemble: Python before, two models of ONNX side by side, Python after.
line(f"{root}/twice/1/model.onnx", slope=2, bias=0)
line(f"{root}/thrice/1/model.onnx", slope=3, bias=0)
for name, code in {
    "split": '''
    inputs = [{"name": "TEXT", "datatype": "BYTES", "shape": [-1, 1]}]

    def predict(self, inputs):
        rows = [[float(part) for part in str(text[0] or "0 0 0").split()] for text in inputs["TEXT"]]
        return {"ROWS": numpy.array(rows, "float32")}
''',
    "sum": '''
    inputs = [{"name": "A", "datatype": "FP32", "shape": [-1, 1]}, {"name": "B", "datatype": "FP32", "shape": [-1, 1]}]

    def predict(self, inputs):
        return {"OUT": inputs["A"] + inputs["B"]}
''',
    "slow": '''
    inputs = [{"name": "IN", "datatype": "FP32", "shape": [-1, 3]}]

    def predict(self, inputs):
        time.sleep(float(inputs["IN"][0][0]))
        self.asked = getattr(self, "asked", 0) + 1
        return {"OUT": numpy.full((len(inputs["IN"]), 1), 100.0 + self.asked, "float32")}
''',
    "handy": '''
    inputs = [{"name": "X", "datatype": "FP64", "shape": [-1, 2]}]

    def preprocess(self, inputs):
        return {"X": inputs["X"] * 10}

    def predict(self, inputs):
        return {"Y": inputs["X"].sum(axis=1)}

    def postprocess(self, outputs):
        return {"Y": outputs["Y"] + 1}

    def explain(self, request):
        if "instances" not in request:
            raise ValueError("nothing to explain")
        return {"explanations": [{"weights": [1, 1]} for _ in request["instances"]]}
'''}.items():
    os.makedirs(f"{root}/{name}/1")
    open(f"{root}/{name}/1/model.py", "w").write(f"import time\nimport numpy\n\n\nclass Model:{code}")
config("slow", 'max_batch_size: 4 response_cache { enable: true } instance_group [{ count: 4 }]')
config("split", "max_batch_size: 8")
ensemble("whole", [
    step("sum", {"A": "left", "B": "right"}, {"OUT": "SCORE"}), step("twice", {"IN": "rows"}, {"OUT": "left"}),
    step("split", {"TEXT": "TEXT"}, {"ROWS": "rows"}), step("thrice", {"IN": "rows"}, {"OUT": "right"})])
ensemble("outer", [step("whole", {"TEXT": "TEXT"}, {"SCORE": "SCORE"})])
# What cannot be: each is told, and the others are served.
ensemble("nothing", [step("split", {"TEXT": "TEXT"}, {"ROWS": "rows"})])
ensemble("circle", [step("twice", {"IN": "b"}, {"OUT": "a"}), step("thrice", {"IN": "a"}, {"OUT": "b"}), step("sum", {"A": "a", "B": "b"}, {"OUT": "SCORE"})])
ensemble("self", [step("self", {"TEXT": "TEXT"}, {"SCORE": "SCORE"})])
ensemble("lost", [step("nowhere", {"TEXT": "TEXT"}, {"SCORE": "SCORE"})])
# Maps out of scikit-learn's converter, and settings of ONNX Runtime.
x, y = load_iris(return_X_y=True)
flowers = LogisticRegression(max_iter=500).fit(x, y)
os.makedirs(f"{root}/maps/1")
onnx.save(to_onnx(flowers, x[:1].astype("float32")), f"{root}/maps/1/model.onnx")
config("maps", 'parameters { key: "intra_op_thread_count" value: { string_value: "2" } } optimization { graph { level: -1 } }')
line(f"{root}/wrong/1/model.onnx")
config("wrong", 'parameters { key: "intra_op_thread_count" value: { string_value: "many" } }')

server = Server(sys.argv[1], work, options=["--model-repository", root, "--trust-models"]).start()
log = open(server.home + ".log").read()
for part in ['needs the tensor "SCORE"', "wait for each other", "self → self", '"nowhere" is not found', "intra_op_thread_count"]:
    assert part in log, (part, log)


def ask(path, body, status=200, headers={}):
    found, answer = server.request("POST", path, body, headers)
    assert found == status, (path, found, answer)
    return answer


def texts(*rows):
    return {"inputs": [{"name": "TEXT", "shape": [len(rows), 1], "datatype": "BYTES", "data": list(rows)}]}


for model in ["whole", "outer"]:
    assert ask(f"/v2/models/{model}/infer", texts("1 2 3", "1 1 1"))["outputs"][0] == {"name": "SCORE", "datatype": "FP32", "shape": [2, 1], "data": [30.0, 15.0]}
assert "float" in ask("/v2/models/whole/infer", texts("a b c"), 400)["error"]
assert "9 rows" in ask("/v2/models/whole/infer", texts(*["1 1 1"] * 9), 400)["error"]
assert server.request("GET", "/v2/models/whole/config")[1]["ensemble_scheduling"]["step"][0]["model_name"] == "sum"
assert ask("/v1/models/whole:predict", {"instances": [["1 1 1"]]})["predictions"] == [[15.0]]
with concurrent.futures.ThreadPoolExecutor(32) as pool:
    answers = list(pool.map(lambda n: ask("/v2/models/outer/infer", texts(f"{n} 0 0"))["outputs"][0]["data"][0], range(200)))
assert answers == [5.0 * n for n in range(200)]
ask("/v2/repository/models/thrice/unload", {})
assert "thrice" in ask("/v2/models/whole/infer", texts("1 1 1"), 503)["error"]
ask("/v2/repository/models/whole/load", {})
assert ask("/v2/models/whole/infer", texts("1 1 1"))["outputs"][0]["data"] == [15.0], "loading an ensemble loads its parts"

# Maps come as rows of numbers.
answer = {entry["name"]: entry for entry in ask("/v2/models/maps/infer", {"inputs": [{"name": "X", "shape": [5, 4], "datatype": "FP32", "data": x[:5].tolist()}]})["outputs"]}
assert answer["output_label"]["data"] == flowers.predict(x[:5]).tolist()
assert numpy.allclose(numpy.array(answer["output_probability"]["data"]).reshape(5, 3), flowers.predict_proba(x[:5]), atol=1e-4), answer

# Before, after, why.
assert ask("/v1/models/handy:predict", {"instances": [[1, 2], [3, 4]]})["predictions"] == [31.0, 71.0]
assert ask("/v1/models/handy:explain", {"instances": [[1, 2]]}) == {"explanations": [{"weights": [1, 1]}]}
assert "nothing to explain" in ask("/v1/models/handy:explain", {}, 400)["error"]
ask("/v1/models/twice:explain", {"instances": [[1, 2, 3]]}, 400)

# Equal requests at the same time are asked once, also when they fail.
def slow(seconds):
    return server.request("POST", "/v2/models/slow/infer", {"inputs": [{"name": "IN", "shape": [1, 3], "datatype": "FP32", "data": [seconds, 0, 0]}]})


with concurrent.futures.ThreadPoolExecutor(20) as pool:
    answers = [answer["outputs"][0]["data"][0] for _, answer in pool.map(lambda _: slow(0.5), range(20))]
stats = server.request("GET", "/v2/models/slow/stats")[1]["model_stats"][0]
assert len(set(answers)) == 1 and stats["inference_stats"]["cache_hit"]["count"] == 19 and stats["inference_stats"]["cache_miss"]["count"] == 1, (answers, stats)
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    assert {status for status, _ in pool.map(lambda _: slow(-1), range(8))} == {400}


# A graph that has an answer in time, whatever its slowest step does.
def graph(name, nodes, annotations={}, status=0, **spec):
    manifest = {
        "apiVersion": "serving.kserve.io/v1alpha1", "kind": "InferenceGraph", "metadata": {"name": name, "annotations": annotations}, "spec": {"nodes": nodes, **spec}}
    open(f"{work}/graph.yaml", "w").write(yaml.safe_dump(manifest))
    return server.run("apply", "-f", f"{work}/graph.yaml", status=status)


three = {"routerType": "Ensemble", "steps": [{"name": name, "serviceName": name} for name in ["twice", "thrice", "slow"]]}
graph("fast", {"root": three}, {"gyre.dev/root.combine": "mean", "gyre.dev/root.deadline-ms": "5000"})
answer = ask("/serving/default/fast", {"instances": [[20, 0, 0]]})
assert answer == {"predictions": [[50.0]], "combined": 2, "of": 3, "missing": ["slow"]}, answer
deadline = time.time() + 600
while ask("/serving/default/fast", {"instances": [[0, 1, 0]]})["combined"] != 3:  # another process of the slow one may have to start
    assert time.time() < deadline
    time.sleep(0.1)
graph("vote", {"root": {"routerType": "Ensemble", "steps": [{"name": str(n), "serviceName": name} for n, name in enumerate(["twice", "thrice", "twice"])]}}, {"gyre.dev/root.combine": "majority"})
assert ask("/serving/default/vote", {"instances": [[1, 1, 1]]})["predictions"] == [[6.0]]
graph("late", {"root": {"routerType": "Sequence", "steps": [{"serviceName": "slow"}]}}, timeout=1)
assert "1000 ms" in ask("/serving/default/late", {"instances": [[10, 0, 0]]}, 504)["error"], "before the slow one has answered"
hard = {"routerType": "Ensemble", "steps": [{"name": "a", "serviceName": "twice"}, {"name": "b", "serviceName": "slow", "dependency": "Hard"}]}
graph("hard", {"root": hard}, {"gyre.dev/root.deadline-ms": "300"})
assert ask("/serving/default/hard", {"instances": [[10, 0, 0]]}, 504)["error"]
for annotations, field in [({"gyre.dev/root.combine": "best"}, "combine"), ({"gyre.dev/root.deadline-ms": "0"}, "deadline-ms")]:
    assert field in graph("bad", {"root": three}, annotations, status=64).stderr
assert "spec.timeout" in graph("bad", {"root": three}, status=64, timeout=0).stderr

# The steps of a graph stand in the log of the endpoints that they ask, with the graph's id.
mlflow.set_tracking_uri(server.url)
mlflow.onnx.log_model(onnx_model(None)[1], name="model", registered_model_name="m", metadata={"features": ["a", "b", "c"]})
server.run("endpoint", "deploy", "m")
graph("logged", {"root": {"routerType": "Sequence", "steps": [{"name": "only", "serviceName": "m"}]}})
status, _, headers = server.exchange("POST", "/serving/default/logged", {"instances": [[1, 2, 3]]}, {"X-Request-Id": "mine"})
assert status == 200 and headers["x-request-id"] == "mine", headers
how = server.api("GET", "/endpoints/m/predictions/mine-root-only")["prediction"]["how"]
assert how["via"] == "graph logged root/only" and how["by"] == "alone" and how["run_us"] >= 0, how
assert "graph logged root/only" in server.run("endpoint", "explain", "m", "mine-root-only").stdout

# A model of another server is asked there; a client may not name one.
other = f"{work}/other"
os.makedirs(f"{other}/far/1")
open(f"{other}/far/config.pbtxt", "w").write(f'backend: "remote" parameters {{ key: "url" value: {{ string_value: "{server.url}/v2/models/twice" }} }}')
os.makedirs(f"{other}/gone/1")
open(f"{other}/gone/config.pbtxt", "w").write('backend: "remote" parameters { key: "url" value: { string_value: "http://127.0.0.1:9/v2/models/x" } }')
near = Server(sys.argv[1], work, name="near", options=["--model-repository", other]).start()
assert "did not answer" in open(near.home + ".log").read()
row = {"inputs": [{"name": "IN", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}
assert near.request("POST", "/v2/models/far/infer", row)[1]["outputs"][0]["data"] == [12.0]
assert near.request("POST", "/v2/models/far/infer", {"inputs": [{**row["inputs"][0], "name": "NO"}]})[0] == 400
bad = {"parameters": {"config": '{"backend": "remote", "parameters": {"url": {"string_value": "http://127.0.0.1:1/v2/models/x"}}}'}}
assert near.request("POST", "/v2/repository/models/far/load", bad)[0] == 403
two_inputs(f"{root}/pair/1/model.onnx")
server.kill()
assert near.request("POST", "/v2/models/far/infer", row)[0] == 503
server.start()
assert near.request("POST", "/v2/models/far/infer", row)[0] == 200
near.stop()


# Trained models belong to a service and go with it.
def apply(manifest, status=0):
    open(f"{work}/m.yaml", "w").write(yaml.safe_dump(manifest))
    return server.run("apply", "-f", f"{work}/m.yaml", status=status)


def trained(name, parent="host", **model):
    return {
        "apiVersion": "serving.kserve.io/v1alpha1", "kind": "TrainedModel", "metadata": {"name": name},
        "spec": {"inferenceService": parent, "model": {"framework": "onnx", "storageUri": f"file://{root}/twice/1", "memory": "256Mi", **model}}}


assert "spec.inferenceService" in apply(trained("child"), status=64).stderr
apply({"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": "host"}, "spec": {"predictor": {"onnx": {"storageUri": f"{root}/thrice/1"}}}})
apply(trained("child"))
assert ask("/v1/models/child:predict", {"instances": [[1, 1, 1]]})["predictions"] == [[6.0]]
told = yaml.safe_load(server.run("get", "tm", "child", "-o", "yaml").stdout)
assert {entry["type"]: entry["status"] for entry in told["status"]["conditions"]}["Ready"] == "True", told
assert "child" not in server.run("get", "isvc").stdout and "child" in server.run("get", "tm").stdout
for manifest, field in [(trained("a", framework="pmml"), "framework"), (trained("a", memory="lots"), "memory"), (trained("a", storageUri="gs://x"), "storageUri"), (trained("host"), "host")]:
    assert field in apply(manifest, status=4 if field == "host" else 64).stderr, field
server.kill()
server.start()
assert ask("/v1/models/child:predict", {"instances": [[1, 1, 1]]})["predictions"] == [[6.0]]
# Two that apply the same thing at once make one revision after the other.
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    manifests = [
        {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": "busy"}, "spec": {"predictor": {"onnx": {"storageUri": f"{root}/twice/1"}, "timeout": n + 1}}}
        for n in range(8)]
    found = list(pool.map(lambda manifest: server.request("POST", "/api/gyre/v1/manifests", manifest), manifests))
assert all(status == 200 for status, _ in found), found
told = server.request("GET", "/api/gyre/v1/inferenceservices/busy")[1]
assert told["status"]["observedGeneration"] == 8, told
server.run("delete", "isvc", "host")
ask("/v1/models/child:predict", {"instances": [[1, 1, 1]]}, 404)
server.run("get", "tm", "child", status=3)
server.stop()
print("what is put together works together")
