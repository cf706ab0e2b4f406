# SPDX-License-Identifier: Apache-2.0
"""Broken bodies and queries on every route of MLflow's API: no 5xx, no hang, an error in MLflow's form, and nothing changed after one.
Called as: mlflow_fuzz.py GYRE EMPTY_FOLDER [--seed N] [--seconds N]"""
import argparse
import http.client
import json
import random
import sys
import time
from urllib.parse import quote, urlencode

from server import Server
from google.protobuf import json_format
from mlflow.protos import model_registry_pb2, service_pb2

options = argparse.ArgumentParser()
options.add_argument("gyre")
options.add_argument("folder")
options.add_argument("--seed", type=int, default=7)
options.add_argument("--seconds", type=float, default=38)
options = options.parse_args()
print(f"seed {options.seed}")
chance = random.Random(options.seed)
HANG = 300  # seconds: however slow the machine is, what has not answered by then never will
V2, V3, AJAX = "/api/2.0/mlflow", "/api/3.0/mlflow", "/ajax-api/2.0/mlflow"
TAG = {"key": "k", "value": "v"}
METRIC = {"key": "m", "value": 0.5, "timestamp": 1700000000000, "step": 1}
TRACE = {"trace_info": {
    "trace_id": "$trace", "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "$exp"}},
    "request_preview": "q",
    "response_preview": "a", "request_time": "2025-01-01T00:00:00.000Z", "execution_duration": "0.225s", "state": "OK",
    "trace_metadata": {"a": "b"},
    "tags": {"mlflow.traceName": "t"}}}
ASSESSMENT = {"assessment_name": "good", "trace_id": "$trace", "source": {"source_type": "HUMAN", "source_id": "me"},
              "feedback": {"value": True},
              "rationale": "r", "metadata": {"a": "b"}}
SPANS = {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "s"}, "spans": [{
    "traceId": "0" * 31 + "1", "spanId": "0" * 15 + "1", "name": "root", "kind": 1, "startTimeUnixNano": "1700000000000000000",
    "endTimeUnixNano": "1700000000100000000", "attributes": [{"key": "a", "value": {"stringValue": "b"}}], "status": {"code": 1}}]}]}]}
SEARCH = {"filter": "", "max_results": 10, "page_token": "", "order_by": []}
FUZZY = {"name": "n$n", "tags": [TAG]}
# Method, path, query (GET) or body.
# $exp, $run, $model, $logged, $trace are the sentinel's own ids, $n is a number never used before, $version is 1.
# A new route is one line here.
ROUTES = [
    ("POST", V2 + "/experiments/create", FUZZY | {"artifact_location": "mlflow-artifacts:/x"}),
    ("POST", V2 + "/experiments/search", SEARCH | {"filter": "name LIKE 'n%'", "order_by": ["name DESC"], "view_type": "ACTIVE_ONLY"}),
    ("GET", V2 + "/experiments/search", SEARCH | {"filter": "tags.k = 'v'", "order_by": ["creation_time ASC"], "view_type": "ALL"}),
    ("GET", V2 + "/experiments/get", {"experiment_id": "$exp"}),
    ("GET", V2 + "/experiments/get-by-name", {"experiment_name": "Default"}),
    ("POST", V2 + "/experiments/update", {"experiment_id": "$exp", "new_name": "renamed$n"}),
    ("POST", V2 + "/experiments/delete", {"experiment_id": "$exp"}),
    ("POST", V2 + "/experiments/restore", {"experiment_id": "$exp"}),
    ("POST", V2 + "/experiments/set-experiment-tag", {"experiment_id": "$exp"} | TAG),
    ("POST", V2 + "/experiments/delete-experiment-tag", {"experiment_id": "$exp", "key": "k"}),
    ("POST", V2 + "/runs/create", {"experiment_id": "$exp", "user_id": "me", "run_name": "r$n", "start_time": 1700000000000,
                                   "tags": [TAG]}),
    ("POST", V2 + "/runs/update", {"run_id": "$run", "status": "FINISHED", "end_time": 1700000001000, "run_name": "r"}),
    ("POST", V2 + "/runs/delete", {"run_id": "$run"}),
    ("POST", V2 + "/runs/restore", {"run_id": "$run"}),
    ("POST", V2 + "/runs/log-metric", {"run_id": "$run", "model_id": "$logged"} | METRIC),
    ("POST", V2 + "/runs/log-parameter", {"run_id": "$run", "key": "p$n", "value": "v"}),
    ("POST", V2 + "/runs/set-tag", {"run_id": "$run"} | TAG),
    ("POST", V2 + "/runs/delete-tag", {"run_id": "$run", "key": "k"}),
    ("GET", V2 + "/runs/get", {"run_id": "$run"}),
    ("POST", V2 + "/runs/search", SEARCH | {"experiment_ids": ["$exp"], "filter": "metrics.m > 0 AND params.p = 'v'",
                                            "order_by": ["metrics.m DESC"],
                                             "run_view_type": "ACTIVE_ONLY"}),
    ("POST", V2 + "/runs/log-batch", {"run_id": "$run", "metrics": [METRIC, METRIC], "params": [{"key": "q$n", "value": "v"}],
                                      "tags": [TAG]}),
    ("POST", V2 + "/runs/log-model", {"run_id": "$run", "model_json": '{"run_id": "x", "artifact_path": "m", "flavors": {}, "utc_time_created": "t"}'}),
    ("POST", V2 + "/runs/log-inputs", {"run_id": "$run", "models": [{"model_id": "$logged"}], "datasets": [{
        "tags": [{"key": "mlflow.data.context", "value": "train"}],
        "dataset": {"name": "d", "digest": "1", "source_type": "http", "source": "{}", "schema": "{}", "profile": "{}"}}]}),
    ("POST", V2 + "/runs/outputs", {"run_id": "$run", "models": [{"model_id": "$logged", "step": 1}]}),
    ("GET", V2 + "/metrics/get-history", {"run_id": "$run", "metric_key": "m", "page_token": "", "max_results": 10}),
    ("GET", V2 + "/metrics/get-history-bulk-interval", {"run_ids": "$run", "metric_key": "m", "start_step": 0, "end_step": 9,
                                                        "max_results": 10}),
    ("GET", AJAX + "/metrics/get-history-bulk", {"run_id": "$run", "metric_key": "m", "max_results": 10}),
    ("GET", V2 + "/artifacts/list", {"run_id": "$run", "path": "a", "page_token": ""}),
    ("GET", "/get-artifact", {"run_id": "$run", "path": "a/b.txt"}),
    ("GET", "/model-versions/get-artifact", {"name": "$model", "version": "$version", "path": "MLmodel"}),
    ("GET", "/api/2.0/mlflow-artifacts/artifacts", {"path": "x"}),
    ("PUT", "/api/2.0/mlflow-artifacts/artifacts/fuzz/file$n", {"any": "content"}),
    ("GET", "/api/2.0/mlflow-artifacts/artifacts/fuzz/file", {}),
    ("DELETE", "/api/2.0/mlflow-artifacts/artifacts/fuzz/file$n", {}),
    ("POST", "/api/2.0/mlflow-artifacts/mpu/create/fuzz", {"path": "x", "num_parts": 2}),
    ("POST", V2 + "/logged-models", {"experiment_id": "$exp", "name": "m", "model_type": "t", "source_run_id": "$run", "params": [TAG],
                                     "tags": [TAG]}),
    ("POST", V2 + "/logged-models/search", {"experiment_ids": ["$exp"], "filter": "metrics.m > 0", "max_results": 5, "page_token": "",
                                             "order_by": [{"field_name": "metrics.m", "ascending": False}],
                                             "datasets": [{"dataset_name": "d"}]}),
    ("GET", V2 + "/logged-models/$logged", {}),
    ("PATCH", V2 + "/logged-models/$logged", {"model_id": "$logged", "status": "LOGGED_MODEL_READY"}),
    ("PATCH", V2 + "/logged-models/$logged/tags", {"model_id": "$logged", "tags": [TAG]}),
    ("DELETE", V2 + "/logged-models/$logged/tags/k", {}),
    ("POST", V2 + "/logged-models/$logged/params", {"model_id": "$logged", "params": [TAG]}),
    ("GET", V2 + "/logged-models/$logged/artifacts/directories", {"artifact_directory_path": "a", "page_token": ""}),
    ("POST", V2 + "/registered-models/create", FUZZY | {"description": "d"}),
    ("GET", V2 + "/registered-models/get", {"name": "$model"}),
    ("GET", V2 + "/registered-models/search", SEARCH | {"filter": "name ILIKE '$model%' AND tag.k = 'v'", "order_by": ["name DESC"]}),
    ("PATCH", V2 + "/registered-models/update", {"name": "$model", "description": "d"}),
    ("POST", V2 + "/registered-models/rename", {"name": "nothing", "new_name": "$model"}),
    ("DELETE", V2 + "/registered-models/delete", {"name": "nothing"}),
    ("POST", V2 + "/registered-models/set-tag", {"name": "$model"} | TAG),
    ("DELETE", V2 + "/registered-models/delete-tag", {"name": "$model", "key": "k"}),
    ("POST", V2 + "/registered-models/alias", {"name": "$model", "alias": "best", "version": "$version"}),
    ("GET", V2 + "/registered-models/alias", {"name": "$model", "alias": "best"}),
    ("DELETE", V2 + "/registered-models/alias", {"name": "$model", "alias": "best"}),
    ("POST", V2 + "/registered-models/get-latest-versions", {"name": "$model", "stages": ["None"]}),
    ("GET", V2 + "/registered-models/get-latest-versions", {"name": "$model", "stages": "Production"}),
    ("POST", V2 + "/model-versions/create", {"name": "$model", "source": "s3://b/x", "run_id": "", "tags": [TAG], "run_link": "",
                                             "description": "d"}),
    ("GET", V2 + "/model-versions/get", {"name": "$model", "version": "$version"}),
    ("GET", V2 + "/model-versions/search", SEARCH | {"filter": "name = '$model' AND version_number > 0",
                                                     "order_by": ["version_number DESC"]}),
    ("PATCH", V2 + "/model-versions/update", {"name": "$model", "version": "$version", "description": "d"}),
    ("POST", V2 + "/model-versions/transition-stage", {"name": "$model", "version": "$version", "stage": "Staging",
                                                       "archive_existing_versions": True}),
    ("DELETE", V2 + "/model-versions/delete", {"name": "$model", "version": "999"}),
    ("POST", V2 + "/model-versions/set-tag", {"name": "$model", "version": "$version"} | TAG),
    ("DELETE", V2 + "/model-versions/delete-tag", {"name": "$model", "version": "$version", "key": "k"}),
    ("GET", V2 + "/model-versions/get-download-uri", {"name": "$model", "version": "$version"}),
    ("POST", AJAX + "/runs/search", SEARCH | {"experiment_ids": ["$exp"]}),
    ("POST", AJAX + "/experiments/search-datasets", {"experiment_ids": ["$exp"]}),
    ("POST", V3 + "/traces", {"trace": TRACE}),
    ("GET", V3 + "/traces/$trace", {}),
    ("GET", V3 + "/traces/get", {"trace_id": "$trace", "allow_partial": "true"}),
    ("GET", V3 + "/traces/batchGet", {"trace_ids": "$trace"}),
    ("POST", V3 + "/traces/batchGetInfos", {"trace_ids": ["$trace"], "experiment_ids": ["$exp"]}),
    ("POST", V3 + "/traces/search", {"locations": [TRACE["trace_info"]["trace_location"]],
                                     "filter": "trace.status = 'OK' AND span.name LIKE '%'",
                                      "max_results": 5, "order_by": ["timestamp_ms DESC"], "page_token": ""}),
    ("POST", V3 + "/traces/metrics", {"experiment_ids": ["$exp"], "view_type": "TRACES", "metric_name": "latency",
                                      "dimensions": ["trace_name"],
                                       "aggregations": [{"aggregation_type": "PERCENTILE", "percentile_value": 50}], "filters": [],
                                       "max_results": 5,
                                       "time_interval_seconds": 60, "start_time_ms": 0, "end_time_ms": 1800000000000}),
    ("POST", V3 + "/traces/calculate-filter-correlation", {"experiment_ids": ["$exp"], "filter_string1": "trace.status = 'OK'",
                                                            "filter_string2": "tags.a = 'b'"}),
    ("PATCH", V3 + "/traces/$trace/tags", {"trace_id": "$trace"} | TAG),
    ("DELETE", V3 + "/traces/$trace/tags", {"trace_id": "$trace", "key": "k"}),
    ("PATCH", V2 + "/traces/$trace/tags", {"request_id": "$trace"} | TAG),
    ("DELETE", V2 + "/traces/$trace/tags", {"request_id": "$trace", "key": "k"}),
    ("POST", V2 + "/traces", {"experiment_id": "$exp", "timestamp_ms": 1, "request_metadata": [TAG], "tags": [TAG]}),
    ("PATCH", V2 + "/traces/$trace", {"request_id": "$trace", "timestamp_ms": 2, "status": "OK", "request_metadata": [TAG], "tags": [TAG]}),
    ("GET", V2 + "/traces/$trace/info", {}),
    ("GET", V2 + "/traces", {"experiment_ids": "$exp", "filter": "status = 'OK'", "max_results": 5, "order_by": "timestamp_ms DESC"}),
    ("POST", V2 + "/traces/link-to-run", {"trace_ids": ["$trace"], "run_id": "$run"}),
    ("POST", V2 + "/traces/link-prompts", {"trace_id": "$trace", "prompt_versions": [{"name": "$model", "version": "1"}]}),
    ("POST", V2 + "/traces/delete-traces", {"experiment_id": "0", "max_timestamp_millis": 5, "max_traces": 1}),
    ("POST", V3 + "/traces/delete-traces", {"experiment_id": "0", "request_ids": ["tr-0"]}),
    ("POST", V3 + "/traces/$trace/assessments", {"assessment": ASSESSMENT}),
    ("GET", V3 + "/traces/$trace/assessments/a-1", {}),
    ("PATCH", V3 + "/traces/$trace/assessments/a-1", {"assessment": ASSESSMENT, "update_mask": "assessmentName,feedback"}),
    ("DELETE", V3 + "/traces/$trace/assessments/a-1", {}),
    ("POST", "/v1/traces", SPANS),
    ("POST", V3 + "/datasets/create", {"name": "d$n", "experiment_ids": ["$exp"], "source_type": "CODE", "source": "s", "schema": "{}",
                                       "profile": "{}",
                                        "created_by": "me", "tags": '{"a": "b"}'}),
    ("POST", V3 + "/datasets/search", SEARCH | {"experiment_ids": ["$exp"], "filter_string": "name LIKE 'd%'"}),
    ("GET", V3 + "/datasets/search", {"experiment_ids": "$exp", "filter_string": "", "max_results": 5}),
    ("GET", V3 + "/datasets/$dataset", {"page_token": ""}),
    ("PATCH", V3 + "/datasets/$dataset/tags", {"tags": '{"a": "b"}'}),
    ("DELETE", V3 + "/datasets/$dataset/tags/a", {}),
    ("POST", V3 + "/datasets/$dataset/records", {"records": '[{"inputs": {"q": 1}, "expectations": {"a": 2}, "tags": {}}]',
                                                 "updated_by": "me"}),
    ("GET", V3 + "/datasets/$dataset/records", {"max_results": 5, "page_token": ""}),
    ("DELETE", V3 + "/datasets/$dataset/records", {"dataset_record_ids": ["dr-1"]}),
    ("GET", V3 + "/datasets/$dataset/experiment-ids", {}),
    ("POST", V3 + "/datasets/$dataset/add-experiments", {"experiment_ids": ["$exp"]}),
    ("POST", V3 + "/datasets/$dataset/remove-experiments", {"experiment_ids": ["$exp"]}),
    ("POST", V3 + "/scorers/register", {"experiment_id": "$exp", "name": "s", "serialized_scorer": '{"name": "s"}'}),
    ("GET", V3 + "/scorers/list", {"experiment_id": "$exp"}),
    ("GET", V3 + "/scorers/versions", {"experiment_id": "$exp", "name": "s"}),
    ("GET", V3 + "/scorers/get", {"experiment_id": "$exp", "name": "s", "version": 1}),
    ("DELETE", V3 + "/scorers/delete", {"experiment_id": "$exp", "name": "none", "version": 1}),
    ("POST", V2 + "/webhooks", {"name": "w$n", "url": "https://8.8.8.8/x", "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}],
                                "description": "d", "secret": "s", "status": "DISABLED"}),
    ("GET", V2 + "/webhooks", {"max_results": 5, "page_token": ""}),
    ("GET", V2 + "/webhooks/wh-0", {}),
    ("PATCH", V2 + "/webhooks/wh-0", {"name": "w", "status": "ACTIVE", "events": []}),
    ("DELETE", V2 + "/webhooks/wh-0", {}),
    ("POST", V2 + "/webhooks/wh-0/test", {"event": {"entity": "MODEL_VERSION", "action": "CREATED"}}),
]

server = Server(options.gyre, options.folder).start()
problems, missing, tried, refusals, counter, torn = {}, set(), 0, 0, 0, 0
connection, ids = None, {"version": "1", "dataset": "d-" + "0" * 32}


def send(method, target, body=None):
    """Status and content; None where nothing came in time."""
    global connection
    for attempt in range(2):
        fresh = connection is None
        connection = connection or http.client.HTTPConnection("127.0.0.1", server.port, timeout=HANG)
        try:
            connection.request(method, target, body, {"Content-Type": "application/json", "x-mlflow-experiment-id": "0"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except TimeoutError:
            connection.close()
            connection = None
            return None, b"nothing within the time"
        except (OSError, http.client.HTTPException) as problem:
            connection.close()
            connection = None
            if fresh:
                return None, repr(problem).encode()


def call(method, path, body=None, query=None):
    status, content = send(method, path + ("?" + urlencode(query, doseq=True) if query else ""),
                           json.dumps(body) if body is not None else None)
    assert status == 200, f"{method} {path} {body} {query} answered {status}: {content[:300]}"
    return json.loads(content) if content[:1] == b"{" else content


def sentinel():
    """New rows of every kind; the fuzz is aimed at them."""
    global counter
    counter += 1
    ids["exp"] = call("POST", V2 + "/experiments/create", {"name": f"sentinel{counter}", "tags": [TAG]})["experiment_id"]
    run = call("POST", V2 + "/runs/create", {"experiment_id": ids["exp"], "run_name": "sentinel"})["run"]["info"]
    ids["run"], ids["model"], ids["trace"] = run["run_id"], f"sentinel{counter}", f"tr-{counter:032x}"
    ids["logged"] = call("POST", V2 + "/logged-models", {"experiment_id": ids["exp"], "name": "m",
                                                         "source_run_id": ids["run"]})["model"]["info"]["model_id"]
    call("POST", V2 + "/runs/log-batch", {"run_id": ids["run"], "metrics": [METRIC], "params": [{"key": "p", "value": "v"}], "tags": [TAG]})
    call("PUT", "/api/2.0/mlflow-artifacts/artifacts/" + run["artifact_uri"].split(":/")[1] + "/a/b.txt", "text")
    call("POST", V2 + "/registered-models/create", {"name": ids["model"], "tags": [TAG]})
    call("POST", V2 + "/model-versions/create", {"name": ids["model"], "source": "s3://b/x", "tags": [TAG]})
    call("POST", V2 + "/registered-models/alias", {"name": ids["model"], "alias": "best", "version": "1"})
    send("POST", V3 + "/traces", json.dumps(fill({"trace": TRACE})))
    status, content = send("POST", V3 + "/datasets/create", json.dumps({"name": ids["model"], "experiment_ids": [ids["exp"]]}))
    ids["dataset"] = json.loads(content)["dataset"]["dataset_id"] if status == 200 else "d-" + "0" * 32


def snapshot(known=None):
    """All there is of the sentinel, and the ledger's head; with `known`, only what can change without a fact is read again."""
    of = {"experiment_ids": [ids["exp"]], "max_results": 1000}
    logged = {
        "runs": call("POST", V2 + "/runs/search", of | {"run_view_type": "ALL"}), "ledger": call("GET", "/api/gyre/v1/ledger/head"),
        "history": call("GET", V2 + "/metrics/get-history", query={"run_id": ids["run"], "metric_key": "m"})}
    if known and tried % 10:
        return known | logged
    return logged | {
        "experiment": call("GET", V2 + "/experiments/get", query={"experiment_id": ids["exp"]}),
        "logged": call("POST", V2 + "/logged-models/search", of),
        "model": call("GET", V2 + "/registered-models/get", query={"name": ids["model"]}),
        "versions": call("GET", V2 + "/model-versions/search", query={"filter": f"name = '{ids['model']}'"}),
        "files": call("GET", V2 + "/artifacts/list", query={"run_id": ids["run"]})}


MESSAGES = {"experiment": service_pb2.GetExperiment.Response, "runs": service_pb2.SearchRuns.Response,
            "logged": service_pb2.SearchLoggedModels.Response,
            "history": service_pb2.GetMetricHistory.Response, "model": model_registry_pb2.GetRegisteredModel.Response,
            "versions": model_registry_pb2.SearchModelVersions.Response}


def fill(value):
    if isinstance(value, str):
        for name, id in {**ids, "n": str(counter * 1_000_000 + tried)}.items():
            value = value.replace("$" + name, id)
        return value
    if isinstance(value, list):
        return [fill(element) for element in value]
    return {name: fill(element) for name, element in value.items()} if isinstance(value, dict) else value


def nested(depth, text='{"a":'):
    return text * depth + "1" + ("}" if text[0] == "{" else "]") * depth


class Raw(str):
    """JSON text that json.dumps would not write."""


HUGE = 10 ** 400
LONG = ["x" * 300, "x" * 9000, "x" * 200_000, "é" * 5000, "\U0001F600" * 600, "a/" * 3000, "a." * 3000, "%" * 3000, "'" * 3000,
        "((((" * 500]
ODD_TEXTS = ["", " ", "\0", "a\0b", "\n", "\r\n", "\u202e", "\ufeff", "\ud800", "NaN", "null", "true", "0", "-1", "1e9",
             "99999999999999999999", "../x", "/", "x'y\"z`",
             "'; DROP TABLE run; --", "<script>", "${x}", "a:b@c", "latest", "v1", "None", "mlflow.runName", "mlflow-artifacts:/..",
             "models:/x/1", "$version"]
ODD_VALUES = [None, True, False, 0, -1, 1, 1.5, -0.0, 2 ** 31, 2 ** 53 + 1, 2 ** 63 - 1, 2 ** 63, -2 ** 63 - 1, 10 ** 30, 1e308,
              Raw("1e400"), Raw("-1e400"),
              Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("1" + "0" * 5000), [], {}, [[]], [None], [1, "a", {}], [{}], {"a": 1},
              {"key": "k"},
              [{"key": None}], [{"key": 1, "value": []}], "NaN", "Infinity", "UNKNOWN_VALUE", "-5", "5", Raw(nested(150)),
              Raw(nested(199, "["))]
FILTERS = ["=", "a", "a =", "a = 'b", "name = 5", "name LIKE 5", "metrics.m = 'a'", "metrics.m IN ('a')", "metrics.m IS NULL",
           "params.p > '1'", "params.p IS NOT NULL",
           "name IN ()", "name IN ('a',)", "name IN ('a'", "name NOT IN ('a')", "status IN ('a')", "run_id IN ('a', 'b')",
           "name = 'a' OR name = 'b'", "(name = 'a')",
           "a.b.c.d = 'x'", "`a b`.`c` = 'x'", "tags.`a` = ''", "start_time > 1e400", "start_time = 'x'", "start_time IS NULL",
           "end_time < -5", "version_number = 1.5",
           "name = 'a' AND", "AND", "name ILIKE '%_%_%'", "datasets.x = 'y'", "nothing.x = 'y'", "metrics.m > NaN", "metrics.m > inf",
           "name != 'é'", "name = '\0'",
           "name = \"a\"", "tag.k LIKE '%'", "attributes.name = 'x'", "trace.x = 1", "span.attributes.a LIKE '%'", "feedback.a IS NULL",
           "tags. = 'x'", ".x = 1", "name=='a'",
           "name <> 'a'", "name RLIKE '(a+)+$'", "timestamp_ms > 5", "metadata.a = 'b'", "name LIKE '" + "%a" * 2000 + "'",
           "name ILIKE '" + "_" * 5000 + "'",
           "run_name LIKE '" + "%a" * 30_000 + "'", "params.p LIKE '" + "%a" * 30_000 + "'", " AND ".join(["params.p = 'v'"] * 1200),
           " AND ".join(["name = 'v'"] * 3000),
           "run_id IN (" + ", ".join(["'a'"] * 40_000) + ")", "name IN (" + ", ".join(["'a'"] * 40_000) + ")"]
ORDERS = [["nothing"], ["name UP"], [""], ["metrics.m"], ["metrics.`a b` DESC"], ["name", "name"], [f"metrics.m{n}" for n in range(70)],
          ["name DESC; DROP"], [5], [None],
          ["tags.k"] * 100, ["attributes.start_time ASC"] * 500, "name", {"a": 1}]
TOKENS = ["x", "-1", "9223372036854775807", "9223372036854775808", "eyJvZmZzZXQiOiAtMX0=", "e30=", "%%%", "1.5", "0x10", "\0", "=" * 5000,
          "99999", 5, -5, []]
LIMITS = [0, -1, -2 ** 31, -2 ** 63, 2 ** 31, 2 ** 63, 10 ** 20, 50_001, 1.5, "x", "", "-1", [], {}, None, True, Raw("NaN")]
POOLS = {"filter": FILTERS, "filter_string": FILTERS, "filter_string1": FILTERS, "base_filter": FILTERS,
         "filters": [[text] for text in FILTERS], "order_by": ORDERS,
         "page_token": TOKENS, "max_results": LIMITS}


def dump(value):
    """JSON text, with what JSON does not have where a Raw stands."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{dump(element)}" for name, element in value.items()) + "}"
    return json.dumps(value)


def places(value, path=()):
    yield path
    for key, element in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(element, (*path, key))


def changed(value, path, change):
    if not path:
        return change(value)
    copy = value.copy()
    copy[path[0]] = changed(copy[path[0]], path[1:], change)
    return copy


def values(name):
    """Candidates for a member of this name."""
    pools = [ODD_TEXTS, ODD_VALUES, ODD_VALUES, LONG]
    return chance.choice(POOLS[name] if name in POOLS and chance.random() < 0.8 else chance.choice(pools))


def mutated(body):
    """One or two members replaced, dropped, renamed, repeated."""
    for _ in range(chance.choice([1, 1, 1, 2])):
        all = list(places(body))[1:]
        if not all:
            return {chance.choice(["run_id", "name", "path", "x"]): values("")}
        path = chance.choice(all)
        name = next((key for key in reversed(path) if isinstance(key, str)), "")
        kind = chance.random()
        if kind < 0.7:
            value = values(name)
            body = changed(body, path, lambda _: value)
        elif kind < 0.8:
            body = changed(body, path[:-1], lambda old: {k: v for k, v in old.items() if k != path[-1]}
                           if isinstance(old, dict) else old[1:])
        elif kind < 0.9:
            body = changed(body, path, lambda old: [old] * chance.choice([0, 1, 2, 1001]))
        else:
            body = changed(body, path, lambda old: {"x": old})
    return body


def broken(text):
    """Text that is no JSON any more, or only just; bytes."""
    at = chance.randrange(len(text) + 1)
    many = chance.choice([100, 1000])
    return chance.choice([
        lambda: text[:at].encode(), lambda: b"", lambda: b"null", lambda: b"[]", lambda: b"[" + text.encode() + b"]", lambda: b'"text"',
        lambda: b"5", lambda: b"{",
        lambda: (text[:at] + chance.choice("{}[]\",:\\0x-") + text[at:]).encode(),
        lambda: text[:at].encode() + bytes([chance.randrange(256)]) + text[at:].encode(),
        lambda: text.encode() + b"\0", lambda: text.encode("utf-16"), lambda: b"\xef\xbb\xbf" + text.encode(), lambda: text.encode() * 2,
        lambda: text[:-1].encode() + b"," + text[1:].encode(), lambda: b'{"a":' * many + b"1", lambda: nested(many * 200, "[").encode(),
        lambda: nested(many * 200).encode(),
        lambda: text[:-1].encode() + b',"\\ud800":"\\udfff\\u0000","\xff":1}', lambda: b"\xff\xfe\xfa" * 50,
        lambda: bytes(chance.randrange(256) for _ in range(200)),
        lambda: text.replace('"', "'").encode(), lambda: b" " * 100_000 + text.encode(), lambda: b"run_id=x&name=y",
        lambda: text.replace(":", ":" + "1" * 4000, 1).encode(),
    ])()


MANY_NAMES, NESTED = ",".join(f'"k{n:06}":1' for n in range(100_000)) + ',"k000000":2}', nested(100_000, "[").encode()


def known_nasty(body):
    """Bodies that were known to hurt other servers; each route gets each once."""
    text = dump(body) if body else "{}"
    yield "100,000 names and one of them twice", (text[:-1] + ("," if body else "") + MANY_NAMES).encode()
    yield "nesting", NESTED
    yield "a list", b"[1, 2]"
    yield "no JSON", b"{broken"
    for name in body if isinstance(body, dict) else ():
        yield f"NUL in {name}", dump({**body, name: "a\0b"}).encode()
        yield f"a number for {name}", dump({**body, name: 5.5}).encode()


# What is plain wrong and must be told: taken, it would be stored as something that the client did not say.
WRONG = [
    ("/runs/log-metric", {"run_id": "$run", "key": "w", "value": 1, "timestamp": 1, "step": "abc"}),
    ("/runs/log-metric", {"run_id": "$run"} | METRIC | {"step": 1.5}),
    ("/runs/log-metric", {"run_id": "$run"} | METRIC | {"value": True}), ("/runs/log-batch",
        {"run_id": "$run", "metrics": [METRIC | {"step": []}]}),
    ("/runs/log-batch", {"run_id": "$run", "params": [{"key": "w1", "value": {"a": 1}}]}),
    ("/runs/log-batch", {"run_id": "$run", "tags": [{"key": "w2", "value": [1]}]}),
    ("/runs/log-inputs", {"run_id": "$run", "datasets": [5]}), ("/runs/log-inputs",
                                                                {"run_id": "$run", "datasets": [{"dataset": {"name": 5}}]}),
    ("/runs/outputs", {"run_id": "$run", "models": ["x"]}), ("/runs/search", {"experiment_ids": [{"a": 1}]}),
    ("/runs/search", {"experiment_ids": ["$exp"], "order_by": [5]}),
    ("/experiments/update", {"experiment_id": "$exp", "new_name": ""}), ("/experiments/update",
        {"experiment_id": "$exp", "new_name": "x" * 5000}),
    ("/experiments/update", {"experiment_id": "$exp"}), ("/experiments/update", {"experiment_id": "77777"}),
    ("/experiments/set-experiment-tag", {"experiment_id": "$exp", "key": "w", "value": "x" * 20_001}),
    ("/runs/log-model", {"run_id": "$run", "model_json": "5"}),
    ("/registered-models/set-tag", {"name": "$model", "key": "x" * 251, "value": "v"}),
    ("/registered-models/create", {"name": "w$n", "tags": [{"key": "k", "value": 5}]}),
    ("/registered-models/set-tag", {"name": "$model", "key": "w", "value": "x" * 100_001})]


def curl(method, target, body):
    text = body[:300].decode("utf-8", "backslashreplace") + (f"… {len(body)} bytes" if len(body) > 300 else "")
    shown = f" --data-binary '{text}'" if body else ""
    return f"curl -X {method} '$GYRE{target[:400]}'{shown}"


def report(kind, method, path, target, body, what):
    problems.setdefault((kind, f"{method} {path}"), (curl(method, target, body), what))


def attempt(route, target, body, known, note=""):
    """Sends one; the snapshot afterwards."""
    global tried, refusals, torn
    method, path, *rest = route
    if (method, path) in missing:
        return known
    tried += 1
    status, content = send(method, target, body or None)
    shown = content[:300].decode("utf-8", "backslashreplace")
    if status is None:
        report("hang" if server.process.poll() is None else "death", method, path, target, body, f"{note} {shown}")
        if server.process.poll() is not None:
            server.start()
        else:
            server.kill()  # what hangs holds a thread, and would slow all that follows
            server.start()
        sentinel()
        return snapshot()
    if status >= 500 and not (status == 501 and "NOT_IMPLEMENTED" in shown):
        report(f"status {status} {shown.partition('message')[2][3:70]}", method, path, target, body, f"{note} {shown}")
    if status >= 400:
        refusals += 1
        try:
            answer = json.loads(content)
            clear = isinstance(answer.get("error_code"), str) and isinstance(answer.get("message"), str) and answer["message"]
        except (ValueError, AttributeError):
            clear = False
        if not clear:
            report("error without error_code and message", method, path, target, body, f"{note} {status} {shown}")
        if len(content) > 20_000:
            report("error that repeats the input", method, path, target, body, f"{note} {status}, {len(content)} bytes")
    try:
        now = snapshot(known if status >= 400 else None)
    except (AssertionError, ValueError) as problem:
        report("sentinel cannot be read any more", method, path, target, body, f"{note} {status} {shown}; then: {str(problem)[:300]}")
        sentinel()
        return snapshot()
    if status >= 400 and now != known:
        part = next(name for name in now if now[name] != known[name])
        report("a refused call changed something", method, path, target, body,
               f"{note} {status} {shown}; {part}: {str(known[part])[:200]} is {str(now[part])[:200]}")
    if status < 400 and now != known:
        for name, message in MESSAGES.items():
            if now[name] != known[name]:
                try:
                    json_format.ParseDict(now[name], message(), ignore_unknown_fields=True)
                except json_format.ParseError as problem:
                    report("accepted, and no client can read it any more", method, path, target, body,
                           f"{note} then {name}: {str(problem)[:200]}")
                    sentinel()
                    return snapshot()
    if now["ledger"] != known["ledger"] and now["ledger"]["seq"] < 3000:
        _, found = server.request("GET", "/api/gyre/v1/ledger/verify")
        if len(found["findings"]) > torn:
            torn = len(found["findings"])
            report("the ledger is broken by it", method, path, target, body, str(found["findings"][-1]))
    size = sum(len(part) for part in map(str, now.values()))
    if size > 60_000:
        sentinel()
        return snapshot()
    return now


def target_of(method, path, body):
    """A GET has its members in the query."""
    if method != "GET":
        return fill(path), fill(body)
    query = []
    for name, value in body.items():
        for element in value if isinstance(value, list) else [value]:
            text = fill(element) if isinstance(element, str) else dump(element)
            query.append(quote(name) + "=" + quote(text.encode("utf-8", "surrogatepass"), safe=""))
    target = fill(path) + "?" + "&".join(query)
    return (target if len(target) < 60_000 else target[:60_000]), None


sentinel()
known = snapshot()
for route in ROUTES:  # each route first as it should be called, so that the table is known to be right
    method, path, body, *rest = route
    target, text = target_of(method, path, body)
    status, content = send(method, target, dump(text) if text else None)
    expected = any(word in content for word in [b"o such artifact", b"No tag", b"999", b"not found", b"No trace tag"]) or "nothing" in str(body) + path
    if status not in (200, 400, 404, 501) or status in (400, 404) and not rest and not expected:
        report("the valid example", method, path, target, dump(text).encode() if text else b"", f"{status} {content[:300]!r}")
sentinel()
known = snapshot()
ends = time.monotonic() + options.seconds
for route in ROUTES:
    method, path, body, *rest = route
    if method in ("GET", "PUT") or time.monotonic() > ends - options.seconds / 3:
        continue
    for note, content in known_nasty(fill(body)):
        if note.startswith("100,000") and ("hang", f"{method} {path}") not in problems and any(kind in ("hang", "slow") for kind,
            _ in problems):
            continue  # the parser is the same for all; once is enough
        known = attempt(route, fill(path), content, known, note)
for path, body in WRONG:
    tried += 1
    status, content = send("POST", V2 + path, dump(fill(body)))
    if status != 400 and status != 404:
        report(f"wrong and taken: {dump(body)[:140]}", "POST", V2 + path, V2 + path, dump(fill(body)).encode(),
               f"{status} {content[:200]!r}")
sentinel()
known = snapshot()
for method, path, body, *rest in ROUTES:  # every odd filter, order, token and limit once
    for name in body.keys() & POOLS.keys():
        for value in POOLS[name]:
            target, filled = target_of(method, path, body | {name: value})
            text = b"" if method == "GET" else dump(filled).encode("utf-8", "surrogatepass")
            known = attempt((method, path, body, *rest), target, text, known, f"odd {name}")
print(f"{time.monotonic() - ends + options.seconds:.0f} s for the known ones, {tried} calls")
index = 0
while time.monotonic() < ends:
    route = ROUTES[index % len(ROUTES)]
    index += 1
    method, path, body, *rest = route
    body = mutated(body) if chance.random() < 0.9 or method == "GET" else body
    target, filled = target_of(method, path, body if isinstance(body, dict) else {"x": body})
    if method == "GET":
        if chance.random() < 0.15:
            target += chance.choice(["&", "&=", "&&&", "&run_id=x", "%", "&a=%ff%fe", "&%00=1", "#x", "&max_results=5&max_results=-1",
                                     "?x=y", "&" + "a=b&" * 500])
        known = attempt(route, target, b"", known)
    else:
        text = dump(filled)
        known = attempt(route, target, broken(text) if chance.random() < 0.25 else text.encode("utf-8", "surrogatepass"), known)
if not (verified := server.api("GET", "/ledger/verify"))["intact"] and not torn:
    problems[("the ledger is broken", "")] = ("curl '$GYRE/api/gyre/v1/ledger/verify'", str(verified)[:400])
server.stop()
print(f"{tried} calls on {len(ROUTES)} routes, {len(missing)} of them not there yet; {refusals} refused")
if problems:
    for (kind, path), (line, what) in sorted(problems.items()):
        print(f"{kind}: {path}\n    {line}\n    {what}")
    sys.exit(f"{len(problems)} problems")
print("fuzz: every answer was clear, nothing changed that was refused")
