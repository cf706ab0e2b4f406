# SPDX-License-Identifier: Apache-2.0
"""Searches of experiments, runs and logged models: every clause of the grammar over seeded data."""
from differential_harness import step
from differential_tracking import PAST
from mlflow.entities import Metric, Param, RunTag, ViewType


def seeded_runs(t, name="seeded"):
    """Nine runs with known times, to search in."""
    experiment = t.client.create_experiment(name)
    for index in range(9):
        run = t.client.create_run(experiment, PAST + 500 * index, {"group": "ab"[index % 2], "mlflow.user": "ann" if index < 4 else "bob"},
                                  f"run {index}").info.run_id
        metrics = [Metric("score", float(index % 5), PAST, 0), Metric("with space", index / 2, PAST, 1)]
        if index == 6:
            metrics.append(Metric("score", float("nan"), PAST + 1, 3))
        if index < 6:
            metrics.append(Metric("early", -float(index), PAST, 0))
        t.client.log_batch(run, metrics, [Param("depth", str(index)), Param("kind", "Tree" if index % 3 else "tree")],
                           [RunTag("note", "100%_done")] if index == 2 else [])
        if index == 5:
            t.client.set_tag(run, "only five", "x'y")
        if index % 4:
            t.client.set_terminated(run, ["FINISHED", "FAILED", "KILLED"][index % 3], PAST + 5000 + index)
    return experiment


FILTERS = [
    "", " ", "metrics.score > 2", "metric.score >= 2", "metrics.score < 2", "metrics.score <= 2", "metrics.score = 2", "metrics.score != 2",
    "metrics.score = -1", "metrics.early = -3", "metrics.early < -2.5", "metrics.score > 1e0", "metrics.`with space` > 2",
    'metrics."with space" > 2', "metrics.missing > 0",
    "metrics.score = 2 AND params.kind = 'Tree'", "metrics.score > 1 and metrics.score < 4 And tags.group = 'a'",
    "params.depth = '3'", "param.depth != '3'", "parameters.depth = '3'", "parameter.depth = '3'", "params.kind LIKE 'T%'",
    "params.kind LIKE 't%'",
    "params.kind ILIKE 't%'", "params.kind LIKE '_ree'", "params.missing = 'x'", "params.missing != 'x'", "params.kind IS NULL",
    "params.missing IS NULL",
    "params.kind IS NOT NULL", "metrics.early IS NULL", "metrics.early IS NOT NULL", "tags.group = 'a'", "tag.group != 'a'",
    "tags.note LIKE '100\\%%'", "tags.note LIKE '100%'",
    "tags.note = '100%_done'", "tags.`only five` IS NOT NULL", "tags.`only five` IS NULL", "tags.\"only five\" = \"x'y\"",
    "tags.`only five` = 'x''y'",
    "tags.mlflow.runName = 'run 3'", "tags.`mlflow.runName` LIKE 'run%'", "tags.mlflow.user = 'ann'",
    "run_name = 'run 3'", "attributes.run_name = 'run 3'", "attribute.run_name LIKE 'run _'", "attr.run_name = 'run 1'",
    "run.run_name = 'run 1'",
    "`run name` = 'run 3'", "attributes.`Run name` = 'run 3'", "attributes.`Run Name` ILIKE 'RUN 3'", "run_name != 'run 3'",
    "status = 'FINISHED'", "attributes.status = 'RUNNING'",
    "status != 'RUNNING'", "status LIKE 'F%'", "status = 'finished'", "status IN ('FINISHED')", "user_id = 'root'",
    "attributes.user_id = 'ann'",
    "artifact_uri LIKE '%artifacts'", "start_time > 1600000002000", "start_time = 1600000002000", "attributes.start_time <= 1600000001000",
    "end_time > 1600000005003",
    "end_time != 1600000005001", "created >= 1600000003000", "attributes.Created < 1600000001000", "start_time > '5'",
    "start_time LIKE '1'", "run_id LIKE '%'", "run_id ILIKE 'ZZ%'",
    "experiment_id = '1'", "lifecycle_stage = 'active'", "attributes.nothing = 'x'", "nothing.a = 'x'", "metrics.score > 'x'",
    "metrics.score LIKE '1'", "metrics.score = x",
    "params.depth = 3", "params.depth > '3'", "params.depth = x", "tags.group IN ('a')", "params.kind IN ('tree')", "metrics.score",
    "metrics.score >", "> 3", "score > 3",
    "metrics.score > 1 OR metrics.score < 0", "(metrics.score > 1)", "NOT metrics.score > 1", "metrics.score > 1 AND",
    "AND metrics.score > 1", "metrics.score > 1 AND AND params.depth = '3'",
    "metrics.score > 1, params.depth = '3'", "metrics.score > 1; metrics.score > 2", "metrics.score>1and params.depth='3'",
    "METRICS.score > 1", "Params.depth = '3'",
    "params.'depth' = '3'", "params.\"depth\" = '3'", "params.`depth` = '3'", "params.depth = \"3\"", "params.depth = `3`",
    "params.depth='3'", "params.depth = ''", "tags.group = 'ü'",
    "metrics.score == 2", "metrics.score <> 2", "params.depth is null", "run_name = 'run 3' AND status = 'RUNNING' AND metrics.score = 3",
    "metrics.score between 1 and 2",
    "metrics. score > 1", "metrics.score > NaN", "metrics.score > inf", "'a' = 'a'", "run_id IN ()", "run_id IN ('a'", "run_id IN 'a'",
    "run_id = 5", "name = 'run 3'", "trace.status = 'OK'",
]
ORDERS = [
    ["metrics.score DESC"], ["metrics.score ASC"], ["metrics.score"], ["metric.score desc"], ["metrics.early DESC"],
    ["metrics.`with space` ASC"], ["params.depth DESC"],
    ["params.kind", "params.depth DESC"], ["tags.group DESC", "start_time"], ["attributes.start_time ASC"], ["start_time"],
    ["start_time DESC", "metrics.score"], ["end_time ASC"], ["end_time DESC"],
    ["run_name DESC"], ["attributes.`run name`"], ["Created ASC"], ["status"], ["user_id", "run_name"], ["tags.missing"],
    ["metrics.missing DESC", "start_time ASC"],
    ["tags.`only five` DESC"], ["attribute.end_time"], ["metrics.score UP"], ["metrics.score DESC ASC"], ["score"], ["nothing.score"],
    ["attributes.nothing"], ["metrics.score, start_time"], [""],
    ["dataset.name"], ["duration"], ["tags.'group' asc"], ["metrics"], [" metrics.score   DESC "],
]


@step
def experiment_search(t):
    c = t.client
    for index, name in enumerate(["find a", "find b", "find C", "find_d", "find%e", "other f"]):
        c.create_experiment(name, tags={"n": str(index), **({"some": "x"} if index % 2 else {}), "find me": "y"})
    mine = "tags.`find me` = 'y'"
    for text in ["name = 'find a'", "name != 'find a'", "name LIKE 'find%'", "name LIKE 'find_d'", "name ILIKE 'FIND c'",
        "name LIKE 'FIND%'",
                 "attribute.name = 'find b'", "attributes.name = 'find b'", "tags.n = '3'", "tag.n != '3'", "tags.n LIKE '%'",
                 "tags.n ILIKE '1'",
                 "tags.some = 'x' AND name LIKE '%d'", "tags.some IS NULL", "tags.some IS NOT NULL", "creation_time > 0",
                 "creation_time < 100",
                 "last_update_time >= 5", "creation_time != 3", "tags.\"n\" = '2'", "tags.`n` = '2'", "name = \"find a\"", "TAGS.n = '1'",
                 "experiment_id = '0'", "experiment_id != '0'", "experiment_id IN ('0')", "name IN ('find a')",
                 "name = 'find a' OR name = 'x'",
                 "name = find", "name", "name =", "= 'x'", "name > 'find'", "nme = 'x'", "params.a = 'b'", "metrics.a > 1", "tags.n = 3",
                 "creation_time = 'x'", "creation_time LIKE '1'", "name LIKE 3", "name = 'a' AND", "AND name = 'a'", "(name = 'find a')",
                 "NOT name = 'x'", "name = 'find a';", "name='find a'and tags.n='0'", "name == 'find a'", "name IS NULL", "tags.n IS",
                 "tags = 'x'"]:
        c.search_experiments(filter_string=text if "name =" in text and "!=" not in text else f"{text} AND {mine}")
    for text in ["", " "]:
        t.some(f"search_experiments {text!r}", c.target.search_experiments, filter_string=text)
    for order in [["name"], ["name DESC"], ["name asc"], ["creation_time DESC"], ["last_update_time ASC"], ["experiment_id DESC"], ["name",
        "creation_time DESC"],
                  ["attribute.name DESC"], ["attributes.name"], ["tags.n"], ["nme"], ["name UP"], ["name DESC ASC"], [""],
                  ["name, creation_time"], []]:
        c.search_experiments(filter_string=mine, order_by=order)
    page = c.search_experiments(filter_string=mine, max_results=4)
    page = c.search_experiments(filter_string=mine, max_results=4, page_token=page.token)
    t.note("the last page has no token", page.token)
    for number in (0, -1, 50000, 50001):
        c.search_experiments(filter_string="name = 'find a'", max_results=number)
    c.search_experiments(page_token="not a token")
    c.search_experiments(7, filter_string=mine)


@step
def run_search(t):
    c = t.client
    e = seeded_runs(t)
    first = c.search_runs([e])[-1].info.run_id
    other = c.create_experiment("another")
    c.create_run(other, PAST, run_name="elsewhere")
    for text in FILTERS + [f"run_id = '{first}'", f"run_id IN ('{first}', 'x')", f"attributes.run_id NOT IN ('{first}')",
        f"run_id != '{first}'"]:
        c.search_runs([e], text)
    for order in ORDERS:
        c.search_runs([e], order_by=order)
    token = None
    for _ in range(3):
        page = c.search_runs([e], order_by=["metrics.score DESC"], max_results=4, page_token=token)
        token = page.token
    c.search_runs([e, other], "attributes.start_time >= 0", order_by=["start_time ASC", "run_name"])
    c.search_runs([])
    c.search_runs(["99999"])
    c.search_runs([e], page_token="nonsense")
    for number in (0, -1, 50000, 50001):
        c.search_runs([e], "run_name = 'run 1'", max_results=number)
    c.delete_run(first)
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        c.search_runs([e], "start_time < 1600000001000", view)


@step
def logged_model_search(t):
    c = t.client
    e = c.create_experiment("search models")
    runs = [c.create_run(e, PAST, run_name=f"r{i}").info.run_id for i in range(2)]
    for index in range(6):
        key = c.create_logged_model(e, ["a", "B", "c_", "dd", "a", "e"][index], runs[index % 2] if index < 5 else None,
            {"group": str(index % 2)} | ({"odd": "y"} if index % 2 else {}),
                                    {"depth": str(index)}, "agent" if index % 3 else "classifier").model_id
        if index:
            c.log_metric(runs[index % 2], "score", index % 4, timestamp=PAST, step=0, model_id=key)
        if index > 2:
            c.log_metric(runs[index % 2], "score", 10 - index, timestamp=PAST, step=1, model_id=key,
                dataset_name="d" if index % 2 else "f", dataset_digest="1")
        if index % 2:
            c.finalize_logged_model(key, "READY")
    for text in ["", "name = 'a'", "name != 'a'", "name LIKE 'c_'", "name LIKE 'b'", "name ILIKE 'b'", "name LIKE 'd%'",
        "attributes.name = 'a'", "attribute.name = 'a'", f"source_run_id = '{runs[0]}'",
                 f"source_run_id != '{runs[0]}'", "model_type = 'agent'", "model_type LIKE 'cl%'", "status = 'READY'",
                 "status = 'PENDING'", "status != 'READY'", "status = 'LOGGED_MODEL_READY'", "creation_timestamp > 0",
                 "creation_time > 0", "last_updated_timestamp < 5", "last_updated_time >= 5", "metrics.score > 2", "metrics.score = 3",
                 "metrics.score <= 1", "metrics.score != 1", "metrics.missing > 0", "params.depth = '3'", "params.depth != '3'",
                 "params.depth LIKE '%'", "tags.group = '1'", "tags.odd = 'y'", "tags.odd != 'n'",
                 "tags.group ILIKE '1' AND params.depth = '3'", f"model_id = '{key}'", "model_id != 'x'", "model_id IN ('x')",
                 f"model_id IN ('{key}')", "name IN ('a', 'B')", "name NOT IN ('a')",
                 "tags.odd IS NULL", "nothing = 'x'", "name > 'a'", "metrics.score = 'x'", "params.depth = 3", "name = 'a' OR name = 'b'",
                 "name =", "metrics.score LIKE '1'", "experiment_id = '1'", "tags.`group` = '1'", 'name = "a"',
                 "tags.group IN ('1')", "params.depth IN ('1', '2')"]:
        c.search_logged_models([e], text)
    for order in [[{"field_name": "name"}], [{"field_name": "name", "ascending": False}], [{"field_name": "metrics.score"}],
        [{"field_name": "metrics.score", "ascending": False}],
                  [{"field_name": "metrics.score", "ascending": True, "dataset_name": "d", "dataset_digest": "1"}],
                  [{"field_name": "creation_timestamp"}], [{"field_name": "creation_time", "ascending": False}],
                  [{"field_name": "last_updated_timestamp"}],
                  [{"field_name": "params.depth"}], [{"field_name": "nothing"}], [{"field_name": "metrics.missing"}],
                  [{"field_name": "model_type"}, {"field_name": "name", "ascending": False}], [{"field_name": "status"}],
                 
                  [{"field_name": "metrics.score", "dataset_name": "d"}], [{"field_name": "tags.group"}], [{}], [{"field_name": "name",
                      "dataset_name": "d"}]]:
        c.search_logged_models([e], order_by=order)
    for data in [[{"dataset_name": "d"}], [{"dataset_name": "d", "dataset_digest": "1"}], [{"dataset_name": "d"}, {"dataset_name": "f"}],
        [{"dataset_digest": "1"}], [{"dataset_name": "nothing"}]]:
        c.search_logged_models([e], "metrics.score > 5", datasets=data)
        c.search_logged_models([e], datasets=data)
    page = c.search_logged_models([e], max_results=4, order_by=[{"field_name": "name"}])
    c.search_logged_models([e], max_results=4, order_by=[{"field_name": "name"}], page_token=page.token)
    c.search_logged_models([e], "name = 'a'", max_results=4, page_token=page.token)
    c.search_logged_models([e], page_token="nonsense")
    for number in (0, -1, 1, 50, 51, 1000):
        c.search_logged_models([e], "name = 'B'", max_results=number)
    c.search_logged_models([])
    c.search_logged_models(["99999"])
