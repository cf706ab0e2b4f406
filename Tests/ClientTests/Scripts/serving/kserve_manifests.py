# SPDX-License-Identifier: Apache-2.0
"""KServe's manifests by the command line and by Kubernetes' addresses: services with canaries, rollback and refusals; graphs of every kind."""
import json
import os
import sys
import threading

import joblib
import numpy
import yaml
from serving_models import line
from server import Server
from sklearn.linear_model import LogisticRegression

work = sys.argv[2]
server = Server(sys.argv[1], work, options=["--trust-models"]).start()
x = numpy.random.default_rng(1).random((100, 3))
model = LogisticRegression().fit(x, x[:, 0] > 0.5)
os.makedirs(f"{work}/sk")
joblib.dump(model, f"{work}/sk/model.joblib")
for slope in [1, 2, 3]:
    line(f"{work}/line{slope}/model.onnx", slope=slope)


def write(*documents):
    path = f"{work}/manifest.yaml"
    open(path, "w").write("---\n".join(yaml.safe_dump(document) for document in documents))
    return path


def service(name, predictor):
    return {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": name, "namespace": "team"}, "spec": {"predictor": predictor}}


def onnx(slope, **more):
    return service("lines", {"model": {"modelFormat": {"name": "onnx"}, "storageUri": f"file://{work}/line{slope}"}, **more})


def ask(path, body, status=200):
    found, answer = server.request("POST", path, body)
    assert found == status, (path, found, answer)
    return answer


def shares(count=300):
    seen = {}
    for _ in range(count):
        slope = (ask("/v1/models/lines:predict", {"instances": [[1, 1, 1]]})["predictions"][0][0] - 1) / 3
        seen[slope] = seen.get(slope, 0) + 1
    return seen


def isvc():
    return yaml.safe_load(server.run("get", "isvc", "lines", "-o", "yaml").stdout)


# A service, a canary of it, back, another canary against what was rolled out last, promoted.
assert "Apply a manifest" in server.run("get", "isvc").stdout
assert "/v1/models/lines" in server.run("apply", "-f", write(onnx(1))).stdout
assert shares(20) == {1.0: 20}
server.run("apply", "-f", write(onnx(2, canaryTrafficPercent=20)))
seen = shares()
assert set(seen) == {1.0, 2.0} and 25 < seen[2.0] < 100, seen
told = isvc()["status"]["components"]["predictor"]
assert [entry["percent"] for entry in told["traffic"]] == [80, 20] and told["latestRolledoutRevision"].endswith("00001"), told
server.run("apply", "-f", write(onnx(2, canaryTrafficPercent=0)))
assert shares(30) == {1.0: 30}
server.run("apply", "-f", write(onnx(3, canaryTrafficPercent=50)))
assert set(shares()) == {1.0, 3.0}, "the next canary splits against what was rolled out, not against what was created"
server.run("apply", "-f", write(onnx(3)))
assert shares(30) == {3.0: 30}
told = isvc()["status"]["components"]["predictor"]
assert told["previousRolledoutRevision"].endswith("00001") and told["latestRolledoutRevision"].endswith("00003"), told
server.run("apply", "-f", write(onnx(3, canaryTrafficPercent=0)))
assert shares(30) == {1.0: 30}, "no share for the newest goes back to the one before"
server.run("apply", "-f", write(onnx(3)))

# The files of a revision are kept as they were; a revision that cannot be loaded changes nothing.
line(f"{work}/line3/model.onnx", slope=99)
server.kill()
server.start()
assert shares(30) == {3.0: 30}
open(f"{work}/line2/model.onnx", "wb").write(b"no model")
assert "ONNX" in server.run("apply", "-f", write(onnx(2)), status=64).stderr
assert shares(30) == {3.0: 30} and isvc()["status"]["conditions"][-1] == {"type": "Ready", "status": "True"}

# Other formats and the fields that can be honoured.
server.run("apply", "-f", write(
    service("flowers", {"sklearn": {"storageUri": f"{work}/sk", "resources": {"limits": {"memory": "4Gi"}}}, "minReplicas": 0, "maxReplicas": 2, "timeout": 30}),
    service("batches", {"onnx": {"storageUri": f"{work}/line1/model.onnx"}, "batcher": {"maxBatchSize": 8, "maxLatency": 5}})))
answer = ask("/v1/models/flowers:predict", {"instances": x[:3].tolist()})
assert [entry["predict"] for entry in answer["predictions"]] == [bool(value) for value in model.predict(x[:3])], answer
threads = [threading.Thread(target=ask, args=("/v1/models/batches:predict", {"instances": [[1, 1, 1]]})) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
stats = server.request("GET", "/v2/models/batches/stats")[1]["model_stats"][0]
assert stats["inference_count"] == 8 and stats["execution_count"] < 8, stats
assert len(json.loads(server.run("get", "isvc", "--format", "json").stdout)["items"]) == 3

# A field beside the model is a change too, and reaches the model; the limit of a batch holds for a model that takes any number.
def limited(rows):
    return service("limited", {"sklearn": {"storageUri": f"{work}/sk", "resources": {"limits": {"memory": "4Gi"}}}, "minReplicas": 0, "batcher": {"maxBatchSize": rows}})


server.run("apply", "-f", write(limited(2)))
assert "rows" in ask("/v1/models/limited:predict", {"instances": x[:3].tolist()}, 400)["error"]
found, answer = server.request("PUT", "/apis/serving.kserve.io/v1beta1/namespaces/team/inferenceservices/limited", limited(4))
assert found == 200 and answer["status"]["observedGeneration"] == 2, answer
ask("/v1/models/limited:predict", {"instances": x[:3].tolist()})
server.run("delete", "isvc", "limited")

# What cannot be honoured is refused with the field's path.
for predictor, field in [
    ({"model": {"modelFormat": {"name": "onnx"}, "storageUri": "gs://bucket/x"}}, "spec.predictor.model.storageUri"),
    ({"model": {"modelFormat": {"name": "pmml"}, "storageUri": "/x"}}, "spec.predictor.model.modelFormat.name"),
    ({"containers": [{"image": "x"}]}, "spec.predictor.containers"), ({}, "spec.predictor"),
    ({"onnx": {"storageUri": "/x"}, "sklearn": {"storageUri": "/x"}}, "spec.predictor"),
    ({"onnx": {"storageUri": f"{work}/line1"}, "nodeSelector": {"a": "b"}}, "spec.predictor.nodeSelector"),
    ({"onnx": {"storageUri": f"{work}/line1"}, "canaryTrafficPercent": 101}, "spec.predictor.canaryTrafficPercent"),
    ({"onnx": {"storageUri": f"{work}/line1"}, "minReplicas": 3, "maxReplicas": 2}, "spec.predictor.maxReplicas"),
    ({"onnx": {"storageUri": f"{work}/line1"}, "logger": {"url": "http://x", "mode": "all"}}, "spec.predictor.logger.url"),
]:
    assert field in server.run("apply", "-f", write(service("wrong", predictor)), status=64).stderr, field
wrong = service("wrong", {"onnx": {"storageUri": f"{work}/line1"}})
wrong["spec"]["transformer"] = {"containers": []}
assert "spec.transformer" in server.run("apply", "-f", write(wrong), status=64).stderr
for name in ["Big", "-a", "a_b", "", "a" * 64]:
    assert "metadata.name" in server.run("apply", "-f", write(service(name, {"onnx": {"storageUri": f"{work}/line1"}})), status=64).stderr, name
assert "no model at" in server.run("apply", "-f", write(service("none", {"onnx": {"storageUri": "/no/where"}})), status=3).stderr


# Graphs of every kind.
def graph(name, **nodes):
    manifest = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "InferenceGraph", "metadata": {"name": name}, "spec": {"nodes": nodes}}
    server.run("apply", "-f", write(manifest))
    return f"/serving/default/{name}"


three = {"instances": [[1, 1, 1]]}
path = graph("ensemble", root={"routerType": "Ensemble", "steps": [{"name": "a", "serviceName": "lines"}, {"serviceName": "batches"}]})
assert ask(path, three) == {"a": {"predictions": [[10.0]]}, "1": {"predictions": [[4.0]]}}
path = graph("sequence", root={"routerType": "Sequence", "steps": [
    {"serviceName": "lines"}, {"serviceName": "widen", "mapPredictionsToInstances": True, "dependency": "Soft"}, {"serviceName": "batches", "data": "$request"}]})
assert ask(path, three) == {"predictions": [[4.0]]}
path = graph("hard", root={"routerType": "Sequence", "steps": [{"serviceName": "nowhere", "dependency": "Hard"}, {"serviceName": "lines", "data": "$request"}]})
assert "nowhere" in ask(path, three, 404)["error"]
path = graph("switch", root={"routerType": "Switch", "steps": [
    {"nodeName": "big", "condition": '[@this].#(kind=="big")'}, {"serviceName": "batches", "condition": "instances.0"}]},
    big={"routerType": "Ensemble", "steps": [{"name": "only", "serviceName": "lines"}]})
assert ask(path, {**three, "kind": "big"}) == {"only": {"predictions": [[10.0]]}} and ask(path, three) == {"predictions": [[4.0]]}
assert "No condition" in ask(path, {"inputs": [[1, 1, 1]]}, 404)["error"]
path = graph("splitter", root={"routerType": "Splitter", "steps": [{"serviceName": "lines", "weight": 30}, {"serviceName": "batches", "weight": 70}]})
seen = [ask(path, three)["predictions"][0][0] for _ in range(200)]
assert 30 < seen.count(10.0) < 95 and seen.count(4.0) == 200 - seen.count(10.0), seen.count(10.0)
for nodes, field in [
    ({"other": {"routerType": "Sequence", "steps": [{"serviceName": "a"}]}}, "root"), ({"root": {"routerType": "Round", "steps": []}}, "spec.nodes.root.routerType"),
    ({"root": {"routerType": "Sequence", "steps": [{"nodeName": "root"}]}}, "circle"), ({"root": {"routerType": "Sequence", "steps": [{"nodeName": "x"}]}}, "nodeName"),
    ({"root": {"routerType": "Splitter", "steps": [{"serviceName": "a", "weight": 30}]}}, "sum to 100"), ({"root": {"routerType": "Switch", "steps": [{"serviceName": "a"}]}}, "condition"),
    ({"root": {"routerType": "Sequence", "steps": [{"serviceUrl": "http://x"}]}}, "serviceUrl"),
]:
    manifest = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "InferenceGraph", "metadata": {"name": "wrong"}, "spec": {"nodes": nodes}}
    assert field in server.run("apply", "-f", write(manifest), status=64).stderr, field

# By Kubernetes' addresses.
base = "/apis/serving.kserve.io/v1beta1/namespaces/team/inferenceservices"
assert {item["metadata"]["name"] for item in server.request("GET", base)[1]["items"]} == {"lines", "flowers", "batches"}
found, answer = server.request("POST", base, service("posted", {"onnx": {"storageUri": f"{work}/line1"}}))
assert found == 200 and answer["status"]["conditions"][-1]["status"] == "True", answer
found, answer = server.request("DELETE", f"{base}/posted")
assert found == 200 and answer["status"] == "Success", answer
found, answer = server.request("GET", f"{base}/posted")
assert found == 404 and answer["kind"] == "Status" and answer["reason"] == "NotFound", answer
assert server.request("POST", "/v1/models/posted:predict", three)[0] == 404
server.stop()
server.options = []
server.start()
assert "--trust-models" in server.run("apply", "-f", write(service("denied", {"onnx": {"storageUri": f"{work}/line1"}})), status=1).stderr
assert ask("/v1/models/batches:predict", three), "what was applied before goes on"
server.run("delete", "isvc", "flowers")
server.run("delete", "isvc", "flowers", status=3)
server.run("delete", "graph", "splitter")
assert "splitter" not in server.run("get", "graph").stdout and "ensemble" in server.run("get", "graph").stdout
server.stop()
print("manifests are honoured")
