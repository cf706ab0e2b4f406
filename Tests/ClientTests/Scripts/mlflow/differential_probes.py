# SPDX-License-Identifier: Apache-2.0
"""What no client sends, or only an odd one: straight at the addresses."""
import json

from differential_harness import step
from differential_tracking import PAST

ODD = [5, 1.5, True, [], ["a"], {}, {"a": 1}, None, "", "x"]  # values of every kind for a member of another kind
# Every POST with the members it must have; each is sent without one of them in turn, and with odd values there.
POSTS = [
    ("experiments/create", {"name": "probe"}), ("experiments/delete", {"experiment_id": "E"}), ("experiments/restore",
        {"experiment_id": "E"}), ("experiments/update", {"experiment_id": "E", "new_name": "n"}),
    ("experiments/set-experiment-tag", {"experiment_id": "E", "key": "k", "value": "v"}), ("experiments/delete-experiment-tag",
        {"experiment_id": "E", "key": "k"}), ("experiments/search", {"max_results": 1}),
    ("runs/create", {"experiment_id": "E"}), ("runs/update", {"run_id": "R"}), ("runs/delete", {"run_id": "R"}), ("runs/restore",
        {"run_id": "R"}), ("runs/set-tag", {"run_id": "R", "key": "k", "value": "v"}), ("runs/delete-tag", {"run_id": "R", "key": "k"}),
    ("runs/log-metric", {"run_id": "R", "key": "k", "value": 1.0, "timestamp": PAST, "step": 0}), ("runs/log-parameter", {"run_id": "R",
        "key": "k", "value": "v"}), ("runs/log-batch", {"run_id": "R"}), ("runs/log-inputs", {"run_id": "R"}), ("runs/log-model",
            {"run_id": "R", "model_json": "{}"}),
    ("runs/outputs", {"run_id": "R"}), ("runs/search", {"experiment_ids": ["E"]}), ("logged-models", {"experiment_id": "E"}),
    ("logged-models/search", {"experiment_ids": ["E"]}), ("registered-models/create", {"name": "probe"}),
    ("registered-models/rename", {"name": "M2", "new_name": "n"}), ("registered-models/set-tag", {"name": "M", "key": "k", "value": "v"}),
    ("registered-models/alias", {"name": "M", "alias": "a", "version": "1"}), ("registered-models/get-latest-versions", {"name": "M"}),
    ("model-versions/create", {"name": "M", "source": "s3://b/k"}), ("model-versions/set-tag", {"name": "M", "version": "1", "key": "k",
        "value": "v"}), ("model-versions/transition-stage", {"name": "M", "version": "1", "stage": "Staging",
            "archive_existing_versions": False}),
]
GETS = [
    ("experiments/get", {"experiment_id": "0"}), ("experiments/get-by-name", {"experiment_name": "Default"}), ("experiments/search",
        {"max_results": 1}), ("runs/get", {"run_id": "R"}), ("metrics/get-history", {"run_id": "R", "metric_key": "m"}), ("artifacts/list",
            {"run_id": "R"}),
    ("registered-models/get", {"name": "M"}), ("registered-models/alias", {"name": "M", "alias": "champion"}),
    ("registered-models/get-latest-versions", {"name": "M"}), ("registered-models/search", {"max_results": 1}), ("model-versions/get",
        {"name": "M", "version": "1"}),
    ("model-versions/get-download-uri", {"name": "M", "version": "1"}), ("model-versions/search", {"max_results": 1}),
]


def partly(t, path, body):
    """A member that the real server's parser gives up on: it goes on with the members before that one."""
    t.raw("POST", "/api/2.0/mlflow/" + path, body, label=f"(partly parsed) POST {path} {json.dumps(body)}")


def things(t, name):
    """An experiment, a run and a model to probe with."""
    experiment = t.post("experiments/create", {"name": f"probe {name}"})["experiment_id"]
    run = t.post("runs/create", {"experiment_id": experiment, "start_time": PAST, "run_name": "r"})["run"]["info"]["run_id"]
    t.post("registered-models/create", {"name": f"probe {name}"})
    t.post("model-versions/create", {"name": f"probe {name}", "source": "s3://b/k"})
    t.post("registered-models/alias", {"name": f"probe {name}", "alias": "champion", "version": "1"})
    return {"E": experiment, "R": run, "M": f"probe {name}"}


def filled(members, known):
    return {k: [known.get(w, w) for w in v] if isinstance(v, list) else known.get(v, v) if isinstance(v, str) else v for k,
        v in members.items()}


@step
def missing_members(t):
    known = things(t, "missing")
    known["M2"] = known["M"]
    for path, members in POSTS:
        for gone in members:
            if gone != "max_results":
                t.post(path, {k: v for k, v in filled(members, known).items() if k != gone})
    for path, members in GETS:
        for gone in members if path not in ("registered-models/search", "model-versions/search") else ():
            t.get(path, **{k: v for k, v in filled(members, known).items() if k != gone})
    for method, path, members in [("PATCH", "registered-models/update", ["name"]), ("PATCH", "model-versions/update", ["name", "version"]),
        ("DELETE", "registered-models/delete", ["name"]), ("DELETE", "model-versions/delete", ["name", "version"]),
                                  ("DELETE", "registered-models/delete-tag", ["name", "key"]), ("DELETE", "model-versions/delete-tag",
                                      ["name", "version", "key"]), ("DELETE", "registered-models/alias", ["name", "alias"])]:
        for gone in members:
            t.raw(method, f"/api/2.0/mlflow/{path}", {k: known["M"] if k == "name" else "1" for k in members if k != gone})


@step
def odd_members(t):
    """Wrong kinds."""
    known = things(t, "odd")
    known["M2"] = things(t, "odd 2")["M"]
    for path, members in POSTS:
        for name in members:
            for value in ODD:
                if name != "max_results":
                    t.post(path, {**filled(members, known), name: value})


@step
def camel_case_and_unknown(t):
    known = things(t, "camel")
    experiment = t.post("experiments/create", {"name": "camel", "artifactLocation": "s3://camel/x",
        "unknown": {"a": [1]}}).get("experiment_id")
    t.get("experiments/get", experiment_id=experiment)
    t.post("runs/create", {"experimentId": experiment, "runName": "camel", "startTime": str(PAST), "tags": [{"key": "a", "value": "b",
        "more": 1}]})
    t.post("runs/log-metric", {"runId": known["R"], "key": "m", "value": "1.5", "timestamp": str(PAST), "step": "3"})
    t.post("runs/log-metric", {"run_uuid": known["R"], "key": "m", "value": "NaN", "timestamp": PAST})
    t.post("runs/log-metric", {"run_id": known["R"], "key": "inf", "value": "Infinity", "timestamp": PAST})
    t.post("runs/log-metric", {"run_id": known["R"], "key": "minus", "value": "-Infinity", "timestamp": PAST})
    t.post("runs/log-metric", {"run_id": known["R"], "key": "text", "value": "text", "timestamp": PAST})
    t.post("runs/log-metric", {"run_id": known["R"], "key": "float time", "value": 1, "timestamp": PAST + 0.0})
    partly(t, "runs/log-metric", {"run_id": known["R"], "key": "half time", "value": 1, "timestamp": PAST + 0.5})
    partly(t, "runs/log-metric", {"run_id": known["R"], "key": "half step", "value": 1, "timestamp": PAST, "step": 1.5})
    partly(t, "runs/log-metric", {"run_id": known["R"], "key": "big step", "value": 1, "timestamp": PAST, "step": 2**63})
    t.post("runs/log-metric", {"run_id": known["R"], "key": "negative", "value": 1, "timestamp": -5})
    t.post("runs/update", {"run_id": known["R"], "status": 3, "end_time": str(PAST + 5)})
    t.post("runs/update", {"run_id": known["R"], "status": "FAILED", "endTime": PAST + 6, "runName": "camel name"})
    partly(t, "runs/update", {"run_id": known["R"], "status": "nonsense"})
    t.post("runs/update", {"run_id": known["R"], "status": 99})
    t.post("runs/update", {"run_id": known["R"], "run_name": ""})
    t.post("runs/log-batch", {"runId": known["R"], "metrics": [{"key": "b", "value": 1, "timestamp": str(PAST), "step": "1"}],
        "params": [{"key": "p", "value": "v"}], "tags": [{"key": "t", "value": "v"}]})
    t.post("runs/search", {"experimentIds": [experiment], "runViewType": "ALL", "maxResults": 1, "orderBy": ["start_time"]})
    t.post("runs/search", {"experiment_ids": [experiment], "run_view_type": 2})
    partly(t, "runs/search", {"experiment_ids": [experiment], "run_view_type": "NONSENSE"})
    t.post("runs/search", {"experiment_ids": experiment})
    t.get("runs/get", runId=known["R"])
    t.get("runs/get", run_uuid=known["R"])
    t.get("runs/get", run_id=known["R"], unknown="x")
    t.get("metrics/get-history", run_uuid=known["R"], metric_key="m")
    t.get("registered-models/get", name=known["M"], other="x")
    t.post("logged-models", {"experimentId": known["E"], "name": "camel", "modelType": "t", "sourceRunId": known["R"]})


@step
def bodies(t):
    known = things(t, "bodies")
    path = "/api/2.0/mlflow/runs/search"
    body = json.dumps({"experiment_ids": [known["E"]]})
    for kind in [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json; charset=utf-8"},
        {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "APPLICATION/JSON"},
        {"Content-Type": "application/json-patch+json"}]:
        t.raw("POST", path, body, kind, label=f"POST runs/search as {kind}")
    for text in ["", "{", "nonsense", "[]", "null", "5", '"x"', '"{\\"experiment_ids\\": []}"', "{}", '{"experiment_ids": ["0"]} x',
        "{'experiment_ids': ['0']}", '{"run_id": "a", "run_id": "b"}', b"\xff\xfe", '{"a": ' * 50, "[" * 200]:
        t.raw("POST", "/api/2.0/mlflow/runs/delete", text, label=f"POST runs/delete {text[:40]!r}")
    t.raw("GET", "/api/2.0/mlflow/runs/search", label="GET runs/search")
    t.raw("PUT", "/api/2.0/mlflow/runs/create", {"experiment_id": known["E"]}, label="PUT runs/create")
    t.raw("POST", "/api/2.0/mlflow/runs/nothing", {}, label="POST runs/nothing")
    t.raw("POST", "/api/3.0/mlflow/runs/get", {}, label="POST 3.0 runs/get")
    t.raw("GET", "/api/4.0/mlflow/runs/get", label="GET 4.0")
    t.raw("GET", f"/ajax-api/2.0/mlflow/runs/get?run_id={known['R']}")
    t.raw("GET", f"/ajax-api/2.0/mlflow/experiments/get?experiment_id={known['E']}")
    t.raw("POST", "/ajax-api/2.0/mlflow/runs/search", {"experiment_ids": [known["E"]]})
    t.raw("GET", f"/api/2.0/mlflow/runs/get?run_id={known['R']}", {"run_id": "0" * 32}, label="GET runs/get with a body too")
    t.raw("POST", f"/api/2.0/mlflow/runs/set-tag?run_id={known['R']}&key=a&value=b", label="POST set-tag in the query")
    t.raw("GET", "/api/2.0/mlflow/experiments/search?max_results=1&filter=name%20%3D%20%27probe%20bodies%27")
    t.get("experiments/search", max_results=1, order_by=["name", "creation_time DESC"], filter="name = 'probe bodies'", view_type="ALL")
    t.raw("GET", "/api/2.0/mlflow/experiments/search?max_results=x")
    t.raw("GET", "/api/2.0/mlflow/experiments/search")
    t.raw("POST", "/api/2.0/mlflow/experiments/search", {})
    t.raw("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 0})
    t.raw("HEAD", "/health")


@step
def answers(t):
    """Every answer as it stands on the wire."""
    known = things(t, "answers")
    e, r, m = known["E"], known["R"], known["M"]
    for path, body in [("experiments/set-experiment-tag", {"experiment_id": e, "key": "k", "value": ""}), ("runs/log-metric", {"run_id": r,
        "key": "m", "value": 1, "timestamp": PAST, "step": -1}), ("runs/log-metric", {"run_id": r, "key": "m", "value": "NaN",
            "timestamp": PAST, "step": 2}),
                       ("runs/log-parameter", {"run_id": r, "key": "p", "value": ""}), ("runs/set-tag", {"run_id": r, "key": "t",
                           "value": ""}), ("runs/update", {"run_id": r, "status": "FINISHED", "end_time": PAST + 9}), ("runs/update",
                               {"run_id": r}),
                       ("runs/log-inputs", {"run_id": r, "datasets": [{"dataset": {"name": "d", "digest": "1", "source_type": "t",
                           "source": "s"}}]}), ("runs/search", {"experiment_ids": [e]}), ("registered-models/create", {"name": "wire",
                               "tags": [{"key": "a", "value": "b"}], "description": "d"}),
                       ("registered-models/create", {"name": "wire"}), ("registered-models/rename", {"name": "wire", "new_name": "wired"}),
                       ("model-versions/create", {"name": m, "source": "s3://b/k", "run_id": r, "run_link": "http://l", "description": "d",
                           "tags": [{"key": "a", "value": "b"}]}),
                       ("model-versions/transition-stage", {"name": m, "version": "2", "stage": "Staging",
                           "archive_existing_versions": True}), ("registered-models/get-latest-versions", {"name": m}),
                           ("registered-models/get-latest-versions", {"name": m, "stages": ["Staging"]})]:
        t.post(path, body)
    for path, query in [("experiments/get", {"experiment_id": e}), ("experiments/get-by-name", {"experiment_name": "probe answers"}),
        ("experiments/search", {"max_results": 1, "filter": "name = 'probe answers'"}), ("runs/get", {"run_id": r}),
        ("metrics/get-history", {"run_id": r, "metric_key": "m"}),
                        ("metrics/get-history", {"run_id": r, "metric_key": "none"}), ("metrics/get-history", {"run_id": r,
                            "metric_key": "m", "max_results": 1}), ("artifacts/list", {"run_id": r}), ("registered-models/get",
                                {"name": m}), ("registered-models/search", {"filter": f"name = '{m}'"}), ("model-versions/get", {"name": m,
                                    "version": "2"}),
                        ("model-versions/search", {"filter": f"name = '{m}'"}), ("model-versions/search", {"filter": "name = 'none'"}),
                        ("registered-models/alias", {"name": m, "alias": "champion"}), ("model-versions/get-download-uri", {"name": m,
                            "version": "1"})]:
        t.get(path, **query)
    t.raw("PATCH", "/api/2.0/mlflow/registered-models/update", {"name": m, "description": "new"})
    t.raw("PATCH", "/api/2.0/mlflow/registered-models/update", {"name": m})
    t.raw("PATCH", "/api/2.0/mlflow/model-versions/update", {"name": m, "version": "1", "description": "new"})
    t.raw("PATCH", "/api/2.0/mlflow/model-versions/update", {"name": m, "version": "1"})
    t.raw("DELETE", "/api/2.0/mlflow/registered-models/alias", {"name": m, "alias": "champion"})
    t.raw("DELETE", "/api/2.0/mlflow/model-versions/delete", {"name": m, "version": 2})
    t.raw("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": m})
    model = t.post("logged-models", {"experiment_id": e, "name": "wire", "model_type": "t", "source_run_id": r, "params": [{"key": "p",
        "value": "v"}], "tags": [{"key": "a", "value": "b"}]}).get("model", {}).get("info", {}).get("model_id", "m-none")
    t.get(f"logged-models/{model}")
    t.raw("PATCH", f"/api/2.0/mlflow/logged-models/{model}", {"model_id": model, "status": "LOGGED_MODEL_READY"})
    t.raw("PATCH", f"/api/2.0/mlflow/logged-models/{model}", {"status": 3})
    t.raw("PATCH", f"/api/2.0/mlflow/logged-models/{model}", {"status": "READY"})
    t.raw("PATCH", f"/api/2.0/mlflow/logged-models/{model}", {})
    t.raw("PATCH", f"/api/2.0/mlflow/logged-models/{model}/tags", {"tags": [{"key": "x", "value": "y"}]})
    t.raw("DELETE", f"/api/2.0/mlflow/logged-models/{model}/tags/x")
    t.raw("DELETE", f"/api/2.0/mlflow/logged-models/{model}/tags/nothing")
    t.post(f"logged-models/{model}/params", {"params": [{"key": "q", "value": "w"}]})
    t.post("logged-models/search", {"experiment_ids": [e]})
    t.post("logged-models/search", {"experiment_ids": [e], "max_results": 1, "order_by": [{"field_name": "name", "ascending": "x"}]})
    t.post("runs/outputs", {"run_id": r, "models": [{"model_id": model, "step": "5"}]})
    t.post("runs/log-inputs", {"run_id": r, "models": [{"model_id": model}]})
    t.get("runs/get", run_id=r)
    t.raw("DELETE", f"/api/2.0/mlflow/logged-models/{model}")
    t.post("runs/log-model", {"run_id": r, "model_json": json.dumps({"artifact_path": "model", "flavors": {"python_function": {}},
        "utc_time_created": "2020-01-01 00:00:00", "run_id": r})})
    t.post("runs/log-model", {"run_id": r, "model_json": "nonsense"})
    t.post("runs/log-model", {"run_id": r, "model_json": "{}"})
    t.get("runs/get", run_id=r)


@step
def pages(t):
    known = things(t, "pages")
    for index in range(7):
        t.post("runs/log-metric", {"run_id": known["R"], "key": "m", "value": index, "timestamp": PAST + index % 3, "step": index})
        t.post("runs/create", {"experiment_id": known["E"], "start_time": PAST + 1 + index, "run_name": f"p{index}"})
    token, query = None, {"run_id": known["R"], "metric_key": "m", "max_results": 3}
    for _ in range(3):
        answer = t.get("metrics/get-history", **query, **({"page_token": token} if token else {}))
        token = answer.get("next_page_token")
    for number in ("0", "-1", "25000", "25001", "x", "1.5", ""):
        t.get("metrics/get-history", **{**query, "max_results": number})
    t.get("metrics/get-history", **query, page_token="nonsense")
    token = None
    for _ in range(3):
        answer = t.post("runs/search", {"experiment_ids": [known["E"]], "max_results": 3, **({"page_token": token} if token else {})})
        token = answer.get("next_page_token")
    for wrong in ["nonsense", "", "eyJvZmZzZXQiOiAyfQ==", "eyJvZmZzZXQiOiAtMX0=", 5, None, "bm9uc2Vuc2U="]:
        t.post("runs/search", {"experiment_ids": [known["E"]], "page_token": wrong})
    for number in [0, -1, "3", 50000, 50001, 1.0, "x", 1.5, True, None, 2**40]:
        send = t.post if number in ("3", 0, -1, 50000, 50001, 1.0) and number is not True else lambda *given: partly(t, *given)
        send("runs/search", {"experiment_ids": [known["E"]], "max_results": number, "filter": "run_name = 'p1'"})
        send("experiments/search", {"max_results": number, "filter": "name = 'probe pages'"})
        send("logged-models/search", {"experiment_ids": [known["E"]], "max_results": number})
    for number in ["0", "-1", "3", "x", "1000", "1001", "200000", "200001", "1.5", ""]:
        t.get("registered-models/search", max_results=number, filter="name = 'probe pages'")
        t.get("model-versions/search", max_results=number, filter="name = 'probe pages'")
    t.raw("GET", f"/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id={known['R']}&metric_key=m")
    t.raw("GET", f"/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id={known['R']}&metric_key=m&max_results=2")
    t.raw("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk?metric_key=m")
    t.raw("GET", f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids={known['R']}&metric_key=m&max_results=3")
    t.raw("GET",
        f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids={known['R']}&metric_key=m&start_step=2&end_step=5&max_results=10")
    t.raw("GET", f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids={known['R']}&metric_key=m&start_step=5&end_step=2")


@step
def artifact_proxy(t):
    known = things(t, "proxy")
    base = "/api/2.0/mlflow-artifacts/artifacts"
    root = f"{known['E']}/{known['R']}/artifacts"
    t.raw("PUT", f"{base}/{root}/a.txt", b"one", {"Content-Type": "text/plain"})
    t.raw("PUT", f"{base}/{root}/a.txt", b"two", {})
    t.raw("PUT", f"{base}/{root}/deep/er/%C3%A4%20b%25%2B.txt", b"three", {})
    t.raw("PUT", f"{base}/{root}/deep", b"over a folder", {})
    t.raw("PUT", f"{base}/{root}/a.txt/below", b"below a file", {})
    t.raw("GET", f"{base}/{root}/a.txt", text=True)
    t.raw("GET", f"{base}/{root}/deep/er/%C3%A4%20b%25%2B.txt", text=True)
    t.raw("GET", f"{base}/{root}/nothing")
    t.raw("GET", f"{base}/{root}/deep")
    for place in [root, f"{root}/deep", f"{root}/deep/", f"{root}/deep/er", f"{root}/nothing", f"{root}/a.txt", "", "..", "/etc",
        f"{root}/../..", "a/%2e%2e/b", "C:/x", "//x", "a\\..\\b"]:
        t.raw("GET", f"{base}?path={place}", label=f"GET artifacts?path={place.replace(root, 'root')}") if place else None
    for place in ["..%2f..%2fx", "%2e%2e/x", "%2Fetc%2Fpasswd", "a/..%2f..%2f..%2fx", "C%3A%5Cx", "a%5C..%5Cx", "%00", "a//b"]:
        t.raw("GET", f"{base}/{place}")
        t.raw("PUT", f"{base}/{place}", b"bad", {})
    t.raw("DELETE", f"{base}/{root}/a.txt")
    t.raw("DELETE", f"{base}/{root}/a.txt")
    t.raw("DELETE", f"{base}/{root}/deep")
    t.raw("DELETE", f"{base}/{root}/nothing/at/all")
    t.raw("GET", f"{base}?path={root}")
    t.raw("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{root}", {"path": "x", "num_parts": 2})
    t.raw("POST", f"/api/2.0/mlflow-artifacts/mpu/complete/{root}", {"path": "x", "upload_id": "u", "parts": []})
    t.raw("POST", f"/api/2.0/mlflow-artifacts/mpu/abort/{root}", {"path": "x", "upload_id": "u"})
    t.raw("GET", f"/api/2.0/mlflow-artifacts/presigned/{root}/a.txt")
    t.post("artifacts/presigned-upload-url", {"run_id": known["R"], "path": "x"})
    t.post("artifacts/presigned-download-url", {"run_id": known["R"], "path": "x"})
    t.get("artifacts/list", run_id=known["R"], path="%2e%2e")
    t.get("artifacts/list", run_id=known["R"], path="/etc")
    t.raw("GET", "/get-artifact?run_id=" + known["R"] + "&path=..%2f..%2fx")
    t.raw("GET", "/ajax-api/2.0/mlflow-artifacts/artifacts?path=" + root)
    t.raw("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={known['R']}&path=up.txt", b"uploaded", {"Content-Type": "text/plain"})
    t.raw("GET", f"/get-artifact?run_id={known['R']}&path=up.txt", text=True)


@step
def deleted_things(t):
    known = things(t, "deleted")
    e, r, m = known["E"], known["R"], known["M"]
    t.post("runs/delete", {"run_id": r})
    for path, body in [("runs/log-metric", {"key": "k", "value": 1, "timestamp": PAST}), ("runs/log-parameter", {"key": "k",
        "value": "v"}), ("runs/set-tag", {"key": "k", "value": "v"}), ("runs/delete-tag", {"key": "mlflow.runName"}), ("runs/log-batch",
            {"params": [{"key": "a", "value": "b"}]}), ("runs/update", {"status": "FINISHED"}),
                       ("runs/log-inputs", {"datasets": [{"dataset": {"name": "d", "digest": "1", "source_type": "t", "source": "s"}}]}),
                       ("runs/outputs", {"models": []}), ("runs/log-model", {"model_json": "{}"})]:
        t.post(path, {"run_id": r, **body})
    t.get("runs/get", run_id=r)
    t.get("metrics/get-history", run_id=r, metric_key="k")
    t.get("artifacts/list", run_id=r)
    t.post("experiments/delete", {"experiment_id": e})
    for path, body in [("experiments/set-experiment-tag", {"key": "k", "value": "v"}), ("experiments/delete-experiment-tag", {"key": "k"}),
        ("experiments/update", {"new_name": "n"}), ("runs/create", {}), ("logged-models", {"name": "x"}), ("experiments/delete", {})]:
        t.post(path, {"experiment_id": e, **body})
    t.post("runs/restore", {"run_id": r})
    t.post("runs/search", {"experiment_ids": [e], "run_view_type": "ALL"})
    t.get("experiments/get", experiment_id=e)
    t.raw("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": m})
    t.get("model-versions/get", name=m, version="1")
    t.get("registered-models/alias", name=m, alias="champion")
    t.get("model-versions/search", filter=f"name = '{m}'")
    t.post("registered-models/create", {"name": m})
    t.get("registered-models/get", name=m)
    t.post("model-versions/create", {"name": m, "source": "s3://b/k"})
