# SPDX-License-Identifier: Apache-2.0
"""scikit-learn models of several kinds are converted to ONNX as they are registered, answer as before, and the numbers are on record."""
import json
import sys
import time

import mlflow
import numpy
import pandas
import row_forms
from ports import free_port
from server import Server
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

address = f"127.0.0.1:{free_port()}"
grpc = (sys.argv[3], address) if len(sys.argv) > 3 else None  # a Python that has tritonclient
server = Server(sys.argv[1], sys.argv[2], options=["--trust-models", "--grpc", address]).start()
mlflow.set_tracking_uri(server.url)
luck = numpy.random.default_rng(3)
x = luck.normal(size=(300, 4))
y = (x[:, 0] + x[:, 1] > 0).astype(int)
table = pandas.DataFrame({"price": luck.normal(10, 3, 300), "age": luck.integers(1, 90, 300), "city": luck.choice(["Rome", "Oslo", "Lima"], 300)})
sold = numpy.where((table["price"] < 10) ^ (table["city"] == "Oslo"), "yes", "no")
flowers = pandas.DataFrame(x, columns=["sepal length", "sepal width", "petal length", "petal width"])
kinds = numpy.where(x[:, 0] - x[:, 2] > 0, "setosa", "virginica")


class Odd(ClassifierMixin, BaseEstimator):
    """What no converter knows."""

    def fit(self, x, y):
        self.classes_ = numpy.unique(y)
        self.n_features_in_ = x.shape[1]
        return self

    def predict(self, x):
        return (numpy.asarray(x).sum(axis=1) > 0).astype(int)


def log(name, model, **named):
    mlflow.sklearn.log_model(model, name="model", registered_model_name=name, serialization_format="cloudpickle", **named)


models = {
    "matrix": (GradientBoostingClassifier(n_estimators=20, random_state=0).fit(x, y), {}),
    "signed": (LogisticRegression().fit(x, y), {"signature": mlflow.models.infer_signature(x, y)}),
    "columns": (
        make_pipeline(
            ColumnTransformer([("n", StandardScaler(), ["price", "age"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["city"])]),
            GradientBoostingClassifier(n_estimators=10, random_state=0)).fit(table, sold),
        {"input_example": table.head(20), "signature": mlflow.models.infer_signature(table, sold)}),
    "numbers": (
        RandomForestRegressor(n_estimators=10, random_state=0).fit(table[["price", "age"]], table["price"] * 2),
        {"signature": mlflow.models.infer_signature(table[["price", "age"]], table["price"])}),
    # Trained on named columns, as the commonest models are.
    "named": (LogisticRegression().fit(flowers, kinds), {"signature": mlflow.models.infer_signature(flowers, kinds)}),
    "unsigned": (LogisticRegression().fit(flowers, kinds), {}),
    "odd": (Odd().fit(x, y), {}),
}
for name, (model, named) in models.items():
    log(name, model, **named)


def conversion(name):
    # Registering was enough; deploying finds it done, or does it.
    return server.api("POST", f"/models/{name}/versions/1/conversion", {})


deadline = time.time() + 600
tried = lambda: [f["subject"] for f in server.api("GET", "/ledger?limit=500")["facts"] if f["kind"] in ("serving.model.converted", "serving.model.not-converted")]
while len(tried()) < len(models):
    assert time.time() < deadline, tried()
    time.sleep(0.5)

for name, (model, _) in models.items():
    found = conversion(name)
    server.run("endpoint", "deploy", name)
    platform = server.request("GET", f"/v2/models/{name}")[1]["platform"]
    if name == "odd":
        assert not found["agrees"] and found["reason"] and platform == "mlflow", found
    else:
        assert found["agrees"] and found["same"] >= 0.999 and found["rows"] == 512 and platform == "onnxruntime_onnx", (found, platform)
    if name in ("columns", "numbers"):
        rows = table if name == "columns" else table[["price", "age"]]
        status, answer = server.request(
            "POST", f"/endpoints/{name}/invocations", {"dataframe_split": rows.head(50).to_dict(orient="split")}, {"Content-Type": "application/json"})
    else:
        status, answer = server.request("POST", f"/v1/models/{name}:predict", {"instances": x[:50].tolist()})
    assert status == 200, answer
    expected = model.predict(table.head(50) if name == "columns" else table[["price", "age"]].head(50) if name == "numbers" else x[:50])
    given = numpy.asarray(answer["predictions"]).ravel()
    if name == "numbers":
        assert numpy.allclose(given, expected, rtol=1e-5), (given[:5], expected[:5])
    else:
        assert (given == expected).all(), (name, given[:5], expected[:5])
status, _, headers = server.exchange(
    "POST", "/endpoints/columns/invocations", {"dataframe_split": table.head(1).to_dict(orient="split")}, {"Content-Type": "application/json"})
kept = server.api("GET", f"/endpoints/columns/predictions/{headers['x-request-id']}")["prediction"]
assert table["city"][0] in kept["inputs"].values() and kept["y"]["predict"] == [str(sold[0])], kept
# A conversion does not change what a client may send: every form, by every protocol, before and after.
asked = {
    "matrix": (flowers, ["0", "1", "2", "3"]), "signed": (flowers, ["0", "1", "2", "3"]), "columns": (table, list(table.columns)),
    "numbers": (table[["price", "age"]], ["price", "age"]), "named": (flowers, list(flowers.columns)), "unsigned": (flowers, list(flowers.columns))}
for name, (frame, names) in asked.items():
    log(f"{name}-in-python", models[name][0], **models[name][1], metadata={"gyre_serve": "python"})
    server.run("endpoint", "deploy", f"{name}-in-python")
    rows = [list(row) for row in frame.head(7).astype(object).itertuples(index=False)]
    model, given = models[name][0], frame.head(7) if name not in ("matrix", "signed") else x[:7]
    expected = model.predict(given).tolist()
    for which, platform in ((f"{name}-in-python", "mlflow"), (name, "onnxruntime_onnx")):
        assert server.request("GET", f"/v2/models/{which}")[1]["platform"] == platform
        row_forms.check(server, which, names, rows, expected, names[0] != "0", grpc)
        if names[0] != "0":
            row_forms.check_refused(server, which, names, rows)
    # What is computed of quality is the probability, which the client did not ask for.
    if hasattr(model, "predict_proba"):
        positive = model.predict_proba(given)[:, 1]
        for which in (f"{name}-in-python", name):
            _, _, headers = server.exchange("POST", f"/v1/models/{which}:predict", json.dumps({"instances": rows}))
            for index, score in enumerate(positive):
                id = headers["x-request-id"] + (f"%23{index}" if index else "")
                kept = server.api("GET", f"/endpoints/{which}/predictions/{id}")["prediction"]
                assert kept["kind"] == "probability" and abs(kept["score"] - score) < 1e-5, (which, kept, score)
shown = server.run("model", "convert", "columns").stdout
assert "skl2onnx" in shown and "512" in shown, shown

# The usual encoder of categories refuses what it has not seen, whatever runs it, and that is the client's affair.
strict = make_pipeline(
    ColumnTransformer([("n", StandardScaler(), ["price", "age"]), ("c", OneHotEncoder(), ["city"])]), LogisticRegression()).fit(table, sold)
for name, platform, named in (("strict", "onnxruntime_onnx", {}), ("strict-in-python", "mlflow", {"metadata": {"gyre_serve": "python"}})):
    log(name, strict, input_example=table.head(20), signature=mlflow.models.infer_signature(table, sold), **named)
    server.run("endpoint", "deploy", name)
    assert server.request("GET", f"/v2/models/{name}")[1]["platform"] == platform, name
    known = {"instances": [list(row) for row in table.head(7).astype(object).itertuples(index=False)]}
    assert numpy.asarray(server.request("POST", f"/v1/models/{name}:predict", known)[1]["predictions"]).ravel().tolist() == strict.predict(table.head(7)).tolist()
    status, said = server.request("POST", f"/v1/models/{name}:predict", {"instances": [[1.0, 2, "Nowhere"]]})
    assert status == 400 and "ategor" in said["error"], (name, status, said)
    assert server.api("GET", f"/endpoints/{name}")["counts"][0]["errors"] == 0, name

# An owner who wants Python has Python.
log("kept", models["matrix"][0], metadata={"gyre_serve": "python"})
server.run("endpoint", "deploy", "kept")
assert server.request("GET", "/v2/models/kept")[1]["platform"] == "mlflow"
assert "not converted" in server.run("model", "convert", "kept", status=4).stderr

# After a restart it is served as before, without converting anew.
server.kill()
server.start()
assert server.request("GET", "/v2/models/columns")[1]["platform"] == "onnxruntime_onnx"
assert len(tried()) >= len(models)
server.stop()

# Where models may not run code nothing is loaded, and a converted one is not either: its files are the client's.
plain = Server(sys.argv[1], sys.argv[2], name="plain").start()
mlflow.set_tracking_uri(plain.url)
log("matrix", models["matrix"][0])
assert "trust-models" in plain.run("endpoint", "deploy", "matrix", status=1).stderr
plain.stop()
print("conversions agree")
