# SPDX-License-Identifier: Apache-2.0
"""schemathesis, which makes requests of an OpenAPI document, asks the native API of a home that has everything: each answer is what the document says."""
import json
import os
import subprocess
import sys

import mlflow
from server import Server, onnx_model

tools, work = os.path.dirname(sys.argv[3]), sys.argv[2]
server = Server(sys.argv[1], work).start()


def blob(content):
    return server.request("POST", "/api/gyre/v1/blobs", content)[1]


# A home that has everything: data, a check, features, a run with metrics, a trace, a prompt, a served model with predictions and labels, a release, a pipeline run.
for content in ["station,at,wind\nJFK,2013-01-01T00:00:00Z,3\n", "station,at,wind\nJFK,2013-01-01T00:00:00Z,4\nLGA,2013-01-02T00:00:00Z,5\n"]:
    stored = blob(content)
    data = server.api("POST", "/datasets/weather/versions", {"tree": [{"path": "w.csv", **stored}], "message": "new"})
suite = {"name": "s", "expectations": [{"type": "expect_table_row_count_to_equal", "kwargs": {"value": 2}}]}
server.api("POST", "/checks", {"dataset": "weather", "suite": suite})
server.api("POST", "/features", {"name": "wind", "dataset": "weather", "entities": ["station"], "timestamp": "at", "features": ["wind"]})
server.api("POST", "/features/wind/materialize", {})
mlflow.set_tracking_uri(server.url)
with mlflow.start_run() as run:
    mlflow.log_params({"a": 1})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    for slope in (1.0, -1.0):
        mlflow.onnx.log_model(onnx_model(None, slope)[1], name="model", registered_model_name="gate")
with mlflow.start_span("root") as span:
    span.set_inputs({"q": 1})
mlflow.flush_trace_async_logging() if hasattr(mlflow, "flush_trace_async_logging") else None
mlflow.genai.register_prompt("hello", "Say {{word}}")
server.api("POST", "/endpoints/gate/deploy", {"version": 1})
ids = []
for number in range(20):
    status, answer = server.request("POST", "/v2/models/gate/infer", {"inputs": [{"name": "X", "shape": [1, 3], "datatype": "FP32", "data": [number / 20, 0.5, 0.5]}]})
    assert status == 200, answer
    ids.append(answer["id"])
server.api("POST", "/endpoints/gate/labels", {"labels": [{"id": id, "label": 1} for id in ids]})
server.api("POST", "/endpoints/gate/monitor", {"window": "all"})
server.api("POST", "/endpoints/gate/deploy", {"version": "2", "strategy": "shadow"})
package = json.dumps({
    "components": {"comp-say": {"executorLabel": "say"}}, "deploymentSpec": {"executors": {"say": {"container": {"image": "python:3.11", "command": ["echo", "hello"]}}}},
    "pipelineInfo": {"name": "greet"}, "root": {"dag": {"tasks": {"say": {"componentRef": {"name": "comp-say"}, "taskInfo": {"name": "say"}}}}}, "schemaVersion": "2.1.0"})
pipeline = server.api("POST", "/pipeline-runs", {"package": package})["id"]
while not server.api("GET", f"/pipeline-runs/{pipeline}")["ended_at"]:
    pass
trace = server.api("GET", "/traces")["traces"][0]["id"]
logged = server.api("GET", "/logged-models")["logged_models"][0]["id"]

# The document with the names that there are, besides one that there is not, so that requests find something.
document = server.api("GET", "/openapi.json")
known = {
    "datasets": ["weather"], "features": ["wind"], "models": ["gate"], "endpoints": ["gate"], "releases": ["gate"], "prompts": ["hello"], "projects": ["none"],
    "runs": [run.info.run_id], "traces": [trace], "logged-models": [logged], "pipeline-runs": [pipeline]}
places = {"version": {"datasets": ["latest", data["id"]], "models": ["1", "2", "latest"]}, "number": {"releases": ["1", "latest"]}, "verb": {"endpoints": ["pause", "resume", "abort"]},
          "alias": {"models": ["best"]}, "id": {"endpoints": ids[:2]}}
values = {"ref": ["model/gate@1", "dataset/weather@latest"], "to": ["model/gate@1"], "metric": ["loss"], "task": ["say"], "endpoint": ["gate"], "experiment": ["Default"], "run": [run.info.run_id],
          "entity": ["JFK"], "direction": ["up", "down"]}
for path, item in document["paths"].items():
    noun = path.split("/")[1]
    for method, operation in item.items():
        for parameter in operation["parameters"]:
            name = parameter["name"]
            if parameter["in"] == "path":
                names = places.get(name, {}).get(noun) or known.get(noun)
                if names:
                    parameter["schema"] = {"type": "string", "enum": names + ["nothing"]}
            elif name in values and parameter["schema"]["type"] == "string" and not (name in ("to",) and noun != "lineage"):
                parameter["schema"]["enum"] = values[name]
json.dump(document, open(f"{work}/openapi.json", "w"))
checked = subprocess.run([sys.argv[3], "-m", "openapi_spec_validator", f"{work}/openapi.json"], capture_output=True, text=True)
assert checked.returncode == 0, checked.stdout + checked.stderr
asked = subprocess.run(
    [f"{tools}/schemathesis", "run", f"{work}/openapi.json", "--url", server.url + "/api/gyre/v1", "--phases", "coverage,fuzzing", "-n", os.environ.get("EXAMPLES", "15"),
     "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance", "--seed", "7", "--generation-deterministic",
     "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "600"],
    capture_output=True, text=True, cwd=work)
assert asked.returncode == 0, asked.stdout[-12000:]
assert server.process.poll() is None and server.request("GET", "/health")[0] == 200
# What is misspelt is refused and not passed over, with the nearest name.
status, answer = server.request("POST", "/api/gyre/v1/endpoints/gate/deploy", {"verison": "2"})
assert status == 400 and "version" in answer["error"]["fix"], answer
status, answer = server.request("POST", "/api/gyre/v1/endpoints/gate/deploy", {"strategy": "canry"})
assert status == 400 and "canary" in answer["error"]["fix"], answer
server.stop()
print("openapi: the answers are what the document says;", asked.stdout.strip().splitlines()[-1])
