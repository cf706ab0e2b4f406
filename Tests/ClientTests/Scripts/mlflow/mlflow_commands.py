# SPDX-License-Identifier: Apache-2.0
"""The mlflow command line against Gyre. Short commands run in this process (the same code, without seconds of imports each)."""
import csv
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from ports import free_port
from server import Server

server = Server(sys.argv[1], sys.argv[2]).start()
os.environ["MLFLOW_TRACKING_URI"] = server.url
os.environ["GIT_PYTHON_REFRESH"] = "quiet"
os.environ["PATH"] = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]  # for uvicorn and the project's python
home = Path(sys.argv[2])
program = os.path.join(os.path.dirname(sys.executable), "mlflow")

import mlflow
import numpy
from click.testing import CliRunner
from mlflow.cli import cli
from sklearn.linear_model import LogisticRegression

client = mlflow.MlflowClient()


def command(*arguments, status=0):
    done = CliRunner().invoke(cli, list(arguments))
    assert done.exit_code == status, f"mlflow {arguments} ended with {done.exit_code}: {done.output} {done.exception!r}"
    return done.output + (f"{done.exception}" if done.exception else "")


def process(*arguments, status=0, **named):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, **named)
    assert done.returncode == status, f"mlflow {arguments} ended with {done.returncode}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout + done.stderr


def has(text, *parts):
    for part in parts:
        assert part in text, f"{part!r} is not in {text}"


# Experiments.
assert process("experiments", "create", "-n", "cli").strip().endswith("Created experiment 'cli' with id 1")
has(command("experiments", "create", "-n", "cli", status=1), "RESOURCE_ALREADY_EXISTS")
command("experiments", "create", "-n", "second")
has(command("experiments", "search"), "mlflow-artifacts:/1", "Default", "second")
has(command("experiments", "get", "--experiment-name", "cli"), "Experiment ID      : 1", "active")
has(command("experiments", "rename", "--experiment-id", "2", "--new-name", "zweites ü"), "zweites ü")
command("experiments", "delete", "-x", "2")
assert "zweites" not in command("experiments", "search")
has(command("experiments", "search", "--view", "deleted_only"), "zweites ü")
has(command("experiments", "search", "--view", "all"), "zweites ü", "cli")
has(command("experiments", "get", "-x", "2"), "deleted")
command("experiments", "restore", "-x", "2")
has(command("experiments", "get", "-x", "77", status=1), "77")

# Runs.
made = command(
    "runs", "create", "--experiment-name", "cli", "--run-name", "one", "--description", "words", "-t", "a=b", "--status", "failed")
run = json.loads(made[made.index("{"):])["run_id"]
child = command("runs", "create", "--experiment-id", "1", "--parent-run-id", run)
child = json.loads(child[child.index("{"):])["run_id"]
assert client.get_run(run).data.tags["a"] == "b" and client.get_run(run).info.status == "FAILED"
assert client.get_parent_run(child).info.run_id == run
client.log_metric(run, "m", 0.5)
client.log_param(run, "p", "ü, \"q\"")
has(command("runs", "list", "--experiment-id", "1"), run, child, "one")
described = command("runs", "describe", "--run-id", run)
described = json.loads(described[described.index("{"):])
assert described["data"]["metrics"] == {"m": 0.5} and described["info"]["status"] == "FAILED", described
command("experiments", "csv", "-x", "1", "-o", str(home / "runs.csv"))
rows = {row["run_id"]: row for row in csv.DictReader(open(home / "runs.csv"))}
assert rows[run]["metrics.m"] == "0.5" and rows[run]["params.p"] == "ü, \"q\"" and len(rows) == 2, rows
command("runs", "delete", "--run-id", child)
assert child not in command("runs", "list", "--experiment-id", "1")
has(command("runs", "list", "--experiment-id", "1", "--view", "deleted_only"), child)
command("runs", "restore", "--run-id", child)
has(command("runs", "describe", "--run-id", "0" * 32, status=1), "RESOURCE_DOES_NOT_EXIST")

# Artifacts.
folder = home / "folder"
(folder / "sub dir").mkdir(parents=True)
(folder / "a.txt").write_text("a")
(folder / "sub dir" / "ü.txt").write_text("b")
command("artifacts", "log-artifact", "-l", str(folder / "a.txt"), "-r", run)
command("artifacts", "log-artifact", "-l", str(folder / "a.txt"), "-r", run, "-a", "in/there")
command("artifacts", "log-artifacts", "-l", str(folder), "-r", run, "-a", "all")
listed = command("artifacts", "list", "-r", run)
assert [f["path"] for f in json.loads(listed[listed.index("["):])] == ["a.txt", "all", "in"], listed
has(command("artifacts", "list", "-r", run, "-a", "all/sub dir"), "all/sub dir/")
command("artifacts", "download", "-r", run, "-d", str(home / "down"))
assert (home / "down/all/sub dir/ü.txt").read_text() == "b"
command("artifacts", "download", "-u", f"runs:/{run}/a.txt", "-d", str(home / "down2"))
assert (home / "down2/a.txt").read_text() == "a"
command("artifacts", "download", "-u", f"mlflow-artifacts:/1/{run}/artifacts/all", "-d", str(home / "down3"))
assert (home / "down3/all/a.txt").read_text() == "a"

# Models: predict and serve what is registered.
x = numpy.random.default_rng(0).random((50, 2))
model = LogisticRegression().fit(x, (x[:, 0] > 0.5).astype(int))
mlflow.set_experiment("cli")
with mlflow.start_run():
    mlflow.sklearn.log_model(model, name="model", registered_model_name="served", input_example=x[:2])
client.set_registered_model_alias("served", "champion", 1)
rows = {"inputs": [[0.1, 0.5], [0.9, 0.5]]}
(home / "rows.json").write_text(json.dumps(rows))
process(
    "models", "predict", "-m", "models:/served@champion", "-i", str(home / "rows.json"), "-o", str(home / "predicted.json"),
    "--env-manager", "local")
assert json.loads((home / "predicted.json").read_text())["predictions"] == [0, 1]
port = free_port()
serving = subprocess.Popen(
    [program, "models", "serve", "-m", "models:/served/1", "--env-manager", "local", "-p", str(port), "-h", "127.0.0.1"],
    stdout=open(home / "serve.log", "w"), stderr=subprocess.STDOUT, start_new_session=True)
try:
    for attempt in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5)
            break
        except OSError:
            assert serving.poll() is None and attempt < 299, (home / "serve.log").read_text()[-2000:]
            time.sleep(0.1)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", json.dumps(rows).encode(), {"content-type": "application/json"})
    assert json.load(urllib.request.urlopen(request, timeout=600)) == {"predictions": [0, 1]}
finally:
    if serving.poll() is None:
        os.killpg(serving.pid, signal.SIGTERM)
        serving.wait()

# A project.
project = home / "project"
project.mkdir()
(project / "MLproject").write_text(
    "name: tiny\nentry_points:\n  main:\n    parameters:\n      depth: {type: float, default: 2}\n"
    "    command: \"python train.py {depth}\"\n")
(project / "train.py").write_text(
    "import sys, mlflow\nwith mlflow.start_run():\n    mlflow.log_metric('depth', float(sys.argv[1]))\n"
    "    mlflow.log_text('x', 'out.txt')\n")
process("run", str(project), "-P", "depth=7", "--env-manager", "local", "--experiment-name", "projects", "--run-name", "p1",
        env={key: value for key, value in os.environ.items() if key != "MLFLOW_EXPERIMENT_ID"})
found = mlflow.search_runs(experiment_names=["projects"], output_format="list")
assert len(found) == 1 and found[0].data.metrics == {"depth": 7.0} and found[0].data.params == {"depth": "7"}, found
assert found[0].info.status == "FINISHED" and found[0].data.tags["mlflow.project.entryPoint"] == "main", found
assert found[0].info.run_name == "p1"
assert [f.path for f in client.list_artifacts(found[0].info.run_id)] == ["out.txt"]

# What looks at the server from outside.
has(process("doctor"), f"Tracking URI: {server.url}", "MLflow version: 3.17.2")

# gc works on a database of mlflow, not through a server: against Gyre it has to end with a sentence and change nothing.
client.delete_run(child)
gone = command("gc", "--backend-store-uri", server.url, status=1)
assert client.get_run(child).info.lifecycle_stage == "deleted", gone

assert server.api("GET", "/ledger/verify")["intact"]
server.stop()
print("mlflow commands: all done")
