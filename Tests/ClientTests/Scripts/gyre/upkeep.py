# SPDX-License-Identifier: Apache-2.0
"""What Gyre adds to MLflow: removing for good, integrity, history and undo, comparing, cards, live events, exports."""
import http.client
import json
import os
import sys
import threading
import time

import mlflow
from mlflow import MlflowClient
from server import Server

server = Server(sys.argv[1], sys.argv[2]).start()
mlflow.set_tracking_uri(server.url)
client = MlflowClient()
blobs = f"{server.home}/blobs"


def stored():
    return {name for folder in os.listdir(blobs) if len(folder) == 2 for name in os.listdir(f"{blobs}/{folder}")}


def make_run(experiment, text, **metrics):
    run = client.create_run(experiment, run_name=text)
    client.log_text(run.info.run_id, text, "note.txt")
    client.log_param(run.info.run_id, "text", text)
    for key, value in metrics.items():
        for step in range(5):
            client.log_metric(run.info.run_id, key, value * step, step=step)
    return run.info.run_id


# Deleted means deleted: names, rows and blobs; what a registered version stands on stays, and is told.
gone = client.create_experiment("gone")
doomed, needed, kept = make_run(gone, "doomed", auc=0.1), make_run(gone, "needed"), make_run("0", "kept")
client.create_registered_model("m")
client.create_model_version("m", client.get_run(needed).info.artifact_uri, needed)
before = stored()
client.delete_experiment(gone)
plan = json.loads(server.run("gc", "--older-than", "0s", "--dry-run", "--format", "json").stdout)
assert [r["id"] for r in plan["runs"]] == [doomed] and not plan["experiments"], plan
assert {k["what"]: k["needed_by"] for k in plan["kept"]} == {f"run/{needed}": "model/m@1", f"experiment/{gone}": f"run/{needed}"}, plan
assert client.get_run(doomed) and stored() == before, "a dry run removed something"
assert json.loads(server.run("gc", "--older-than", "1h", "--format", "json").stdout)["runs"] == [], "what was just deleted went at once"
told = server.run("gc", "--older-than", "0s", "--grace", "0s").stdout
assert doomed in told and "1 blobs removed" in told, told
assert len(before - stored()) == 1 and client.get_run(needed).info.run_name == "needed"
assert server.request("GET", f"/api/2.0/mlflow/runs/get?run_id={doomed}")[0] == 404
client.delete_model_version("m", "1")
done = json.loads(server.run("gc", "--older-than", "0s", "--grace", "0s", "--format", "json").stdout)
assert [e["id"] for e in done["experiments"]] == [gone] and done["blobs"] == 1 and not done["kept"], done
assert client.create_experiment("gone") != gone, "the number of an experiment was given out twice"
assert mlflow.artifacts.load_text(f"{client.get_run(kept).info.artifact_uri}/note.txt") == "kept"
kinds = [f["kind"] for f in server.api("GET", "/ledger?kind=retention.&limit=50")["facts"]]
assert kinds.count("retention.run.removed") == 2 and "retention.experiment.removed" in kinds and "retention.blobs.removed" in kinds, kinds

# Integrity: rot is found, and never answered as if it were the file.
server.run("blob", "verify")
victim = next(iter(stored()))
path = f"{blobs}/{victim[:2]}/{victim}"
content = open(path, "rb").read()
os.chmod(path, 0o644)
open(path, "wb").write(bytes([content[0] ^ 1]) + content[1:])
assert victim in server.run("blob", "verify", status=1).stdout
open(path, "wb").write(content)
server.run("blob", "verify")

# Who moved what on a model, and taking it back.
for number in (1, 2):
    client.create_model_version("m", f"s3://bucket/{number}")
client.set_registered_model_alias("m", "champion", "2")
client.set_registered_model_alias("m", "champion", "3")
client.set_model_version_tag("m", "3", "checked", "no")
client.set_model_version_tag("m", "3", "checked", "yes")
history = json.loads(server.run("model", "history", "m", "--format", "json").stdout)["facts"]
assert [f["kind"] for f in history[:4]] == ["registry.version.tagged"] * 2 + ["registry.alias.set"] * 2, [f["kind"] for f in history]
server.run("model", "undo", "m", str(history[0]["seq"]))
assert client.get_model_version("m", "3").tags["checked"] == "no"
server.run("model", "undo", "m", str(history[2]["seq"]))
assert client.get_model_version_by_alias("m", "champion").version == "2"
server.run("model", "undo", "m", str(history[2]["seq"]), status=4)  # moved since
assert "champion→2" in server.run("model", "history", "m").stdout

# Semantic versions follow the signature; the card names what is missing.
shown = server.run("model", "show", "m").stdout
assert "1.0.0" in shown, shown
card = server.run("model", "card", "m", "--version", "3", "--markdown").stdout
assert card.startswith("# model/m@3") and "## Missing" in card and "- training data" in card, card

# Comparing runs.
first, second = make_run("0", "first", auc=0.2), make_run("0", "second", auc=0.4)
best = json.loads(server.run("run", "best", "--metric", "auc", "--format", "json").stdout)["runs"]
assert [r["id"] for r in best] == [second, first], best
compared = server.run("run", "compare", first, second, "--curve", "auc").stdout
assert "metrics.auc" in compared and "▁" in compared and "█" in compared, compared

# Points arrive while a run logs, and the stream ends with it.
run = client.create_run("0")
events, hears = [], threading.Event()


def listen():
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    connection.request("GET", f"/api/gyre/v1/runs/{run.info.run_id}/events")
    answer = connection.getresponse()
    assert answer.getheader("content-type") == "text/event-stream"
    hears.set()
    events.extend(answer.read().decode().split("\n\n"))


listener = threading.Thread(target=listen)
listener.start()
assert hears.wait(600)
for step in range(20):
    client.log_metric(run.info.run_id, "loss", 1 / (step + 1), step=step)
    time.sleep(0.05)
client.set_terminated(run.info.run_id)
listener.join()
points = [p for e in events if e.startswith("event: points") for p in json.loads(e.split("data: ")[1])["points"]]
assert [p[0] for p in points] == list(range(20)) and any(e.startswith("event: end") for e in events), events

# Taken away as a table; a text that a spreadsheet would run is a text.
client.log_param(first, "formula", "=1+1")
status, table = server.request("GET", "/api/gyre/v1/runs/export?format=csv&filter=metrics.auc%20%3E%200")
lines = table.decode().split("\r\n")
assert status == 200 and lines[0].startswith("run_id,name,status") and len(lines) == 4 and "'=1+1" in table.decode(), lines
columns = server.request("GET", "/api/gyre/v1/runs/table?filter=metrics.auc%20%3E%200")[1]
assert columns["ids"] == [second, first] and columns["metrics"]["auc"] == [1.6, 0.8], columns
server.stop()
print("upkeep: all done")
