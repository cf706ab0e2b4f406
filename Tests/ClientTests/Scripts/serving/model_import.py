# SPDX-License-Identifier: Apache-2.0
"""Models from a disk into the registry: a folder in Triton's layout with its configurations, single files, XGBoost's own; released, batched, read back."""
import concurrent.futures
import json
import os
import sys

import joblib
import mlflow
import numpy
import xgboost
from serving_models import line, two_inputs
from server import Server
from sklearn.linear_model import LogisticRegression

work = sys.argv[2]
root = f"{work}/models"
for version in [1, 2, 10]:
    line(f"{root}/line/{version}/model.onnx", slope=version)
open(f"{root}/line/config.pbtxt", "w").write("max_batch_size: 16 dynamic_batching { max_queue_delay_microseconds: 20000 }")
two_inputs(f"{root}/sums/1/model.onnx")
server = Server(sys.argv[1], work).start()
assert "model/line@3 is registered" in server.run("model", "import", root, "-m", "from the old server").stdout
versions = server.api("GET", "/models/line")["versions"]
assert [version["number"] for version in versions] == [1, 2, 3] and versions[0]["description"] == "from the old server", versions
assert server.api("GET", "/models/sums")["versions"][0]["number"] == 1

# An endpoint of it joins requests as its configuration says, and the release has that pinned.
release = json.loads(server.run("endpoint", "deploy", "line", "--version", "3", "--format", "json").stdout)
assert "dynamic_batching" in release["pins"]["configuration"], release
row = lambda n: {"id": f"r{n}", "inputs": [{"name": "IN", "shape": [1, 3], "datatype": "FP32", "data": [n, 0, 0]}]}


def ask(n):
    status, answer = server.request("POST", "/v2/models/line/infer", row(n))
    assert status == 200, answer
    return answer["outputs"][0]["data"][0]


with concurrent.futures.ThreadPoolExecutor(16) as pool:
    assert list(pool.map(ask, range(64))) == [10.0 * n + 1 for n in range(64)]
rows = [server.api("GET", f"/endpoints/line/predictions/r{n}")["prediction"]["how"]["batch_rows"] for n in range(64)]
assert max(rows) > 1, rows
assert "in a batch of" in server.run("endpoint", "explain", "line", f"r{rows.index(max(rows))}").stdout
assert server.request("POST", "/v2/models/line/infer", {"inputs": [{"name": "IN", "shape": [17, 3], "datatype": "FP32", "data": [0] * 51}]})[0] == 400

# Another configuration is another release; the one before can be gone back to.
other = f"{work}/other.pbtxt"
open(other, "w").write("max_batch_size: 32")
server.run("model", "configure", "line", "--version", "3", other)
server.run("endpoint", "deploy", "line", "--version", "3", "--strategy", "all-at-once")
assert server.request("POST", "/v2/models/line/infer", {"inputs": [{"name": "IN", "shape": [17, 3], "datatype": "FP32", "data": [0] * 51}]})[0] == 200
server.run("release", "rollback", "line@1")
assert server.request("POST", "/v2/models/line/infer", {"inputs": [{"name": "IN", "shape": [17, 3], "datatype": "FP32", "data": [0] * 51}]})[0] == 400
server.kill()
server.start()
assert server.request("POST", "/v2/models/line/infer", {"inputs": [{"name": "IN", "shape": [17, 3], "datatype": "FP32", "data": [0] * 51}]})[0] == 400 and ask(1) == 11
open(other, "w").write("max_batch_size: many")
assert "configuration" in server.run("model", "configure", "line", other, status=64).stderr
server.run("model", "configure", "line")

# One file; files of XGBoost, which are data; a pickle, which is not.
line(f"{work}/single.onnx", slope=7)
server.run("model", "import", f"{work}/single.onnx", "--name", "one")
server.run("endpoint", "deploy", "one")
assert server.request("POST", "/v2/models/one/infer", row(1))[1]["outputs"][0]["data"] == [8.0]
x = numpy.random.default_rng(1).random((100, 3)).astype("float32")
booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(x, x[:, 0]), 5)
os.makedirs(f"{work}/trees")
booster.save_model(f"{work}/trees/model.ubj")
server.run("model", "import", f"{work}/trees")
server.run("endpoint", "deploy", "trees")
answer = server.request("POST", "/v1/models/trees:predict", {"instances": x[:4].tolist()})[1]
assert numpy.allclose(numpy.ravel(answer["predictions"]), booster.predict(xgboost.DMatrix(x[:4])), atol=1e-5), answer
os.makedirs(f"{work}/pickled")
joblib.dump(LogisticRegression().fit(x, x[:, 0] > 0.5), f"{work}/pickled/model.joblib")
server.run("model", "import", f"{work}/pickled")
assert "trust-models" in server.run("endpoint", "deploy", "pickled", status=1).stderr

# MLServer's folders: one model, and a folder of them; a runtime of somebody's own is refused by its name.
for name, settings in [
    ("boosted", {"name": "boosted-trees", "implementation": "mlserver_xgboost.XGBoostModel", "parameters": {"uri": "./own.json", "version": "v1"}}),
    ("plain", {"implementation": "mlserver_sklearn.SKLearnModel"})]:
    os.makedirs(f"{work}/mlserver/{name}")
    json.dump(settings, open(f"{work}/mlserver/{name}/model-settings.json", "w"))
booster.save_model(f"{work}/mlserver/boosted/own.json")
joblib.dump(LogisticRegression().fit(x, x[:, 0] > 0.5), f"{work}/mlserver/plain/model.joblib")
told = server.run("model", "import", f"{work}/mlserver").stdout
assert "model/boosted-trees@1" in told and "model/plain@1" in told, told
server.run("endpoint", "deploy", "boosted-trees")
answer = server.request("POST", "/v2/models/boosted-trees/infer", {"inputs": [{"name": "any", "shape": [4, 3], "datatype": "FP32", "data": x[:4].ravel().tolist()}]})[1]
assert numpy.allclose(answer["outputs"][0]["data"], booster.predict(xgboost.DMatrix(x[:4])), atol=1e-5), answer
os.makedirs(f"{work}/custom")
for content, status, word in [
    ({"name": "c", "implementation": "models.MyRuntime"}, 64, "models.MyRuntime"), ({"implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "gone.joblib"}}, 3, "gone.joblib")]:
    json.dump(content, open(f"{work}/custom/model-settings.json", "w"))
    said = server.run("model", "import", f"{work}/custom", status=status).stderr
    assert word in said, said

# MLflow's client reads what was imported.
mlflow.set_tracking_uri(server.url)
assert os.path.getsize(mlflow.artifacts.download_artifacts("models:/one/1", dst_path=work) + "/single.onnx") > 100

# What cannot be.
server.run("model", "import", f"{work}/nothing", status=3)
assert "names of their own" in server.run("model", "import", root, "--name", "x", status=64).stderr
zero = "0" * 64
for files, status in [([], 400), ([{"path": "a", "sha256": zero}], 404), ([{"path": "../a", "sha256": zero}], 404), ([{"path": "a"}], 400)]:
    assert server.request("POST", "/api/gyre/v1/models/x/versions", {"files": files})[0] == status, files
sent = server.request("POST", "/api/gyre/v1/blobs", b"x")[1]["sha256"]
assert server.request("POST", "/api/gyre/v1/models/x/versions", {"files": [{"path": "../../a", "sha256": sent}]})[0] == 400
assert server.request("POST", "/api/gyre/v1/models/x/versions", {"files": [{"path": "a", "sha256": sent}], "configuration": "{"})[0] == 400
assert server.request("GET", "/api/gyre/v1/models/x")[0] == 404
server.stop()
print("models came in")
