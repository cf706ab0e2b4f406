# SPDX-License-Identifier: Apache-2.0
"""A working day of the unmodified mlflow 2.22 client, which many teams still have.

Runs itself again under the Python of an environment with mlflow 2.22 and scikit-learn: MLFLOW_2_PYTHON, or the third argument.
"""
import math
import os
import sys

if "MLFLOW_2_DAY" not in os.environ:
    python = sys.argv[3] if len(sys.argv) > 3 else os.environ.get("MLFLOW_2_PYTHON", "")
    if not os.path.exists(python):
        sys.exit("no Python with mlflow 2.22: set MLFLOW_2_PYTHON, or name it as third argument")
    os.environ["MLFLOW_2_DAY"] = "1"
    os.execv(python, [python, *sys.argv])

os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import tempfile
from pathlib import Path

import mlflow
import numpy
import pandas
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from server import Server
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

assert mlflow.__version__.startswith("2.22."), mlflow.__version__
server = Server(sys.argv[1], sys.argv[2]).start()
os.environ["MLFLOW_TRACKING_URI"] = server.url  # the one thing that a team changes
client = MlflowClient()


def refused(code, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except MlflowException as error:
        assert error.error_code == code, (error.error_code, error)
        return
    raise AssertionError(f"{call.__name__}{str(arguments)[:200]} was not refused")


def same(found, expected):
    assert found == expected, f"found {found!r}, not {expected!r}"


rng = numpy.random.default_rng(0)
frame = pandas.DataFrame(rng.random((80, 3)), columns=["a", "b", "c"])
label = (frame["a"] > 0.5).astype(int)
model = LogisticRegression().fit(frame, label)

# Experiments.
same(client.get_experiment("0").name, "Default")
experiment = client.create_experiment("first / größer", tags={"team": "core", "empty": ""})
same(client.get_experiment(experiment).tags["team"], "core")
same(client.get_experiment(experiment).artifact_location, f"mlflow-artifacts:/{experiment}")
refused("RESOURCE_ALREADY_EXISTS", client.create_experiment, "first / größer")
refused("RESOURCE_DOES_NOT_EXIST", client.get_experiment, "123456")
refused("INVALID_PARAMETER_VALUE", client.create_experiment, "")
assert client.get_experiment_by_name("first / größer").experiment_id == experiment
assert client.get_experiment_by_name("none") is None
client.set_experiment_tag(experiment, "note", "x" * 4000)
for index in range(7):
    client.create_experiment(f"page{index}")
page = client.search_experiments(filter_string="name LIKE 'page%'", max_results=3, order_by=["name DESC"])
same([e.name for e in page], ["page6", "page5", "page4"])
page = client.search_experiments(
    filter_string="name LIKE 'page%'", max_results=3, order_by=["name DESC"], page_token=page.token)
same([e.name for e in page], ["page3", "page2", "page1"])
same([e.name for e in client.search_experiments(filter_string="tags.team = 'core' AND name ILIKE 'FIRST%'")], ["first / größer"])
same(len(client.search_experiments()), 9)
client.delete_experiment(client.get_experiment_by_name("page0").experiment_id)
same(len(client.search_experiments()), 8)
same([e.name for e in client.search_experiments(view_type=ViewType.DELETED_ONLY)], ["page0"])
same(len(client.search_experiments(view_type=ViewType.ALL)), 9)
refused("RESOURCE_ALREADY_EXISTS", client.create_experiment, "page0")
try:
    mlflow.set_experiment("page0")
    raise AssertionError("a deleted experiment was set")
except MlflowException as error:
    assert "deleted" in str(error), error
client.restore_experiment(client.get_experiment_by_name("page0").experiment_id)
client.rename_experiment(client.get_experiment_by_name("page0").experiment_id, "renamed")
same(client.get_experiment_by_name("page0"), None)
refused("RESOURCE_ALREADY_EXISTS", client.rename_experiment, client.get_experiment_by_name("renamed").experiment_id, "page1")

# Runs, nested runs, a run that fails, one that is resumed.
mlflow.set_experiment("day")
with mlflow.start_run(run_name="parent", description="the **first**", tags={"k": "v"}) as parent:
    mlflow.log_params({"depth": 3, "name": "größe", "none": None, "empty": "", "list": [1, 2], "long": "x" * 6000})
    for depth in range(3):
        with mlflow.start_run(nested=True, run_name=f"child{depth}") as child:
            mlflow.log_param("depth", depth)
            for step in range(5):
                mlflow.log_metrics({"loss": 1 / (step + 1 + depth), "accuracy": step / 5}, step=step)
    mlflow.set_tags({"a.b/c d": "1", "emoji": "🙂", "number": 5})
found = client.get_run(parent.info.run_id)
same(found.data.params["none"], "None")
same(found.data.params["empty"], "")
same(found.data.params["name"], "größe")
same(len(found.data.params["long"]), 6000)
same(found.data.tags["mlflow.note.content"], "the **first**")
same(found.data.tags["emoji"], "🙂")
same(found.data.tags["number"], "5")
assert found.info.status == "FINISHED" and found.info.end_time >= found.info.start_time
same(found.info.user_id, found.data.tags["mlflow.user"])
children = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["params.depth"])
same(list(children["params.depth"]), ["0", "1", "2"])
same(list(children["metrics.accuracy"]), [0.8] * 3)
same(client.get_parent_run(child.info.run_id).info.run_id, parent.info.run_id)
try:
    with mlflow.start_run() as failed:
        raise RuntimeError("on purpose")
except RuntimeError:
    pass
same(client.get_run(failed.info.run_id).info.status, "FAILED")
with mlflow.start_run(run_id=failed.info.run_id):
    same(client.get_run(failed.info.run_id).info.status, "RUNNING")
    mlflow.log_metric("again", 1)
same(client.get_run(failed.info.run_id).info.status, "FINISHED")
same(client.get_run(failed.info.run_id).data.metrics, {"again": 1.0})
refused("INVALID_PARAMETER_VALUE", client.log_param, parent.info.run_id, "depth", "4")
client.log_param(parent.info.run_id, "depth", "3")
refused("INVALID_PARAMETER_VALUE", client.log_param, parent.info.run_id, "p//q", "x")
client.log_param(parent.info.run_id, "p/q.r-s t", "x")
client.set_terminated(child.info.run_id, "KILLED")
same(client.get_run(child.info.run_id).info.status, "KILLED")

# Metrics: NaN, both infinities, large, small, negative steps, the latest one, history, batches.
run = client.create_run(parent.info.experiment_id, run_name="numbers", tags={"x": "y"}).info.run_id
values = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "large": 1e300, "small": 5e-324, "whole": 3, "third": 1 / 3}
for key, value in values.items():
    client.log_metric(run, key, value)
found = client.get_run(run).data.metrics
assert math.isnan(found.pop("nan"))
assert found.pop("inf") >= sys.float_info.max and found.pop("-inf") <= -sys.float_info.max
same(found, {"large": 1e300, "small": 5e-324, "whole": 3.0, "third": 1 / 3})
same(math.isnan(client.get_metric_history(run, "nan")[0].value), True)
for step, value in [(-1, 5.0), (10, 1.0), (2, 9.0)]:
    client.log_metric(run, "m", value, timestamp=1000 + step, step=step)
same(client.get_run(run).data.metrics["m"], 1.0)
same(sorted(p.step for p in client.get_metric_history(run, "m")), [-1, 2, 10])
same(client.get_metric_history(run, "none"), [])
client.log_batch(
    run, [Metric(f"b{i % 10}", i, 1, i) for i in range(1000)], [Param(f"p{i}", str(i)) for i in range(100)], [])
client.log_batch(run, tags=[RunTag(f"t{i}", str(i)) for i in range(100)])
same(len(client.get_metric_history(run, "b0")), 100)
same(len(client.get_run(run).data.params), 100)
client.log_batch(run, [Metric("c", i, 1, i) for i in range(2001)])  # the client makes several of it
same(len(client.get_metric_history(run, "c")), 2001)
refused("INVALID_PARAMETER_VALUE", client.log_batch, run, params=[Param("p1", "other"), Param("new", "1")])
assert "new" not in client.get_run(run).data.params
with mlflow.start_run(run_id=run):
    futures = [mlflow.log_metric("async", i, step=i, synchronous=False) for i in range(50)]
    mlflow.log_params({"later": 1}, synchronous=False).wait()
    mlflow.flush_async_logging()
same(len(client.get_metric_history(run, "async")), 50)
client.set_tag(run, "x", "z")
client.delete_tag(run, "x")
refused("RESOURCE_DOES_NOT_EXIST", client.delete_tag, run, "x")
client.update_run(run, name="numbers2")
same(client.get_run(run).data.tags["mlflow.runName"], "numbers2")

# Delete and restore.
client.delete_run(run)
same(client.get_run(run).info.lifecycle_stage, "deleted")
assert run not in [r.info.run_id for r in client.search_runs([parent.info.experiment_id])]
same([r.info.run_id for r in client.search_runs([parent.info.experiment_id], run_view_type=ViewType.DELETED_ONLY)], [run])
refused("INVALID_PARAMETER_VALUE", client.log_metric, run, "m", 1)
client.restore_run(run)
refused("RESOURCE_DOES_NOT_EXIST", client.get_run, "f" * 32)
refused("INVALID_PARAMETER_VALUE", client.get_run, "not a run id/../x")

# Search.
search = client.create_experiment("search")
for index in range(23):
    with mlflow.start_run(experiment_id=search, run_name=f"r{index:02d}", tags={"group": "ab"[index % 2]}) as one:
        mlflow.log_param("lr", 0.1 * index)
        mlflow.log_metric("score", math.nan if index == 3 else index)
        if index == 5:
            mlflow.log_metric("only here", 1)


def names(filter="", **named):
    return [r.info.run_name for r in client.search_runs([search], filter, **named)]


token, seen = None, []
while True:
    page = client.search_runs([search], order_by=["attributes.start_time ASC"], max_results=5, page_token=token)
    seen += [r.info.run_name for r in page]
    token = page.token
    if not token:
        break
same(seen, [f"r{i:02d}" for i in range(23)])
same(names("metrics.score >= 20", order_by=["metrics.score DESC"]), ["r22", "r21", "r20"])
same(names("metrics.`only here` = 1"), ["r05"])
same(names("metric.score < 2 and tag.group = 'a'"), ["r00"])
same(names("tags.group != 'a' and metrics.score > 20"), ["r21"])
same(names("params.lr = '0.0'"), ["r00"])
same(names("params.lr LIKE '2.%' and params.lr != '2.2'", order_by=["params.lr"]), ["r20", "r21"])
same(names("attributes.run_id IN ('%s')" % one.info.run_id), ["r22"])
same(len(names("attributes.status = 'FINISHED'")), 23)
same(len(names("status = 'RUNNING'")), 0)
same(len(names("attributes.start_time > 1000")), 23)
same(len(names("attributes.run_name ILIKE 'R0%'")), 10)
same(names(order_by=["metrics.score"])[-1], "r03")
same(names(order_by=["metrics.score DESC"])[-1], "r03")
same(names(max_results=1), ["r22"])
wrongs = [
    "metrics.score >", "score = 1", "metrics.score = 'a'", "params.lr > 5", "tags.group = a", "run_name IN ('r01')", "metrics.score = 1 OR metrics.a = 2"]
for wrong in wrongs:
    refused("INVALID_PARAMETER_VALUE", client.search_runs, [search], wrong)
table = mlflow.search_runs(experiment_names=["search"], filter_string="metrics.score > 10")
same(len(table), 12)
same(set(table["tags.group"]), {"a", "b"})
same(len(mlflow.search_runs(search_all_experiments=True)), 29)

# Artifacts.
folder = Path(tempfile.mkdtemp())
(folder / "sub").mkdir()
(folder / "a.txt").write_text("a")
(folder / "sub" / "ü b.txt").write_text("b")
(folder / "empty").write_bytes(b"")
with mlflow.start_run(run_name="artifacts") as run:
    mlflow.log_artifact(folder / "a.txt")
    mlflow.log_artifact(folder / "a.txt", "in/some folder")
    mlflow.log_artifacts(folder, "all")
    mlflow.log_text("hello", "text.txt")
    mlflow.log_dict({"a": 1}, "d.json")
    mlflow.log_dict({"a": 1}, "in/d.yml")
    mlflow.log_table({"q": ["one", "two"], "n": [1, 2]}, "table.json")
    mlflow.log_table(pandas.DataFrame({"q": ["three"], "n": [3]}), "table.json")
    mlflow.log_image(numpy.zeros((8, 8, 3), dtype=numpy.uint8), "black.png")
    for step in range(2):
        mlflow.log_image(numpy.full((8, 8), step * 255, dtype=numpy.uint8), key="grey", step=step)
    import matplotlib.pyplot as plot
    figure, axes = plot.subplots()
    axes.plot([1, 2], [2, 1])
    mlflow.log_figure(figure, "plots/figure.png")
key = run.info.run_id
same(sorted(f.path for f in client.list_artifacts(key, "all")), ["all/a.txt", "all/empty", "all/sub"])
same(sorted(f.path for f in client.list_artifacts(key, "all/sub")), ["all/sub/ü b.txt"])
same([(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(key) if f.path == "text.txt"], [("text.txt", False, 5)])
same(client.list_artifacts(key, "nothing"), [])
same(client.list_artifacts(key, "text.txt"), [])
same(len(client.list_artifacts(key, "images")), 4)
down = Path(mlflow.artifacts.download_artifacts(run_id=key, dst_path=tempfile.mkdtemp()))
same((down / "all/sub/ü b.txt").read_text(), "b")
same((down / "all/empty").read_bytes(), b"")
same((down / "in/some folder/a.txt").read_text(), "a")
assert (down / "plots/figure.png").read_bytes()[:4] == b"\x89PNG"
same(mlflow.artifacts.load_dict(f"runs:/{key}/d.json"), {"a": 1})
same(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/in/d.yml"), "a: 1\n")
same(mlflow.artifacts.load_image(f"runs:/{key}/black.png").size, (8, 8))
table = mlflow.load_table("table.json", run_ids=[key], extra_columns=["run_id"])
same(list(table["q"]), ["one", "two", "three"])
same(len(mlflow.artifacts.list_artifacts(artifact_uri=f"runs:/{key}/all")), 3)
try:
    mlflow.artifacts.download_artifacts(f"runs:/{key}/nothing.txt")
    raise AssertionError("a missing artifact was downloaded")
except Exception as error:
    assert "nothing.txt" in str(error) or "No such artifact" in str(error), error

# Datasets as inputs.
with mlflow.start_run(run_name="inputs") as run:
    data = mlflow.data.from_pandas(frame.assign(y=label), source="s3://bucket/frame.csv", name="frame", targets="y")
    mlflow.log_input(data, context="training")
    mlflow.log_input(mlflow.data.from_numpy(frame.to_numpy(), name="array"), context="validation", tags={"t": "1"})
inputs = client.get_run(run.info.run_id).inputs.dataset_inputs
same(sorted((i.dataset.name, i.tags[0].key, i.tags[0].value) for i in inputs if i.dataset.name == "frame"),
     [("frame", "mlflow.data.context", "training")])
stored = next(i for i in inputs if i.dataset.name == "frame").dataset
same(stored.digest, data.digest)
same(mlflow.data.get_source(stored).uri, "s3://bucket/frame.csv")
same({t.key: t.value for i in inputs if i.dataset.name == "array" for t in i.tags}, {"mlflow.data.context": "validation", "t": "1"})
same([r.info.run_name for r in client.search_runs([run.info.experiment_id], "dataset.name = 'frame'")], ["inputs"])
same([r.info.run_name for r in client.search_runs([run.info.experiment_id], "dataset.context = 'validation'")], ["inputs"])
client.log_inputs(run.info.run_id, [DatasetInput(Dataset("third", "1", "local", "{}"), [InputTag("a", "b")])])
same(len(client.get_run(run.info.run_id).inputs.dataset_inputs), 3)

# Models.
signature = infer_signature(frame, model.predict(frame))
with mlflow.start_run(run_name="model") as run:
    info = mlflow.sklearn.log_model(model, "model", signature=signature, input_example=frame[:2])
    forest = mlflow.sklearn.log_model(
        RandomForestClassifier(5).fit(frame, label), "forest", registered_model_name="day-model", metadata={"m": 1})
same(info.model_uri, f"runs:/{run.info.run_id}/model")
same(mlflow.models.get_model_info(info.model_uri).signature, signature)
assert (mlflow.sklearn.load_model(info.model_uri).predict(frame) == model.predict(frame)).all()
assert (mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model").predict(frame) == model.predict(frame)).all()
history = client.get_run(run.info.run_id).data.tags["mlflow.log-model.history"]
assert '"artifact_path": "model"' in history.replace('":"', '": "'), history


class Doubler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input * 2


with mlflow.start_run():
    doubler = mlflow.pyfunc.log_model("doubler", python_model=Doubler(), registered_model_name="doubler")
same(mlflow.pyfunc.load_model("models:/doubler/1").predict(3), 6)

# The registry: versions, stages, aliases, tags, search, copies, deletes.
same(client.get_registered_model("day-model").latest_versions[0].version, "1")
version = mlflow.register_model(info.model_uri, "day-model", tags={"from": "run"})
assert version.version == "2" and version.run_id == run.info.run_id and version.status == "READY", version
same(client.get_model_version_download_uri("day-model", "2"), f"{run.info.artifact_uri}/model")
refused("RESOURCE_ALREADY_EXISTS", client.create_registered_model, "day-model")
client.update_registered_model("day-model", description="forests")
client.set_registered_model_tag("day-model", "owner", "ada")
client.delete_registered_model_tag("day-model", "owner")
client.set_registered_model_tag("day-model", "owner", "bob")
client.update_model_version("day-model", "1", "first")
client.set_model_version_tag("day-model", "1", "validated", "yes")
same(client.transition_model_version_stage("day-model", 1, "Staging").current_stage, "Staging")
client.transition_model_version_stage("day-model", "1", "Production")
client.transition_model_version_stage("day-model", "2", "Production", archive_existing_versions=True)
same({v.version: v.current_stage for v in client.search_model_versions("name = 'day-model'")}, {"1": "Archived", "2": "Production"})
same([v.version for v in client.get_latest_versions("day-model", ["Production"])], ["2"])
same(len(client.get_latest_versions("day-model")), 2)
assert (mlflow.pyfunc.load_model("models:/day-model/Production").predict(frame) == model.predict(frame)).all()
assert mlflow.pyfunc.load_model("models:/day-model/latest").metadata.run_id == run.info.run_id
refused("INVALID_PARAMETER_VALUE", client.transition_model_version_stage, "day-model", "1", "Live")
client.set_registered_model_alias("day-model", "champion", "1")
client.set_registered_model_alias("day-model", "challenger", "2")
same(client.get_registered_model("day-model").aliases, {"champion": "1", "challenger": "2"})
same(client.get_model_version("day-model", "1").aliases, ["champion"])
same(mlflow.pyfunc.load_model("models:/day-model@champion").metadata.metadata, {"m": 1})
client.delete_registered_model_alias("day-model", "challenger")
refused("INVALID_PARAMETER_VALUE", client.get_model_version_by_alias, "day-model", "challenger")
for wrong in ["v2", "latest", "a b"]:
    refused("INVALID_PARAMETER_VALUE", client.set_registered_model_alias, "day-model", wrong, "1")
copied = client.copy_model_version("models:/day-model@champion", "production-model")
same((copied.name, copied.version, copied.source), ("production-model", "1", "models:/day-model/1"))
assert mlflow.sklearn.load_model("models:/production-model/1").n_estimators == 5
for index in range(6):
    client.create_registered_model(f"many{index}", tags={"i": str(index)}, description="d")
page = client.search_registered_models("name LIKE 'many%'", max_results=4, order_by=["name DESC"])
same([m.name for m in page], ["many5", "many4", "many3", "many2"])
same([m.name for m in client.search_registered_models("name LIKE 'many%'", 4, ["name DESC"], page.token)], ["many1", "many0"])
same([m.name for m in client.search_registered_models("tags.i = '3'")], ["many3"])
same([v.version for v in client.search_model_versions("tags.validated = 'yes' and name = 'day-model'")], ["1"])
found = client.search_model_versions(f"run_id = '{run.info.run_id}' and name = 'day-model'", order_by=["version_number ASC"])
same([v.version for v in found], ["1", "2"])
found = mlflow.search_model_versions(filter_string="name = 'day-model'", order_by=["version_number DESC"], max_results=1)
same([v.version for v in found], ["2"])
same(len(mlflow.search_registered_models()), 9)
client.rename_registered_model("many0", "few0")
client.delete_registered_model("few0")
refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, "few0")
refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, "day-model", "7")
client.delete_model_version("day-model", "2")
same([v.version for v in client.search_model_versions("name = 'day-model'")], ["1"])
same(mlflow.register_model(info.model_uri, "day-model").version, "3")
client.delete_registered_model("many1")

# Autolog.
mlflow.sklearn.autolog()
with mlflow.start_run(run_name="auto") as run:
    LogisticRegression(C=0.5).fit(frame, label)
mlflow.sklearn.autolog(disable=True)
found = client.get_run(run.info.run_id)
same(found.data.params["C"], "0.5")
assert found.data.metrics["training_accuracy_score"] > 0.5, found.data.metrics
assert "model" in [f.path for f in client.list_artifacts(run.info.run_id)]
same([i.tags[0].value for i in found.inputs.dataset_inputs], ["train"])

# All of it is there after a restart.
server.stop()
server.start()
same(client.get_run(parent.info.run_id).data.params["depth"], "3")
same(mlflow.pyfunc.load_model("models:/day-model@champion").metadata.metadata, {"m": 1})
assert server.api("GET", "/ledger/verify")["intact"]
server.stop()
print("mlflow 2.22: all done")
