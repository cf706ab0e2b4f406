# SPDX-License-Identifier: Apache-2.0
"""A working day of the unmodified mlflow client."""
import math
import sys
import threading

import mlflow
import numpy
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from server import Server
from sklearn.linear_model import LogisticRegression

server = Server(sys.argv[1], sys.argv[2]).start()
mlflow.set_tracking_uri(server.url)
client = MlflowClient()


def refused(code, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except MlflowException as error:
        assert error.error_code == code, (error.error_code, error)
        return
    raise AssertionError(f"{call.__name__}{arguments} was not refused")


# The quick start of MLflow's documentation.
mlflow.set_experiment("my-experiment")
x = numpy.random.default_rng(0).random((60, 3))
y = (x[:, 0] > 0.5).astype(int)
with mlflow.start_run() as run:
    mlflow.log_param("learning_rate", 0.01)
    mlflow.log_param("batch_size", 32)
    model = LogisticRegression().fit(x, y)
    mlflow.log_metric("accuracy", 0.95)
    mlflow.log_metric("loss", 0.05)
    mlflow.sklearn.log_model(model, "model")
    mlflow.log_text("hello", "notes/ä b.txt")
    mlflow.log_dict({"a": [1, 2]}, "notes/d.json")
found = client.get_run(run.info.run_id)
assert found.info.status == "FINISHED" and found.data.params["batch_size"] == "32" and found.data.metrics["loss"] == 0.05
assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/ä b.txt") == "hello"
assert sorted(f.path for f in client.list_artifacts(run.info.run_id, "notes")) == ["notes/d.json", "notes/ä b.txt"]

# Experiments.
name = "second / with ümlaut"
experiment = client.create_experiment(name, tags={"team": "core"})
refused("RESOURCE_ALREADY_EXISTS", client.create_experiment, name)
refused("RESOURCE_DOES_NOT_EXIST", client.get_experiment, "999")
assert client.get_experiment_by_name(name).experiment_id == experiment
assert client.get_experiment_by_name("nothing") is None
client.set_experiment_tag(experiment, "k", "v")
assert [e.name for e in client.search_experiments(filter_string="tags.team = 'core'")] == [name]
client.rename_experiment(experiment, "third")
client.delete_experiment(experiment)
assert client.get_experiment(experiment).lifecycle_stage == "deleted"
refused("INVALID_PARAMETER_VALUE", client.create_run, experiment)
client.restore_experiment(experiment)

# Runs: immutable params, latest metrics, NaN, history, atomic batches, life cycle.
run = client.create_run(experiment, run_name="alone")
key = run.info.run_id
client.log_param(key, "p", "1")
client.log_param(key, "p", "1")
refused("INVALID_PARAMETER_VALUE", client.log_param, key, "p", "2")
for at, (step, value) in enumerate([(1, 5.0), (3, 7.0), (2, 9.0)]):
    client.log_metric(key, "m", value, timestamp=1000 + at, step=step)
client.log_metric(key, "nan", float("nan"))
client.log_metric(key, "inf", float("inf"))
data = client.get_run(key).data
assert data.metrics["m"] == 7.0 and math.isnan(data.metrics["nan"]) and data.metrics["inf"] > 1e308
assert [p.value for p in client.get_metric_history(key, "m")] == [5.0, 7.0, 9.0]  # by time
from mlflow.entities import Metric, Param, RunTag
refused(
    "INVALID_PARAMETER_VALUE", client.log_batch, key, metrics=[Metric("batch", 1.0, 1, 0)], params=[Param("p", "other")])
assert "batch" not in client.get_run(key).data.metrics
client.log_batch(key, [Metric("many", float(i), i, i) for i in range(1000)], [Param(f"q{i}", "x") for i in range(99)], [RunTag("t", "1")])
assert len(client.get_metric_history(key, "many")) == 1000
client.set_tag(key, "t", "2")
client.delete_tag(key, "t")
refused("RESOURCE_DOES_NOT_EXIST", client.delete_tag, key, "t")
refused("INVALID_PARAMETER_VALUE", client.log_metric, key, "../bad", 1.0)
client.update_run(key, status="FINISHED", name="renamed")
assert client.get_run(key).info.run_name == "renamed" == client.get_run(key).data.tags["mlflow.runName"]
client.delete_run(key)
refused("INVALID_PARAMETER_VALUE", client.log_metric, key, "m", 1.0)
client.restore_run(key)
refused("RESOURCE_DOES_NOT_EXIST", client.get_run, "0" * 32)

# Search with paging, filters, orders.
for index in range(25):
    with mlflow.start_run(experiment_id=experiment, run_name=f"r{index:02d}"):
        mlflow.log_metric("score", index if index != 7 else float("nan"))
        mlflow.log_param("even", str(index % 2 == 0))
first = client.search_runs([experiment], "params.even = 'True' and metrics.score > 3", order_by=["metrics.score DESC"], max_results=5)
assert [r.data.metrics["score"] for r in first] == [24, 22, 20, 18, 16], [r.data.metrics for r in first]
second = client.search_runs(
    [experiment], "params.even = 'True' and metrics.score > 3", order_by=["metrics.score DESC"], max_results=5, page_token=first.token)
assert [r.data.metrics["score"] for r in second] == [14, 12, 10, 8, 6]
last = client.search_runs([experiment], "attributes.run_name LIKE 'r__'", order_by=["metrics.score ASC"])
assert math.isnan(last[-1].data.metrics["score"])
assert len(client.search_runs([experiment], "tags.mlflow.runName ILIKE 'R0%'")) == 10
refused("INVALID_PARAMETER_VALUE", client.search_runs, [experiment], "metrics.score >")

# The registry.
info = None
with mlflow.start_run():
    info = mlflow.sklearn.log_model(model, name="model", input_example=x[:2], registered_model_name="m1")
    mlflow.sklearn.log_model(model, name="model", registered_model_name="m1")
assert [v.version for v in sorted(client.search_model_versions("name='m1'"), key=lambda v: int(v.version))] == ["1", "2"]
client.set_registered_model_alias("m1", "champion", 1)
assert client.get_model_version_by_alias("m1", "champion").version == "1"
refused("INVALID_PARAMETER_VALUE", client.get_model_version_by_alias, "m1", "nobody")
assert (mlflow.pyfunc.load_model("models:/m1@champion").predict(x) == model.predict(x)).all()
assert (mlflow.pyfunc.load_model("models:/m1/2").predict(x) == model.predict(x)).all()
assert (mlflow.sklearn.load_model(info.model_uri).predict(x) == model.predict(x)).all()
client.update_model_version("m1", "2", description="the second")
client.set_model_version_tag("m1", "2", "k", "v")
assert client.get_model_version("m1", "2").tags == {"k": "v"}
client.transition_model_version_stage("m1", "2", "Production")
assert client.get_latest_versions("m1", ["Production"])[0].version == "2"
client.delete_model_version("m1", "2")
refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, "m1", "2")
assert mlflow.register_model(info.model_uri, "m1").version == "3"
refused("INVALID_PARAMETER_VALUE", client.create_registered_model, "a/b")
refused("RESOURCE_ALREADY_EXISTS", client.create_registered_model, "m1")
refused("INVALID_PARAMETER_VALUE", client.create_model_version, "m1", "/etc")
client.rename_registered_model("m1", "m2")
assert client.get_model_version_by_alias("m2", "champion").version == "1"
assert [m.name for m in client.search_registered_models("name LIKE 'm%'")] == ["m2"]
assert len(mlflow.search_logged_models(output_format="list")) >= 3

# Many clients at once, then a restart: everything is there.
parallel = client.create_run(experiment).info.run_id
threads = [
    threading.Thread(target=lambda n: [MlflowClient(server.url).log_metric(parallel, f"m{n}", i, step=i) for i in range(20)], args=[n])
    for n in range(8)
]
[t.start() for t in threads]
[t.join() for t in threads]
server.stop()
server.start()
assert len(client.get_run(parallel).data.metrics) == 8
assert all(len(client.get_metric_history(parallel, f"m{n}")) == 20 for n in range(8))
assert (mlflow.pyfunc.load_model("models:/m2@champion").predict(x) == model.predict(x)).all()
assert server.api("GET", "/ledger/verify")["intact"]
server.stop()
print("mlflow: all done")
