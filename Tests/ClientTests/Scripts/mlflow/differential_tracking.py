# SPDX-License-Identifier: Apache-2.0
"""Experiments, runs, artifacts, logged models: through the client."""
import io
import os
import time

from differential_harness import step
from mlflow.entities import DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput, Metric, Param, RunTag, ViewType

PAST = 1_600_000_000_000  # a time of the client's choosing, so that orders and durations are the same at both servers


@step
def experiments(t):
    c = t.client
    first = c.create_experiment("one", tags={"team": "core", "empty": ""})
    c.create_experiment("one")
    c.create_experiment("")
    c.create_experiment("x" * 500)
    c.create_experiment("x" * 501)
    c.create_experiment("bucket", artifact_location="s3://bucket/some/place")
    c.create_experiment("query", artifact_location="s3://bucket/a?b#c")
    c.create_experiment("ümlaut / 'quote\" 日本")
    c.get_experiment(first)
    c.get_experiment("99999")
    c.get_experiment("text")
    c.get_experiment_by_name("one")
    c.get_experiment_by_name("One")
    c.get_experiment_by_name("nothing")
    c.set_experiment_tag(first, "k", "v")
    c.set_experiment_tag(first, "k", "w" * 5000)
    c.set_experiment_tag(first, "long", "w" * 20000)
    c.set_experiment_tag(first, "long", "w" * 20001)
    c.set_experiment_tag(first, "x" * 251, "v")
    c.set_experiment_tag(first, "bad//key", "v")
    c.set_experiment_tag("99999", "k", "v")
    c.get_experiment(first)
    c.delete_experiment_tag(first, "k")
    c.delete_experiment_tag(first, "k")
    c.delete_experiment_tag("99999", "k")
    c.rename_experiment(first, "uno")
    c.rename_experiment(first, "uno")
    c.rename_experiment(first, "bucket")
    c.rename_experiment(first, "")
    c.rename_experiment("99999", "y")
    c.get_experiment(first)


@step
def experiment_life(t):
    c = t.client
    first = c.create_experiment("life")
    run = c.create_run(first, run_name="r").info.run_id
    gone = c.create_run(first, run_name="deleted before").info.run_id
    c.delete_run(gone)
    before = c.get_experiment(first).last_update_time
    time.sleep(0.01)
    c.delete_experiment(first)
    t.note("deleting is an update", c.get_experiment(first).last_update_time > before)
    c.delete_experiment(first)
    c.get_experiment_by_name("life")
    c.create_experiment("life")
    c.create_run(first)
    c.get_run(run)
    c.log_metric(run, "m", 1.0)
    c.log_param(run, "p", 1)
    c.set_tag(run, "t", 1)
    c.set_experiment_tag(first, "k", "v")
    c.rename_experiment(first, "other")
    c.search_runs([first], run_view_type=ViewType.ALL)
    c.search_experiments(filter_string="name = 'life'")
    c.search_experiments(ViewType.DELETED_ONLY, filter_string="name LIKE 'life%'")
    c.search_experiments(ViewType.ALL, filter_string="name = 'life'")
    c.restore_experiment(first)
    c.restore_experiment(first)
    c.get_run(run)
    c.get_run(gone)
    c.restore_experiment("99999")
    c.delete_experiment("99999")
    c.delete_experiment("0")
    c.restore_experiment("0")
    c.get_experiment("0")


@step
def runs(t):
    c = t.client
    e = c.create_experiment("runs")
    key = c.create_run(e, run_name="named", tags={"a": "b", "mlflow.note.content": "text"}, start_time=PAST).info.run_id
    c.create_run(e)
    c.create_run(e, tags={"mlflow.runName": "by tag"})
    c.create_run(e, tags={"mlflow.runName": "tag"}, run_name="tag")
    c.create_run(e, tags={"mlflow.runName": "tag"}, run_name="other")
    c.create_run(e, run_name="")
    c.create_run(e, start_time=0)
    c.create_run(e, tags={"mlflow.parentRunId": key}, run_name="child")
    c.create_run("99999")
    c.create_run("text")
    c.create_run(e, tags={"x" * 251: "v"})
    c.create_run(e, tags={"k": "v" * 8001}, run_name="long tag")
    c.get_run(key)
    c.get_run("0" * 32)
    c.get_run("a/b")
    c.update_run(key, status="RUNNING")
    c.update_run(key, status="FINISHED", name="renamed")
    c.get_run(key)
    c.update_run(key, name="")
    c.update_run(key, status="NOTHING")
    c.set_tag(key, "mlflow.runName", "by tag")
    c.get_run(key)
    unnamed = c.create_run(e, run_name="to be unnamed").info.run_id
    c.set_tag(unnamed, "mlflow.runName", "")
    c.get_run(unnamed)
    c.delete_tag(unnamed, "mlflow.runName")
    c.get_run(unnamed)
    c.set_terminated(key)
    c.set_terminated(key, "KILLED", PAST + 7)
    c.set_terminated(key, "SCHEDULED")
    c.get_run(key)
    c.update_run("0" * 32, status="FINISHED")
    c.delete_run(key)
    c.delete_run(key)
    c.get_run(key)
    for name, arguments in [("log_metric", ("m", 1.0)), ("log_param", ("p", "1")), ("set_tag", ("k", "v")), ("delete_tag", ("absent",)),
                            ("log_batch", ([], [Param("a", "b")])), ("set_terminated", ())]:
        getattr(c, name)(key, *arguments)
    c.update_run(key, name="deleted")
    c.restore_run(key)
    c.restore_run(key)
    c.get_run(key)
    c.delete_run("0" * 32)
    c.restore_run("0" * 32)
    child = c.search_runs([e], "run_name = 'child'")[0].info.run_id
    c.get_parent_run(child)
    c.get_parent_run(key)


@step
def params_and_tags(t):
    c = t.client
    key = c.create_run(c.create_experiment("params"), run_name="r").info.run_id
    for value in ["1", "1", "2", "", None, 1, 1.5, True, {"a": 1}, "x" * 6000, "x" * 6001, "ü\n\t☃"]:
        c.log_param(key, f"p{type(value).__name__}{len(str(value))}", value)
    c.log_param(key, "same", "1")
    c.log_param(key, "same", "1")
    c.log_param(key, "same", "2")
    for name in ["a/b", "a b", "a.b", "a-b", "a:b", "ü", "..", ".", "/a", "a//b", "a/../b", "a/", "", "x" * 250, "x" * 251, "a$b", "a\nb",
        "a,b", "a=b"]:
        c.log_param(key, name, "v")
        c.log_metric(key, name, 1, timestamp=PAST, step=0)
        c.set_tag(key, name, "v")
    for value in ["v", "", None, 5, "x" * 8000, "x" * 8001]:
        c.set_tag(key, "tag", value)
    c.delete_tag(key, "tag")
    c.delete_tag(key, "tag")
    c.delete_tag("0" * 32, "tag")
    c.log_param("0" * 32, "p", "v")
    c.set_tag("0" * 32, "p", "v")
    data = c.get_run(key).data
    t.note("params", data.params)
    t.note("tags", data.tags)


@step
def metrics(t):
    c = t.client
    key = c.create_run(c.create_experiment("metrics"), run_name="r").info.run_id
    for number, stamp, where in [(1.0, 5, 1), (2.0, 4, 3), (3.0, 9, 2), (2.5, 4, 3), (2.5, 4, 3), (9, 1, -5), (1e300, 10, 0)]:
        c.log_metric(key, "m", number, timestamp=PAST + stamp, step=where)
        c.get_run(key)
    for number in [float("nan"), float("inf"), float("-inf"), -0.0, 1e-320, 123456789.123456789, True, "1.5", "text", None, 2**70]:
        c.log_metric(key, "kinds", number, timestamp=PAST, step=0)
    c.log_metric(key, "m", 1, timestamp=-1)
    c.log_metric(key, "m", 1, timestamp=PAST, step=2**62)
    c.log_metric(key, "now", 1)
    c.log_metric("0" * 32, "m", 1.0)
    for name in ("m", "kinds", "nothing"):
        c.get_metric_history(key, name)
    c.get_metric_history("0" * 32, "m")
    c.log_metric(key, "nan", float("nan"), timestamp=PAST, step=0)
    c.log_metric(key, "nan", 1.0, timestamp=PAST, step=0)
    c.log_metric(key, "nan", float("nan"), timestamp=PAST, step=0)
    c.get_run(key)
    c.log_metric(key, "with data", 1.0, timestamp=PAST, step=0, dataset_name="d", dataset_digest="12")
    c.get_metric_history(key, "with data")
    c.log_metric(key, "with model", 1.0, timestamp=PAST, step=0, model_id="m-" + "0" * 32)
    c.get_run(key)


@step
def batches(t):
    c = t.client
    key = c.create_run(c.create_experiment("batches"), run_name="r").info.run_id
    c.log_batch(key)
    c.log_batch(key, [Metric("m", float(i), PAST + i, i) for i in range(1000)])
    c.get_metric_history(key, "m")
    c.log_batch(key, [Metric("m", float(i), PAST, i) for i in range(1001)])
    c.log_batch(key, params=[Param(f"p{i}", "v") for i in range(100)])
    c.log_batch(key, params=[Param(f"q{i}", "v") for i in range(101)])
    c.log_batch(key, tags=[RunTag(f"t{i}", "v") for i in range(100)])
    c.log_batch(key, tags=[RunTag(f"u{i}", "v") for i in range(101)])
    c.log_batch(key, [Metric("a", 1.0, PAST, 0)], [Param("p0", "other"), Param("new", "v")], [RunTag("new", "v")])
    c.log_batch(key, [Metric("b", 1.0, PAST, 0)], [Param("twice", "1"), Param("twice", "2")])
    other = c.create_run(c.get_run(key).info.experiment_id, run_name="other").info.run_id
    c.log_batch(other, [Metric("c", 1.0, PAST, 0)], [Param("same", "1"), Param("same", "1")])
    c.log_batch(key, [Metric("d", 1.0, PAST, 0), Metric("../d", 1.0, PAST, 0)], [Param("d", "1")])
    c.log_batch(key, [Metric("e", 1.0, PAST, 0)], tags=[RunTag("twice", "1"), RunTag("twice", "2"), RunTag("mlflow.runName", "batch name")])
    c.log_batch(key, [Metric("f", 2.0, PAST, 1), Metric("f", 1.0, PAST, 0), Metric("f", 1.0, PAST, 0)])
    c.log_batch(key, [Metric("g", float("nan"), PAST, 0), Metric("h", float("-inf"), PAST, 0)], [Param("long", "x" * 6001)])
    c.log_batch("0" * 32, [Metric("m", 1.0, PAST, 0)])
    c.get_run(key)
    c.log_batch(key, [Metric("async", 1.0, PAST, 0)], synchronous=False).wait()
    c.log_metric(key, "async 2", 2.0, timestamp=PAST, step=1, synchronous=False).wait()
    c.log_param(key, "async", "p", synchronous=False).wait()
    c.set_tag(key, "async", "t", synchronous=False).wait()
    t.note("async", [v for d in (c.get_run(key).data,) for v in (d.metrics["async"], d.metrics["async 2"], d.params["async"],
        d.tags["async"])])


@step
def inputs_and_outputs(t):
    import pandas
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.entities import Dataset

    c, f = t.client, t.fluent
    e = c.create_experiment("inputs")
    key = c.create_run(e, run_name="r").info.run_id
    one = Dataset("one", "d1", "local", '{"uri": "a"}', '{"s": 1}', '{"p": 2}')
    c.log_inputs(key, [DatasetInput(one, [InputTag("mlflow.data.context", "train")]), DatasetInput(Dataset("two", "d2", "http", "x"), [])])
    c.log_inputs(key, [DatasetInput(one, [InputTag("mlflow.data.context", "eval"), InputTag("more", "x")])])
    c.get_run(key)
    odd = c.create_run(e, run_name="odd", start_time=PAST).info.run_id
    c.log_inputs(odd, [])
    c.log_inputs(odd, [DatasetInput(Dataset("n" * 501, "d", "t", "s"), [])])
    c.log_inputs(odd, [DatasetInput(Dataset("n", "d" * 37, "t", "s"), [])])
    c.log_inputs(odd, [DatasetInput(Dataset("n", "d", "t", "s"), [InputTag("k" * 256, "v")])])
    c.log_inputs(odd, [DatasetInput(Dataset("n", "d", "t", "s"), [InputTag("k", "v" * 501)])])
    c.log_inputs("0" * 32, [DatasetInput(one, [])])
    model = c.create_logged_model(e, "m").model_id
    c.log_inputs(key, models=[LoggedModelInput(model)])
    c.log_inputs(key, models=[LoggedModelInput(model)])
    c.log_outputs(key, [LoggedModelOutput(model, 3)])
    c.log_outputs(odd, [LoggedModelOutput("m-" + "0" * 32, 0)])
    c.log_inputs(odd, models=[LoggedModelInput("m-" + "0" * 32)])
    c.log_outputs("0" * 32, [LoggedModelOutput(model, 0)])
    c.get_run(key)
    for text in ["dataset.name = 'one'", "datasets.digest = 'd2'", "dataset.context = 'eval'", "dataset.name LIKE 'o%'",
        "dataset.name IN ('one', 'x')",
                 "dataset.context ILIKE 'TR%'", "dataset.name != 'one'", "dataset.name NOT IN ('one')", "dataset.other = 'x'",
                 "dataset.name = 1"]:
        c.search_runs([e], text)
    f.set_experiment("inputs")
    with f.start_run(run_name="fluent"):
        import mlflow
        frame = mlflow.data.from_pandas(pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}), name="frame", targets="b")
        f.log_input(frame, "training", {"k": "v"})
        f.log_inputs([MetaDataset(HTTPDatasetSource("http://example.com/x.csv"), name="meta")], ["eval"], [{"z": "1"}])
        run = mlflow.active_run().info.run_id
    c.get_run(run)
    t.raw("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [e]})
    t.raw("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": []})
    t.raw("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": ["99999"]})


@step
def fluent(t):
    f = t.fluent
    import mlflow
    f.get_tracking_uri()
    f.is_tracking_uri_set()
    f.get_registry_uri()
    f.create_experiment("fluent one", tags={"a": "b"})
    f.set_experiment("fluent two")
    f.set_experiment("fluent two")
    f.set_experiment(experiment_id="99999")
    f.set_experiment("fluent two")
    f.set_experiment_tag("k", "v")
    f.set_experiment_tags({"x": 1, "y": 2})
    f.delete_experiment_tag("x")
    one = f.get_experiment_by_name("fluent one").experiment_id
    f.get_experiment(one)
    with f.start_run(run_name="outer", tags={"t": "1"}, description="about", log_system_metrics=False) as run:
        f.log_param("p", 1)
        f.log_params({"q": 2, "r": "x"})
        f.log_metric("m", 0.5, step=1, timestamp=PAST)
        f.log_metrics({"n": 1.5, "o": 2}, step=2, timestamp=PAST)
        f.set_tag("s", "u")
        f.set_tags({"v": 1, "w": "2"})
        f.delete_tag("w")
        f.delete_tag("nothing")
        f.log_param("p", 2)
        f.active_run()
        f.get_artifact_uri()
        f.get_artifact_uri("some/file")
        with f.start_run(nested=True, run_name="inner") as inner:
            f.log_metric("m", 2.0, step=0, timestamp=PAST)
        f.get_parent_run(inner.info.run_id)
        f.log_metric("async", 1.0, step=0, timestamp=PAST, synchronous=False)
        f.flush_async_logging()
    key = run.info.run_id
    f.last_active_run()
    f.get_run(key)
    with f.start_run(run_id=key):
        f.log_metric("again", 1, step=1, timestamp=PAST)
    try:
        with f.start_run(run_name="fails"):
            raise ValueError("on purpose")
    except ValueError:
        pass
    f.start_run(run_name="killed")
    f.end_run("KILLED")
    f.start_run(run_id="0" * 32)
    f.search_runs(order_by=["start_time ASC", "metrics.m"])
    f.search_runs(search_all_experiments=True, filter_string="run_name = 'inner'")
    f.search_runs(experiment_names=["fluent two", "no such"], filter_string="metrics.m > 1", output_format="list")
    f.search_runs([one])
    f.search_runs(filter_string="params.nothing = 'x'", max_results=3)
    f.search_experiments(filter_string="name LIKE 'fluent%'", order_by=["name ASC"], max_results=10)
    f.delete_run(inner.info.run_id)
    f.restore_run(inner.info.run_id)
    f.delete_experiment(one)
    f.set_experiment("fluent one")
    f.restore_experiment(one)
    f.set_system_metrics_sampling_interval(1)
    f.set_system_metrics_samples_before_logging(1)
    f.set_system_metrics_node_id("n")
    f.disable_system_metrics_logging()
    mlflow.set_experiment(experiment_id="0")


@step
def artifacts(t):
    import numpy
    import pandas
    c = t.client
    e = c.create_experiment("artifacts")
    run = c.create_run(e, run_name="r")
    key = run.info.run_id
    folder = f"{t.step_folder}/up"
    os.makedirs(f"{folder}/deep/ä b/c", exist_ok=True)
    for name, content in [("a.txt", b"one"), ("empty", b""), ("deep/ä b/c/100% +#?.bin", bytes(range(256))), ("deep/x.json", b"{}")]:
        open(f"{folder}/{name}", "wb").write(content)
    c.list_artifacts(key)
    c.log_artifact(key, f"{folder}/a.txt")
    c.log_artifact(key, f"{folder}/a.txt", "sub/dir")
    c.log_artifact(key, f"{folder}/deep")
    c.log_artifact(key, f"{folder}/nothing")
    c.log_artifacts(key, folder, "all")
    c.log_artifacts(key, folder)
    c.log_text(key, "text ü", "texts/t.txt")
    c.log_text(key, "other", "texts/t.txt")
    c.log_text(key, "bad", "../bad.txt")
    c.log_dict(key, {"a": [1, 2]}, "d.json")
    c.log_dict(key, {"a": [1, 2]}, "d.yaml")
    c.log_stream(key, io.BytesIO(b"streamed"), "s/stream.bin")
    c.log_table(key, {"q": ["a", "b"], "n": [1, 2]}, "table.json")
    c.log_table(key, pandas.DataFrame({"q": ["c"], "n": [3]}), "table.json")
    c.load_table(e, "table.json", [key])
    c.load_table(e, "table.json", extra_columns=["run_id"])
    c.load_table(e, "no.json", [key])
    c.log_image(key, numpy.zeros((4, 4, 3), dtype=numpy.uint8), "image.png")
    try:
        import matplotlib.figure
        c.log_figure(key, matplotlib.figure.Figure(), "figure.png")
    except ImportError:
        pass
    c.log_image(key, numpy.zeros((4, 4, 3), dtype=numpy.uint8), key="dog", step=1, timestamp=PAST, synchronous=True)
    for path in [None, "", "all", "all/deep", "all/deep/ä b/c", "texts", "texts/t.txt", "nothing", "..", "/etc", "all/../texts", "s/",
        "images"]:
        c.list_artifacts(key, path)
    for path in ["a.txt", "all", "all/deep/ä b/c/100% +#?.bin", "nothing.txt", "empty", "../x"]:
        where = c.download_artifacts(key, path, None)
        if isinstance(where, str) and os.path.isfile(where):
            t.note(f"content of {path}", open(where, "rb").read())
    c.list_artifacts("0" * 32)
    c.download_artifacts("0" * 32, "a.txt")
    t.get("artifacts/list", run_id=key)
    t.get("artifacts/list", run_id=key, path="all/deep")
    t.get("artifacts/list", run_id=key, path="a.txt")
    t.get("artifacts/list", run_id=key, path="nothing")
    t.get("artifacts/list", run_id=key, path="../..")
    t.get("artifacts/list", run_uuid=key)
    t.get("artifacts/list")
    t.raw("GET", f"/get-artifact?run_id={key}&path=a.txt", text=True)
    t.raw("GET", f"/get-artifact?run_uuid={key}&path=all/deep/x.json")
    t.raw("GET", f"/get-artifact?run_id={key}&path=nothing")
    t.raw("GET", f"/get-artifact?run_id={key}&path=../../x")
    t.raw("GET", f"/get-artifact?run_id={key}")
    t.raw("GET", "/get-artifact?path=a.txt")


@step
def fluent_artifacts(t):
    import mlflow
    import numpy
    f = t.fluent
    f.set_experiment("fluent artifacts")
    path = f"{t.step_folder}/file.txt"
    open(path, "w").write("content")
    with f.start_run(run_name="r") as run:
        f.log_artifact(path)
        f.log_artifacts(t.step_folder, "folder")
        f.log_text("t", "a/t.txt")
        f.log_dict({"k": 1}, "k.json")
        f.log_stream(io.BytesIO(b"x"), "stream")
        f.log_table({"a": [1]}, "t.json")
        f.log_image(numpy.zeros((2, 2), dtype=numpy.uint8), "i.png")
        try:
            import matplotlib.figure
            f.log_figure(matplotlib.figure.Figure(), "fig.png")
        except ImportError:
            pass
        f.log_image(numpy.zeros((2, 2), dtype=numpy.uint8), key="k", step=0)
        f.flush_artifact_async_logging()
        f.load_table("t.json")
    root = run.info.artifact_uri
    t.call(mlflow.artifacts.list_artifacts, root)
    t.call(mlflow.artifacts.list_artifacts, run_id=run.info.run_id, artifact_path="a")
    t.call(mlflow.artifacts.load_text, f"{root}/a/t.txt")
    t.call(mlflow.artifacts.load_dict, f"runs:/{run.info.run_id}/k.json")
    t.call(mlflow.artifacts.load_text, f"{root}/missing")
    t.call(mlflow.artifacts.download_artifacts, f"runs:/{run.info.run_id}/folder")
    t.call(mlflow.artifacts.download_artifacts, run_id=run.info.run_id, artifact_path="a")
    t.call(lambda: mlflow.store.artifact.artifact_repository_registry.get_artifact_repository(root).delete_artifacts("a"),
        label="delete_artifacts")
    t.call(mlflow.artifacts.list_artifacts, root)


@step
def logged_models(t):
    c = t.client
    e = c.create_experiment("logged models")
    run = c.create_run(e, PAST, run_name="r").info.run_id
    key = c.create_logged_model(e, "one", run, {"a": "b"}, {"lr": "0.1"}, "agent").model_id
    c.create_logged_model(e)
    c.create_logged_model("99999", "x")
    c.create_logged_model(e, "bad/name")
    c.create_logged_model(e, "bad:name")
    c.create_logged_model(e, "")
    c.create_logged_model(e, "no run", "0" * 32)
    c.get_logged_model(key)
    c.get_logged_model("m-" + "0" * 32)
    c.log_model_params(key, {"depth": "3", "wide": "x" * 6001})
    twice = c.create_logged_model(e, "twice", params={"depth": "3"}).model_id
    c.log_model_params(twice, {"depth": "3", "more": "2"})
    c.log_model_params(twice, {"depth": "4"})
    c.log_model_params("m-" + "0" * 32, {"depth": "4"})
    c.set_logged_model_tags(key, {"x": "1", "y": 2})
    c.set_logged_model_tags(key, {"x": "9"})
    c.set_logged_model_tags("m-" + "0" * 32, {"x": "9"})
    c.delete_logged_model_tag(key, "y")
    c.delete_logged_model_tag(key, "y")
    c.delete_logged_model_tag("m-" + "0" * 32, "y")
    c.get_logged_model(key)
    path = f"{t.step_folder}/weights"
    os.makedirs(path)
    open(f"{path}/w.bin", "wb").write(b"123")
    c.log_model_artifact(key, f"{path}/w.bin")
    c.log_model_artifacts(key, path)
    c.list_logged_model_artifacts(key)
    c.list_logged_model_artifacts(key, "w.bin")
    t.get(f"logged-models/{key}/artifacts/directories")
    t.get(f"logged-models/{key}/artifacts/directories", artifact_directory_path="nothing")
    t.raw("GET", f"/ajax-api/2.0/mlflow/logged-models/{key}/artifacts/files?artifact_file_path=w.bin", text=True)
    c.finalize_logged_model(key, "READY")
    c.finalize_logged_model(key, "READY")
    c.finalize_logged_model(key, "NOTHING")
    c.finalize_logged_model("m-" + "0" * 32, "READY")
    failed = c.create_logged_model(e, "failed").model_id
    c.finalize_logged_model(failed, "FAILED")
    c.log_metric(run, "acc", 0.5, timestamp=PAST, step=1, model_id=key)
    c.log_metric(run, "acc", 0.7, timestamp=PAST, step=2, model_id=key, dataset_name="d", dataset_digest="1")
    c.log_batch(run, [Metric("loss", 1.0, PAST, 0, model_id=key), Metric("loss", 0.5, PAST, 1, model_id=key)])
    c.get_logged_model(key)
    c.get_run(run)
    c.get_metric_history(run, "acc")
    c.delete_logged_model(failed)
    c.get_logged_model(failed)
    t.get(f"logged-models/{failed}", allow_deleted="true")
    c.set_logged_model_tags(failed, {"x": "9"})
    c.delete_logged_model(failed)
    c.search_logged_models([e])


@step
def fluent_models(t):
    import mlflow
    f = t.fluent
    experiment = f.set_experiment("fluent models").experiment_id
    with f.start_run(run_name="r"):
        model = f.initialize_logged_model("init", tags={"a": "b"}, params={"p": "1"}, model_type="agent").model_id
        f.log_model_params({"q": "2"}, model)
        f.set_logged_model_tags(model, {"c": "d"})
        f.delete_logged_model_tag(model, "a")
        f.finalize_logged_model(model, "READY")
        f.get_logged_model(model)
        f.last_logged_model()
        f.log_outputs([LoggedModelOutput(model, 1)])
        f.set_active_model(name="active one")
        f.get_active_model_id()
        f.log_metric("of active", 1.0, step=0, timestamp=PAST, model_id=model)
        f.clear_active_model()
    f.create_external_model("outside", tags={"t": "1"}, params={"x": "y"}, model_type="LLM")
    f.search_logged_models([experiment], output_format="list", order_by=[{"field_name": "name"}])
    f.search_logged_models([experiment], "name = 'init'")
    f.search_logged_models(["99999"])
    info = t.call(sklearn_model, mlflow)
    loaded = mlflow.sklearn.load_model(info.model_uri)
    t.note("predicts", loaded.predict([[0.1], [0.9]]))
    f.get_logged_model(info.model_id)
    t.call(mlflow.artifacts.list_artifacts, info.model_uri)
    t.call(mlflow.artifacts.list_artifacts, f"models:/{info.model_id}")
    t.call(mlflow.artifacts.download_artifacts, f"{info.model_uri}/MLmodel")


def sklearn_model(mlflow, name="clf", **named):
    from sklearn.linear_model import LogisticRegression
    with mlflow.start_run(run_name="trains"):
        return mlflow.sklearn.log_model(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), name=name, pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle", **named)
