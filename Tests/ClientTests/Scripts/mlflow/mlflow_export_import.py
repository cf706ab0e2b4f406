# SPDX-License-Identifier: Apache-2.0
"""mlflow-export-import moves experiments with their runs out of one Gyre and into another, and takes models out.

Runs itself again under the Python of an environment with mlflow 2.22 and mlflow-export-import, named as third argument.
"""
import os
import sys

if "MLFLOW_EXPORT_IMPORT" not in os.environ:
    python = sys.argv[3] if len(sys.argv) > 3 else ""
    if not os.path.exists(python):
        sys.exit("no Python with mlflow-export-import: name it as third argument")
    os.environ["MLFLOW_EXPORT_IMPORT"] = "1"
    os.execv(python, [python, *sys.argv])

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import json
import subprocess

import mlflow
import numpy
from server import Server
from sklearn.linear_model import LogisticRegression

programs = os.path.dirname(sys.executable)
output = f"{sys.argv[2]}/exported"
first = Server(sys.argv[1], sys.argv[2], "first").start()
second = Server(sys.argv[1], sys.argv[2], "second").start()


def command(server, *arguments):
    done = subprocess.run(
        [f"{programs}/{arguments[0]}", *arguments[1:]], capture_output=True, text=True,
        env={**os.environ, "MLFLOW_TRACKING_URI": server.url, "PATH": f"{programs}:{os.environ['PATH']}"})
    assert done.returncode == 0 and "Traceback" not in done.stderr, f"{arguments} ended with {done.returncode}: {done.stdout[-2000:]} {done.stderr[-3000:]}"


# What there is to move: a run with history, inputs and files, a nested run, a model with an alias, a stage and tags.
mlflow.set_tracking_uri(first.url)
mlflow.set_experiment("to export")
client = mlflow.MlflowClient()
x = numpy.random.default_rng(0).random((30, 2))
model = LogisticRegression().fit(x, (x[:, 0] > 0.5).astype(int))
with mlflow.start_run(run_name="parent") as parent:
    mlflow.log_param("a", "ü")
    mlflow.set_tag("k", "v")
    for step in range(20):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_text("hi", "notes/x y.txt")
    mlflow.sklearn.log_model(model, artifact_path="model", registered_model_name="exported", pip_requirements=[])
    mlflow.log_input(mlflow.data.from_numpy(x, name="xs"), context="training")
    with mlflow.start_run(nested=True, run_name="child"):
        mlflow.log_metric("m", 1)
client.set_registered_model_alias("exported", "champion", "1")
client.transition_model_version_stage("exported", "1", "Production")
client.set_registered_model_tag("exported", "t", "1")
client.update_registered_model("exported", "words")

command(first, "export-experiment", "--experiment", "to export", "--output-dir", f"{output}/experiment")
command(first, "export-model", "--model", "exported", "--output-dir", f"{output}/model")
command(second, "import-experiment", "--experiment-name", "imported", "--input-dir", f"{output}/experiment")
# `import-model` takes sources on DBFS or a local path only, whatever server keeps the files.
exported = json.load(open(f"{output}/model/model.json"))["mlflow"]["registered_model"]
assert exported["description"] == "words" and exported["versions"][0]["current_stage"] == "Production", exported

# All of it has arrived.
mlflow.set_tracking_uri(second.url)
client = mlflow.MlflowClient()
runs = {run.info.run_name: run for run in client.search_runs([client.get_experiment_by_name("imported").experiment_id])}
assert set(runs) == {"parent", "child"}, runs
moved = runs["parent"]
assert moved.data.params == {"a": "ü"} and moved.data.tags["k"] == "v", moved
history = [(point.step, point.value) for point in client.get_metric_history(moved.info.run_id, "loss")]
assert history == [(step, 1 / (step + 1)) for step in range(20)], history
assert runs["child"].data.tags["mlflow.parentRunId"] == moved.info.run_id
assert mlflow.artifacts.load_text(f"runs:/{moved.info.run_id}/notes/x y.txt") == "hi"
loaded = mlflow.pyfunc.load_model(f"runs:/{moved.info.run_id}/model")
assert loaded.predict(x).tolist() == model.predict(x).tolist()
first.stop()
second.stop()
print("mlflow-export-import moved everything")
