# SPDX-License-Identifier: Apache-2.0
"""What is said about the past, with kfp's compiler and mlflow's client: data that moves on, reproductions, copies of a home."""
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import warnings

import mlflow
from kfp import compiler, dsl
from server import Server

warnings.simplefilter("ignore")
gyre, work = sys.argv[1], sys.argv[2]
server = Server(gyre, work).start()
mlflow.set_tracking_uri(server.url)
client = mlflow.MlflowClient()


@dsl.component(base_image="python:3.11", packages_to_install=["mlflow-skinny==3.17.2"])
def train(data: dsl.Input[dsl.Dataset], gate: str, champion: str, model: dsl.Output[dsl.Model]) -> float:
    """Registers what it read as a model, and moves an alias, as training scripts do."""
    import os
    import time

    import mlflow

    while gate and not os.path.exists(gate):
        time.sleep(0.05)
    text = open(data.path + "/data.csv").read()
    open(model.path, "w").write("trained on " + text)
    with mlflow.start_run() as run:
        mlflow.log_metric("rows", len(text.splitlines()))
        mlflow.log_text("onnx of " + text, "model/model.onnx")
    client = mlflow.MlflowClient()
    try:
        client.create_registered_model("toy")
    except mlflow.MlflowException:
        pass
    version = client.create_model_version("toy", run.info.artifact_uri + "/model", run.info.run_id)
    if champion:
        client.set_registered_model_alias("toy", champion, version.version)
    return float(len(text))


@dsl.pipeline(name="toy")
def toy(training: str, gate: str = "", champion: str = ""):
    data = dsl.importer(artifact_uri=training, artifact_class=dsl.Dataset, reimport=False)
    train(data=data.output, gate=gate, champion=champion)


package = f"{work}/toy.yaml"
compiler.Compiler().compile(toy, package)


def add(text):
    folder = f"{work}/data"
    os.makedirs(folder, exist_ok=True)
    open(f"{folder}/data.csv", "w").write(text)
    return server.run("data", "add", folder, "--name", "toy", "--quiet").stdout.strip()


def start(reason="", **parameters):
    body = {"package": open(package).read(), "parameters": parameters, "reason": reason}
    return server.api("POST", "/pipeline-runs", body)["id"]


def ended(id):
    while True:
        run = server.api("GET", f"/pipeline-runs/{id}")
        if run["ended_at"]:
            assert run["state"] == "SUCCEEDED", run
            return run
        time.sleep(0.1)


# Data A, a run on what is newest, data B while it runs, and then the pins: A, wherever one looks.
first = add("a\n1\n")
assert first.startswith("dataset/toy@"), first
gate = f"{work}/gate"
run = start(training="dataset/toy@latest", gate=gate, champion="best")
second = add("a\n1\n2\n")
open(gate, "w").close()
done = ended(run)
assert done["parameters"]["training"] == first and done["resolved"] == {"dataset/toy@latest": first}, done
card = server.api("GET", "/models/toy/versions/1/card")
assert card["training_data"] == first and card["datasets"] == [first], card
plan = server.api("POST", "/endpoints/toy/deploy", {"dry_run": True})
assert plan["pins"]["training"] == first and plan["steps"] == [100] and plan["stable"] is None, plan
assert server.api("GET", "/endpoints")["endpoints"] == [] and server.api("GET", "/releases")["releases"] == []
edges = server.api("GET", "/lineage?ref=model/toy@1&direction=up")["nodes"]
assert first in edges and second not in edges, edges
tags = client.get_run(client.get_model_version("toy", "1").run_id).data.tags
assert tags["gyre.input.data"] == first, tags

# A release of it, made by hand since the file is no real model: what it pins is reproduced, and nothing that is listed moves.
status, answer = server.request("POST", "/api/gyre/v1/endpoints/toy/deploy", {"version": "1"})
assert status == 400 and "model" in str(answer), answer
release = server.api("GET", "/releases")["releases"][0]
assert release["pins"]["datasets"] == [first] and release["pins"]["model"] == "model/toy@1", release
before = {
    "models": server.api("GET", "/models"), "runs": [run.info.run_id for run in client.search_runs(["0"])],
    "aliases": dict(client.get_registered_model("toy").aliases), "head": server.api("GET", "/ledger/head")["seq"],
}
report = server.api("POST", f"/releases/toy/{release['number']}/reproduce", {})
assert report["identical"] and report["model_identical"] and report["data"] == [first], report
assert report["metrics"] == [{"name": "rows", "old": 2.0, "new": 2.0, "difference": 0.0}], report
after = {
    "models": server.api("GET", "/models"), "runs": [run.info.run_id for run in client.search_runs(["0"])],
    "aliases": dict(client.get_registered_model("toy").aliases),
}
assert all(before[part] == after[part] for part in after), (before, after)
kinds = {fact["kind"] for fact in server.api("GET", f"/ledger?after={before['head']}&limit=1000")["facts"]}
assert not any(kind.startswith(("registry.", "tracking.", "rollout.")) for kind in kinds), kinds
assert "releases.release.reproduced" in kinds, kinds
assert not os.listdir(f"{server.home}/reproductions"), "the space of a reproduction is left"

# What cannot be known is said, and not made again: a model that no pipeline made.
mlflow.set_experiment("by hand")
with mlflow.start_run() as by_hand:
    mlflow.log_text("onnx", "model/model.onnx")
client.create_registered_model("hand")
client.create_model_version("hand", by_hand.info.artifact_uri + "/model", by_hand.info.run_id)
card = server.api("GET", "/models/hand/versions/1/card")
assert card["training_data"] is None and "training_data" in card["missing"], card

# A reason that sounds like a reproduction is only a reason.
start(training=second)
start("reproduce last week's numbers", training=first)
assert server.api("GET", "/pipeline-runs")["runs"][0]["purpose"] == {"kind": "ordinary"}
for each in server.api("GET", "/pipeline-runs")["runs"]:
    ended(each["id"])

# A queued run hears its cancel while others have all places.
gate = f"{work}/gate2"
held = [start(training=second, gate=gate) for _ in range(2)]
while sum(task["state"] == "RUNNING" for id in held for task in server.api("GET", f"/pipeline-runs/{id}")["tasks"]) < 2:
    time.sleep(0.05)
queued = start(training=second, gate=gate)
assert server.api("POST", f"/pipeline-runs/{queued}/cancel", {})["state"] == "CANCELED"
assert all(server.api("GET", f"/pipeline-runs/{id}")["state"] == "RUNNING" for id in held)
open(gate, "w").close()
for id in held:
    ended(id)

# Names that look like names of something else: as many as there are forms, and each is copied.
names = ["m-" + "0" * 32, "m-short", "latest", "7", "v1", "None", "Production", "champion", "sha256", "models", "runs", "dataset"]
# The client itself cuts an address at a question mark.
names += ["c#", "back\\slash", "with space", "100%", "a&b=c"]
source = client.get_model_version("toy", "1")
for name in names:
    client.create_registered_model(name)
    made = client.create_model_version(name, source.source, source.run_id)
    client.set_registered_model_alias(name, "7", made.version)
    for target, address in enumerate([f"models:/{name}/1", f"models:/{name}@7"], 1):
        copied = client.copy_model_version(address, f"copy of {name}")
        assert copied.version == str(target) and copied.name == f"copy of {name}", copied
    nodes = server.api("GET", "/lineage?ref=" + urllib.parse.quote(f"model/copy of {name}@1"))["nodes"]
    assert f"model/{name}@1" in nodes, (name, nodes)

# A copy of a home is a home of its own, also while the original is served and its server.json came along.
copy = f"{work}/copy"
shutil.copytree(server.home, copy, ignore=shutil.ignore_patterns("*.sock"))


def on_copy(*arguments, status=0):
    environment = {**os.environ, "GYRE_HOME": f"{work}/nowhere"}
    done = subprocess.run([gyre, *arguments, "--home", copy], env=environment, capture_output=True, text=True)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


head = server.api("GET", "/ledger/head")["seq"]
on_copy("model", "alias", "toy", "copied", "--version", "1")
assert "copied" not in dict(client.get_registered_model("toy").aliases)
assert server.api("GET", "/ledger/head")["seq"] == head
assert "copied" in on_copy("model", "list")
assert on_copy("ledger", "verify").startswith("intact")
import sqlite3

database = sqlite3.connect(f"{copy}/gyre.db")
database.executescript("DROP TRIGGER ledger_no_update; UPDATE ledger SET actor = 'nobody' WHERE seq = 3;")
database.close()
assert "NOT INTACT" in on_copy("ledger", "verify", status=1)
assert server.run("ledger", "verify").stdout.startswith("intact")
assert server.api("GET", "/home")["home"] == server.home

# Reading makes nothing: a mistyped path is an error.
for arguments in [("model", "list"), ("ledger", "verify"), ("endpoint", "list"), ("run", "list")]:
    done = subprocess.run([gyre, *arguments, "--home", f"{work}/mistyped"], capture_output=True, text=True)
    assert done.returncode == 3 and "mistyped" in done.stderr, (arguments, done)
    assert not os.path.exists(f"{work}/mistyped")

# Listening beyond this machine is nothing that happens by itself.
done = subprocess.run([gyre, "up", "--home", f"{work}/open", "--http", "0.0.0.0:0"], capture_output=True, text=True)
assert done.returncode == 1 and "--no-auth" in done.stderr and not os.path.exists(f"{work}/open"), done
opened = subprocess.Popen(
    [gyre, "up", "--home", f"{work}/open", "--http", "0.0.0.0:0", "--no-auth"], stderr=subprocess.PIPE, text=True)
assert "WARNING" in opened.stderr.readline()
while not os.path.exists(f"{work}/open/server.json"):
    assert opened.poll() is None, opened.stderr.read()
    time.sleep(0.02)
import json

port = json.load(open(f"{work}/open/server.json"))["http"].split(":")[-1]
doctor = subprocess.run([gyre, "doctor", "--home", f"{work}/open"], capture_output=True, text=True)
assert doctor.returncode == 1 and "no authentication" in doctor.stdout, doctor
import urllib.request


def claim(name, actor):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/2.0/mlflow/registered-models/create", json.dumps({"name": name}).encode(),
        {"x-gyre-actor": actor, "content-type": "application/json"})
    urllib.request.urlopen(request).read()


claim("one", "alice")
claim("two", "policy/retrain")
facts = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/gyre/v1/ledger?kind=registry.model.created"))["facts"]
assert [fact["actor"] for fact in facts] == ["claimed/policy/retrain", "claimed/alice"], facts
opened.send_signal(signal.SIGTERM)
assert opened.wait() == 0

# On this machine a name is taken as it is said, but nobody passes for Gyre itself.
for actor, kept in [("alice", "alice"), ("gyre", "claimed/gyre"), ("policy/x", "claimed/policy/x")]:
    server.request(
        "POST", "/api/2.0/mlflow/registered-models/create", {"name": f"of {kept.replace('/', ' ')}"}, {"x-gyre-actor": actor})
    assert server.api("GET", "/ledger?kind=registry.model.created&limit=1")["facts"][0]["actor"] == kept

server.stop()
