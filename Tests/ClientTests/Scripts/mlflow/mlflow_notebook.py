# SPDX-License-Identifier: Apache-2.0
"""What a notebook does with the mlflow client: autolog, evaluation, pictures, tables, large and oddly named files."""
import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import mlflow
import numpy
import pandas
from mlflow import MlflowClient
from server import Server
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

try:
    import lightgbm
    import xgboost
except ImportError:
    lightgbm = xgboost = None

server = Server(sys.argv[1], sys.argv[2]).start()
mlflow.set_tracking_uri(server.url)
client = MlflowClient()
folder = Path(tempfile.mkdtemp())


def same(found, expected):
    assert found == expected, f"found {str(found)[:1000]!r}, not {str(expected)[:1000]!r}"


def paths(run, below=None):
    return [file.path for file in client.list_artifacts(run.info.run_id, below)]


def models(run):
    return mlflow.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'", output_format="list")


rng = numpy.random.default_rng(0)
frame = pandas.DataFrame(rng.random((120, 3)), columns=["a", "b", "c"])
label = (frame["a"] + 0.1 * rng.random(120) > 0.55).astype(int)

# Autolog: estimators, pipelines, a search with its children, boosters.
mlflow.set_experiment("autolog")
mlflow.autolog(log_datasets=True, silent=True)
with mlflow.start_run(run_name="sklearn") as run:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(frame, label)
    pipeline.score(frame, label)
found = client.get_run(run.info.run_id)
same(found.data.params["logisticregression__C"], "0.5")
assert found.data.metrics["training_accuracy_score"] > 0.8 and "Pipeline_score_frame" in found.data.metrics, found.data
same([i.dataset.name for i in found.inputs.dataset_inputs], ["dataset"])
same([t.value for t in found.inputs.dataset_inputs[0].tags], ["train"])
assert any(path.endswith("confusion_matrix.png") for path in paths(run)), paths(run)
same(len(found.outputs.model_outputs), 1)
same(len(models(run)), 1)
logged = models(run)[0]
assert (mlflow.sklearn.load_model(logged.model_uri).predict(frame) == pipeline.predict(frame)).all()
assert {metric.key for metric in logged.metrics} >= {"training_accuracy_score"}, logged.metrics
with mlflow.start_run(run_name="search") as run:
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3).fit(frame, label)
same(len(client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")), 2)
assert "best_C" in client.get_run(run.info.run_id).data.params
if xgboost:
    with mlflow.start_run(run_name="xgboost") as run:
        data = xgboost.DMatrix(frame, label)
        booster = xgboost.train(
            {"max_depth": 2, "objective": "binary:logistic", "eval_metric": "logloss", "nthread": 1}, data, 10, evals=[(data, "train")])
    found = client.get_run(run.info.run_id)
    same(found.data.params["max_depth"], "2")
    same([point.step for point in client.get_metric_history(run.info.run_id, "train-logloss")], list(range(10)))
    assert "feature_importance_weight.png" in paths(run), paths(run)
    again = mlflow.xgboost.load_model(models(run)[0].model_uri)
    assert numpy.allclose(again.predict(data), booster.predict(data))
    with mlflow.start_run(run_name="lightgbm") as run:
        data = lightgbm.Dataset(frame, label)
        booster = lightgbm.train({"objective": "binary", "num_leaves": 4, "num_threads": 1, "verbosity": -1}, data, 8, valid_sets=[data])
    same(client.get_run(run.info.run_id).data.params["num_leaves"], "4")
    same(len(client.get_metric_history(run.info.run_id, "training-binary_logloss")), 8)
    assert numpy.allclose(mlflow.lightgbm.load_model(models(run)[0].model_uri).predict(frame), booster.predict(frame))
LogisticRegression().fit(frame, label)  # without a run: one is made
same(client.search_runs([run.info.experiment_id], max_results=1)[0].data.params["C"], "1.0")
mlflow.autolog(disable=True, silent=True)

# Evaluation of a classifier, and its thresholds.
mlflow.set_experiment("evaluation")
model = LogisticRegression().fit(frame, label)
with mlflow.start_run(run_name="evaluate") as run:
    info = mlflow.sklearn.log_model(model, name="model", input_example=frame[:2])
    result = mlflow.models.evaluate(
        info.model_uri, frame.assign(y=label), targets="y", model_type="classifier", evaluators="default",
        evaluator_config={"log_explainer": False})
found = client.get_run(run.info.run_id)
assert found.data.metrics["accuracy_score"] == result.metrics["accuracy_score"] > 0.8, found.data.metrics
assert "roc_curve_plot.png" in paths(run) and "confusion_matrix.png" in paths(run), paths(run)
same([i.dataset.name for i in found.inputs.dataset_inputs], ["dataset"])
assert any(metric.key == "accuracy_score" for metric in client.get_logged_model(info.model_id).metrics)
mlflow.validate_evaluation_results(
    validation_thresholds={"accuracy_score": mlflow.models.MetricThreshold(threshold=0.5, greater_is_better=True)},
    candidate_result=result)

# Figures, images with steps, tables, text.
mlflow.set_experiment("pictures")
import matplotlib.pyplot as plot

with mlflow.start_run() as run:
    figure, axes = plot.subplots()
    axes.plot([1, 2], [2, 1])
    mlflow.log_figure(figure, "figures/line.png")
    mlflow.log_image(numpy.zeros((8, 8, 3), dtype=numpy.uint8), "black.png")
    for step in range(3):
        mlflow.log_image(numpy.full((8, 8), step * 100, dtype=numpy.uint8), key="a key/with slash", step=step)
    mlflow.log_image(mlflow.Image(numpy.ones((4, 4, 3), dtype=numpy.uint8)), key="object", step=0, synchronous=True)
    mlflow.log_table({"question": ["q1", "q2"], "value": [1.5, None]}, "tables/t.json")
    mlflow.log_table(pandas.DataFrame({"question": ["q3"], "value": [2.5]}), "tables/t.json")
    mlflow.flush_artifact_async_logging()
deadline = time.time() + 600
while len(paths(run, "images")) < 8 and time.time() < deadline:
    time.sleep(0.1)
same(len(paths(run, "images")), 8)  # each with a small one beside it
assert (folder / "x").parent.exists() and mlflow.artifacts.load_image(f"runs:/{run.info.run_id}/black.png").size == (8, 8)
table = mlflow.load_table("tables/t.json", run_ids=[run.info.run_id], extra_columns=["run_id"])
same(list(table["question"]), ["q1", "q2", "q3"])
same(client.get_run(run.info.run_id).data.tags["mlflow.loggedArtifacts"].count("tables/t.json"), 1)
same(len(mlflow.load_table("tables/t.json")), 3)

# Logging without waiting, and what the machine does meanwhile.
mlflow.set_experiment("asynchronous")
mlflow.set_system_metrics_sampling_interval(0.2)
mlflow.set_system_metrics_samples_before_logging(1)
with mlflow.start_run(log_system_metrics=True) as run:
    for step in range(300):
        mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False)
    mlflow.log_params({f"p{i}": i for i in range(150)}, synchronous=False)
    mlflow.set_tags({"t": "1"}, synchronous=False)
    mlflow.flush_async_logging()
    same(len(client.get_metric_history(run.info.run_id, "loss")), 300)
    same(len(client.get_run(run.info.run_id).data.params), 150)
    while not any(key.startswith("system/") for key in client.get_run(run.info.run_id).data.metrics):
        time.sleep(0.1)
system = [key for key in client.get_run(run.info.run_id).data.metrics if key.startswith("system/")]
assert "system/cpu_utilization_percentage" in system, system

# Data as an input.
with mlflow.start_run(run_name="inputs") as run:
    data = mlflow.data.from_pandas(frame.assign(y=label), name="frame", targets="y")
    mlflow.log_input(data, context="training", tags={"split": "a"}, model=mlflow.entities.LoggedModelInput(info.model_id))
    mlflow.log_input(data, context="training")
found = client.get_run(run.info.run_id).inputs
same([(i.dataset.name, i.dataset.digest) for i in found.dataset_inputs], [("frame", data.digest)])
same({t.key: t.value for t in found.dataset_inputs[0].tags}, {"mlflow.data.context": "training", "split": "a"})
for query in ["dataset.name = 'frame'", f"dataset.digest = '{data.digest}'", "dataset.context = 'training'"]:
    same([r.info.run_name for r in client.search_runs([run.info.experiment_id], query)], ["inputs"])
same(len(found.model_inputs), 1)

# The registry from a notebook.
version = mlflow.register_model(info.model_uri, "notebook", tags={"a": "b"})
same((version.version, version.tags), ("1", {"a": "b"}))
client.set_registered_model_alias("notebook", "champion", "1")
assert (mlflow.pyfunc.load_model("models:/notebook@champion").predict(frame) == model.predict(frame)).all()
copied = client.copy_model_version("models:/notebook@champion", "production")
same((copied.version, copied.source), ("1", "models:/notebook/1"))
assert (mlflow.pyfunc.load_model("models:/production/1").predict(frame) == model.predict(frame)).all()
again = client.copy_model_version("models:/notebook/1", "production")
same(again.version, "2")
client.delete_model_version("notebook", "1")
assert (mlflow.pyfunc.load_model("models:/production/2").predict(frame) == model.predict(frame)).all()

# Odd names; one file of 200 MB. The client itself confuses '#', '?' and '%25', with MLflow's own server too.
names = ["a b", "100%", "c++", "ümläut", "e\u0301 (decomposed)", "a&b=c", "semi;colon,comma", "q'uote\"d", "日本", "🙂", "tilde~", "[x]{y}",
         "at@home", "dot.", "$x", "back`tick", "caret^|pipe", "<tag>", "star*", "UPPER", "co:lon"]
files = names + ["+", "a+b", "per % cent"]
odd = folder / "odd"
(odd / "files").mkdir(parents=True)
for name in files:
    (odd / "files" / f"{name}.txt").write_text(name)
for name in names:
    (odd / name).mkdir(parents=True)
    (odd / name / f"{name}.txt").write_text(name)
with mlflow.start_run(run_name="odd") as run:
    mlflow.log_artifacts(odd, "all of it + 100%")
same(sorted(paths(run, "all of it + 100%")), sorted(f"all of it + 100%/{name}" for name in [*names, "files"]))
same(sorted(paths(run, "all of it + 100%/files")), sorted(f"all of it + 100%/files/{name}.txt" for name in files))
for name in names[::4]:
    same(paths(run, f"all of it + 100%/{name}"), [f"all of it + 100%/{name}/{name}.txt"])
down = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="all of it + 100%", dst_path=tempfile.mkdtemp()))
for name in names:
    same((down / name / f"{name}.txt").read_text(), name)
for name in files:
    same((down / "files" / f"{name}.txt").read_text(), name)
same(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/all of it + 100%/c++/c++.txt"), "c++")

large = folder / "large.bin"
block = rng.bytes(1 << 20)
wanted = hashlib.sha256()
with large.open("wb") as file:
    for index in range(200):
        piece = index.to_bytes(8, "big") + block[8:]
        file.write(piece)
        wanted.update(piece)
with mlflow.start_run(run_name="large") as run:
    mlflow.log_artifact(large, "weights")
same([(f.path, f.file_size) for f in client.list_artifacts(run.info.run_id, "weights")], [("weights/large.bin", 200 << 20)])
down = mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/weights/large.bin", dst_path=tempfile.mkdtemp())
with open(down, "rb") as file:
    same(hashlib.file_digest(file, "sha256").hexdigest(), wanted.hexdigest())
os.remove(down)
os.remove(large)

assert server.api("GET", "/ledger/verify")["intact"]
server.stop()
print("mlflow notebook: all done")
