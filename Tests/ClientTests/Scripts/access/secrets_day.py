# SPDX-License-Identifier: Apache-2.0
"""Secrets are given to tasks by name and stand nowhere else; tasks are known by tokens of their own, and get little of the server's variables."""
import json
import os
import subprocess
import sys
import time
import warnings

from kfp import compiler, dsl

warnings.simplefilter("ignore")
work, gyre = sys.argv[2], sys.argv[1]
# What the server has and no task may see.
os.environ.update(AWS_SECRET_ACCESS_KEY="planted-in-the-environment", DATABASE_URL="planted-too", MAY_BE_SEEN="seen", GYRE_TASK_VARIABLES="MAY_BE_SEEN")
from people import People, bearer

PLANTED = ["correct-horse-battery-staple", "a second line of it", "planted-in-the-environment", "planted-too"]


@dsl.component(base_image="python:3.11", packages_to_install=["mlflow-skinny==3.17.2"])
def use(report: dsl.Output[dsl.Dataset]) -> str:
    import json, os, sys
    import mlflow

    secret = os.environ["WAREHOUSE"]
    print("the secret is", secret)
    # In pieces, as a program may write them.
    for part in [secret[:9], secret[9:], "\n"]:
        sys.stdout.write(part)
        sys.stdout.flush()
    print("my token is", os.environ.get("MLFLOW_TRACKING_TOKEN"), file=sys.stderr)
    with mlflow.start_run() as run:
        mlflow.log_metric("length", len(secret))
    names = [n for n in os.environ if n not in ("WAREHOUSE", "MLFLOW_TRACKING_TOKEN")]
    json.dump({"names": sorted(names), "values": [os.environ[n] for n in names]}, open(report.path, "w"))
    client = mlflow.MlflowClient()
    try:
        client.create_registered_model("made-by-a-task")
        client.set_registered_model_alias("made-by-a-task", "champion", "1")
        moved = "moved"
    except Exception as error:
        moved = str(error)
    return json.dumps({"run": run.info.run_id, "moved": moved, "length": len(secret)})


@dsl.pipeline(name="secretive")
def secretive():
    use().set_env_variable("WAREHOUSE", "secret://warehouse").set_caching_options(False)


package = f"{work}/secretive.yaml"
compiler.Compiler().compile(secretive, package)
people = People(gyre, work)
server = people.server
runner = people.account("ron", "runner")
writer = people.account("wil", "writer")


def cli(*words, token=None, status=0, text=None):
    environment = {**server.environment, **({"GYRE_TOKEN": token} if token else {})}
    done = subprocess.run([gyre, *words], env=environment, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


# Set by an administrator, seen by nobody; a pipeline whose secret is not there fails and says so.
body = {"package": open(package).read(), "reason": "secrets"}


def wait(run):
    deadline = time.time() + 180
    while (state := people.api("GET", f"/pipeline-runs/{run}"))["state"].lower() not in ("succeeded", "failed", "canceled"):
        assert time.time() < deadline, state
        time.sleep(0.2)
    return state


assert server.request("POST", "/api/gyre/v1/pipeline-runs", body, bearer(writer))[0] == 403, "running code takes a role of its own"
early = wait(people.api("POST", "/pipeline-runs", body, token=runner)["id"])
assert early["state"].lower() == "failed" and 'no secret \\"warehouse\\"' in json.dumps(early), early
cli("secret", "set", "warehouse", text="\n".join(PLANTED[:2]) + "\n")
assert "permission" in cli("secret", "set", "warehouse", token=runner, text="mine\n", status=1)
assert "warehouse" in cli("secret", "list")
run = wait(people.api("POST", "/pipeline-runs", body, token=runner)["id"])
assert run["state"].lower() == "succeeded", (run, people.api("GET", f"/pipeline-runs/{run['id']}/logs?task=use"))
task = run["tasks"][0]
told = json.loads(next(iter(task["outputs"]["parameters"].values())))
assert told["length"] == len("\n".join(PLANTED[:2])), told
# The task tracked as itself, and moved nothing that is live.
facts = people.api("GET", f"/ledger?ref=run/{told['run']}&limit=100")["facts"]
assert {fact["actor"] for fact in facts if fact["kind"].startswith("tracking.run")} == {f"task/{run['id']}"}, facts
assert "PERMISSION_DENIED" in told["moved"], told
log = people.api("GET", f"/pipeline-runs/{run['id']}/logs?task=use")
text = json.dumps(log)
assert "the secret is ********" in text and not any(word in text for word in PLANTED), text
assert "my token is ********" in text and "gyre_" not in text.replace("gyre_home", ""), text
variables = next(json.load(open(f"{path}/{name}")) for path, _, names in os.walk(f"{server.home}/tasks/{run['id']}") for name in names
                 if name == "report")
assert "MAY_BE_SEEN" in variables["names"] and "AWS_SECRET_ACCESS_KEY" not in variables["names"] and "DATABASE_URL" not in variables["names"]
assert not any(word in str(variables["values"]) for word in PLANTED)
# The token of a task ends with its run.
assert server.request("GET", "/api/gyre/v1/whoami", None, bearer("gyre_" + "t" * 32))[0] == 401

# Planted words stand in no file of the home, no answer of the server, no list of processes.
for path in ["/metrics", "/api/gyre/v1/ledger?limit=1000", "/api/gyre/v1/secrets", "/api/gyre/v1/pipeline-runs", f"/api/gyre/v1/pipeline-runs/{run['id']}",
             "/api/gyre/v1/doctor", f"/pipelines/{run['id']}", "/ledger", "/access", "/api/gyre/v1/openapi.json", "/api/gyre/v1/refusals"]:
    status, content, _ = server.exchange("GET", path, None, bearer(people.root))
    assert status == 200 and not any(word.encode() in content for word in PLANTED + [people.root]), (path, status)
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        command = open(f"/proc/{process}/cmdline").read()
    except OSError:
        continue  # it has ended meanwhile
    assert not any(word in command for word in PLANTED + [people.root]), command
server.stop()
secrets = [word.encode() for word in PLANTED + [people.root, runner, writer]]
for folder, _, names in os.walk(server.home):
    for name in names:
        content = open(f"{folder}/{name}", "rb").read()
        assert not any(word in content for word in secrets), f"{folder}/{name} holds a secret"
content = open(server.home + ".log").read().replace(people.root, "")
assert not any(word in content for word in PLANTED)
for name in ["secrets.key", "ledger.key"]:
    assert os.stat(f"{server.home}/{name}").st_mode & 0o077 == 0, name

# Another key opens nothing, and says so; a key that others may read is not used.
os.rename(f"{server.home}/secrets.key", f"{work}/secrets.key")
server.start()
broken = wait(people.api("POST", "/pipeline-runs", body, token=runner)["id"])
assert broken["state"].lower() == "failed" and "cannot be opened" in json.dumps(broken), broken
os.chmod(f"{server.home}/secrets.key", 0o644)
assert "chmod 600" in cli("secret", "set", "other", text="x\n", status=1)
server.stop()
