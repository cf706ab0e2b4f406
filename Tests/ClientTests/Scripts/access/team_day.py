# SPDX-License-Identifier: Apache-2.0
"""Two people with different roles work a day through real clients, each sees what they may, and an auditor proves who promoted what."""
import json
import os
import subprocess
import sys

work, gyre = sys.argv[2], sys.argv[1]
os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "false"
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
import mlflow
import numpy
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.server.auth.client import AuthServiceClient
from sklearn.linear_model import LinearRegression

from people import People, bearer

people = People(gyre, work, options=["--trust-models", "--model-environment", "shared"])
server, url = people.server, people.url


def cli(*words, token=None, status=0, text=None):
    """The command line, as whoever has the token."""
    environment = {**server.environment, **({"GYRE_TOKEN": token} if token else {})}
    done = subprocess.run([gyre, *words], env=environment, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def refused(call, *words):
    try:
        call()
    except MlflowException as error:
        assert all(word in str(error) for word in words), error
        return
    raise AssertionError(f"it was let in: {words}")


# The administrator makes the people, by the command line of the machine and by its token.
cli("user", "create", "ann", "--role", "writer", "--password", text="ann's long password\n")
cli("user", "create", "bob", "--role", "operator", "--password", text="bob's long password\n")
cli("user", "create", "cleo", "--role", "operator", "--password", text="cleo's long password\n", token=people.root)
assert "12 to 1024 bytes" in cli("user", "create", "dan", "--password", text="short\n", status=64)
assert "already" in cli("user", "create", "ann", status=4)
ann = cli("token", "create", "laptop", "--owner", "ann", "--days", "30").strip().split("\n")[0]
assert ann.startswith("gyre_"), ann

# mlflow by a token: a writer logs and registers, and moves nothing that is live.
mlflow.set_tracking_uri(url)
os.environ["MLFLOW_TRACKING_TOKEN"] = ann
mlflow.set_experiment("churn")
rows = numpy.arange(20.0).reshape(10, 2)
with mlflow.start_run() as run:
    mlflow.log_metric("auc", 0.9)
    mlflow.log_text("hello", "notes.txt")
    mlflow.sklearn.log_model(LinearRegression().fit(rows, rows.sum(1)), name="model", registered_model_name="churn", input_example=rows[:2])
client = MlflowClient()
assert client.get_run(run.info.run_id).info.user_id != "", run.info
refused(lambda: client.set_registered_model_alias("churn", "champion", "1"), "PERMISSION_DENIED", "operate")
os.environ["MLFLOW_TRACKING_TOKEN"] = "gyre_" + "x" * 32
refused(lambda: client.search_experiments(), "UNAUTHENTICATED")
del os.environ["MLFLOW_TRACKING_TOKEN"]
refused(lambda: client.search_experiments(), "UNAUTHENTICATED", "Nobody is signed in")

# By a name and a password, as mlflow has them.
os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"] = "bob", "wrong password!"
refused(lambda: client.search_experiments(), "UNAUTHENTICATED", "name or the password")
os.environ["MLFLOW_TRACKING_PASSWORD"] = "bob's long password"
assert {e.name for e in client.search_experiments()} >= {"churn", "Default"}
client.set_registered_model_alias("churn", "champion", "1")
assert client.get_model_version_by_alias("churn", "champion").version in (1, "1")
# What runs code in Python takes a role of its own.
found, answer = server.request("POST", "/api/gyre/v1/endpoints/churn/deploy", {"model": "churn", "version": "champion", "reason": "first"},
                               {"Authorization": "Basic " + __import__("base64").b64encode(b"bob:bob's long password").decode()})
bob = cli("token", "create", "shell", "--owner", "bob").strip().split("\n")[0]
cleo = cli("token", "create", "shell", "--owner", "cleo").strip().split("\n")[0]
if found != 200:
    assert found == 403 and "run code" in str(answer), (found, answer)
    cli("role", "give", "bob", "runner")
    cli("endpoint", "deploy", "churn", "--model", "churn", "--version", "champion", "--reason", "first", token=bob)

# Four eyes: who asks does not agree.
cli("approval", "require", "alias", "--on", "model/churn")
with mlflow.start_run():
    pass
os.environ.pop("MLFLOW_TRACKING_USERNAME"), os.environ.pop("MLFLOW_TRACKING_PASSWORD")
os.environ["MLFLOW_TRACKING_TOKEN"] = ann
with mlflow.start_run(experiment_id=run.info.experiment_id):
    mlflow.sklearn.log_model(LinearRegression().fit(rows, rows.sum(1) + 1), name="model", registered_model_name="churn", input_example=rows[:2])
os.environ["MLFLOW_TRACKING_TOKEN"] = bob
refused(lambda: client.set_registered_model_alias("churn", "champion", "2"), "waits for the approval 1")
assert client.get_model_version_by_alias("churn", "champion").version in (1, "1")
assert "does not approve it" in cli("approve", "1", "--reason", "mine", token=bob, status=1)
assert "permission" in cli("approve", "1", "--reason", "mine", token=ann, status=1)
assert "approved" in cli("approve", "1", "--reason", "the figures are better", token=cleo)
assert client.get_model_version_by_alias("churn", "champion").version in (2, "2")
assert "waits no longer" in cli("approve", "1", "--reason", "again", token=cleo, status=4)
refused(lambda: client.set_registered_model_alias("churn", "champion", "1"), "waits for the approval 2")
assert "rejected" in cli("reject", "2", "--reason", "no", token=cleo)
assert client.get_model_version_by_alias("churn", "champion").version in (2, "2")
facts = people.api("GET", "/ledger?kind=registry.alias.set")["facts"]
moved = next(f for f in facts if f["body"].get("caller", {}).get("approval") == "approval/1")
assert moved["actor"] == "user/bob", moved

# The auditor: a reader with a token that only reads, and a script that knows nothing of Gyre.
eve = people.account("eve", "reader")
narrow = people.token("user/eve", "audit", scope=["read"], lifetime_seconds=3600)
assert server.request("POST", "/v2/models/churn/infer", {}, bearer(narrow))[0] == 403
key = cli("ledger", "key", token=narrow).strip()
proof = cli("ledger", "prove", str(moved["seq"]), token=narrow)
open(f"{work}/proof.json", "w").write(proof)
root = __file__.split("/Tests/")[0]


def check(path, key):
    return subprocess.run([sys.executable, f"{root}/Docs/formats/check_proof.py", path, key], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


told = check(f"{work}/proof.json", key)
assert told.returncode == 0 and "user/bob registry.alias.set model/churn" in told.stdout, told.stdout
for member, change in [("canonical", lambda text: text.replace("user/bob", "user/ann")), ("size", lambda size: size + 1),
                       ("path", lambda path: path[:-1]), ("path", lambda path: path[::-1] + ["00" * 32]),
                       ("checkpoint", lambda note: note.replace("\nat 2", "\nat 1"))]:
    changed = json.loads(proof)
    changed[member] = change(changed[member])
    open(f"{work}/changed.json", "w").write(json.dumps(changed))
    assert check(f"{work}/changed.json", key).returncode != 0, member
assert check(f"{work}/proof.json", key[:-6] + "AAAAA=").returncode != 0
for seq in range(1, people.head() + 1, 7):
    open(f"{work}/proof.json", "w").write(cli("ledger", "prove", str(seq)))
    assert check(f"{work}/proof.json", key).returncode == 0, seq

# A thing of another workspace is not found, by nobody who has no business there.
cli("workspace", "create", "fraud", "--runs", "2", "--requests-per-second", "500", "--description", "cards")
cli("role", "give", "cleo", "writer", "--workspace", "fraud")
assert "no workspace" in cli("run", "list", "--workspace", "fraud", token=ann, status=3)
os.environ["MLFLOW_TRACKING_TOKEN"] = cleo
there = MlflowClient(f"{url}/workspaces/fraud")
assert [e.name for e in there.search_experiments()] == ["Default"]
secret = there.create_run("0")
refused(lambda: client.get_run(secret.info.run_id), "RESOURCE_DOES_NOT_EXIST")
assert there.search_registered_models() == []
os.environ["MLFLOW_WORKSPACE"] = "fraud"
there.create_run("0")
refused(lambda: there.create_run("0"), "2 runs")
del os.environ["MLFLOW_WORKSPACE"]
os.environ["MLFLOW_TRACKING_TOKEN"] = ann
refused(lambda: there.search_experiments(), "no workspace")
assert people.head("fraud") < people.head()

# Somebody who may do something with one experiment alone sees nothing else.
one = people.account("guest", "writer", on=f"experiment/{run.info.experiment_id}")
people.give("user/guest", "reader", on="model/churn")
os.environ["MLFLOW_TRACKING_TOKEN"] = one
assert [e.name for e in client.search_experiments()] == ["churn"]
assert {r.info.run_id for r in client.search_runs([run.info.experiment_id, "0"])} >= {run.info.run_id}
assert client.search_runs(["0"]) == []
client.log_metric(run.info.run_id, "guest", 1.0)
assert client.get_run(run.info.run_id).data.metrics["guest"] == 1
other = people.api("GET", "/runs?experiment=Default")["runs"]
refused(lambda: client.get_experiment("0"), "RESOURCE_DOES_NOT_EXIST")
refused(lambda: client.create_experiment("mine"), "PERMISSION_DENIED")
assert open(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="notes.txt")).read() == "hello"
status, _ = server.request("GET", f"/api/2.0/mlflow-artifacts/artifacts/0/x/artifacts/y", None, bearer(one))
assert status == 404, status
# Two values for one parameter: what the check looks at is what the call is about.
both = {"run_id": run.info.run_id, "run_uuid": other[0]["run_id"] if other else "0" * 32, "key": "k", "value": "v"}
assert server.request("POST", f"/api/2.0/mlflow/runs/set-tag?run_id={other[0]['run_id'] if other else '0' * 32}", both, bearer(one))[0] == 404
assert client.get_model_version("churn", "1").name == "churn"
refused(lambda: client.update_registered_model("churn", "no"), "PERMISSION_DENIED")
assert [m.name for m in client.search_registered_models()] == ["churn"]

# mlflow's own client of identities, as an administrator and as somebody else.
os.environ["MLFLOW_TRACKING_TOKEN"] = people.root
auth = AuthServiceClient(url)
made = auth.create_user("frank", "frank's long password")
assert (made.username, made.is_admin) == ("frank", False)
assert auth.get_user("frank").id == made.id
auth.grant_user_permission("frank", "experiment", run.info.experiment_id, "READ")
assert auth.get_user_permission("frank", "experiment", run.info.experiment_id).permission == "READ"
auth.update_user_admin("frank", True)
assert auth.get_user("frank").is_admin
auth.update_user_admin("frank", False)
del os.environ["MLFLOW_TRACKING_TOKEN"]
os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"] = "frank", "frank's long password"
assert [e.name for e in client.search_experiments()] == ["churn"]
refused(lambda: auth.create_user("gina", "gina's long password"), "PERMISSION_DENIED")
auth.update_user_password("frank", "frank's other password")
refused(lambda: client.search_experiments(), "UNAUTHENTICATED")
os.environ["MLFLOW_TRACKING_PASSWORD"] = "frank's other password"
client.search_experiments()
del os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]
os.environ["MLFLOW_TRACKING_TOKEN"] = people.root
auth.revoke_user_permission("frank", "experiment", run.info.experiment_id)
auth.delete_user("frank")
refused(lambda: auth.get_user("frank"), "RESOURCE_DOES_NOT_EXIST")

# Tokens end, are revoked, and do not outgrow themselves; accounts are disabled.
brief = people.token("user/ann", "brief", lifetime_seconds=1)
__import__("time").sleep(1.2)
assert server.request("GET", "/api/gyre/v1/runs", None, bearer(brief))[0] == 401
scoped = people.token("user/ann", "scoped", scope=["read"])
assert server.request("POST", "/api/gyre/v1/tokens", {"name": "more"}, bearer(scoped))[0] == 403
assert server.request("POST", "/api/gyre/v1/tokens", {"name": "theirs", "owner": "user/bob"}, bearer(ann))[0] == 403
assert "revoked" in cli("token", "revoke", "scoped", token=ann)
assert server.request("GET", "/api/gyre/v1/runs", None, bearer(scoped))[0] == 401
cli("user", "set", "bob", "--disable")
assert server.request("GET", "/api/gyre/v1/runs", None, bearer(bob))[0] == 401
cli("user", "set", "bob", "--enable")
assert "only administrator" in cli("user", "set", "admin", "--no-administrator", status=4)
limited = people.token("user/ann", "limited", requests_per_second=5)
answers = [server.exchange("GET", "/api/gyre/v1/runs", None, bearer(limited)) for _ in range(30)]
assert {a[0] for a in answers} == {200, 429}, {a[0] for a in answers}
assert any(a[2].get("retry-after") for a in answers if a[0] == 429)

# What the ledger says of people beside their names is sealed, opened for administrators, and erased without breaking the chain.
fact = next(f for f in people.api("GET", "/ledger?kind=registry.alias.set")["facts"] if "approval" not in f["body"]["caller"])
seq = fact["seq"]
assert isinstance(fact["body"]["caller"]["personal"], str) and "127.0.0.1" not in json.dumps(fact), fact
assert people.api("GET", f"/ledger/facts/{seq}")["personal"]["address"] == "127.0.0.1"
assert "127.0.0.1" in cli("ledger", "show", str(seq))
assert "permission" in cli("ledger", "show", str(seq), token=ann, status=1)
assert "cannot be had back" in cli("user", "erase", "bob", status=64)
cli("user", "erase", "bob", "--yes")
assert people.api("GET", f"/ledger/facts/{seq}")["personal"] is None
assert "intact" in cli("ledger", "verify")

# Who may do what survives a kill.
cli("role", "give", "ann", "operator")
server.kill()
server.start()
assert "operate" in people.api("GET", "/whoami", token=ann)["permissions"]
assert "intact" in cli("ledger", "verify")
server.stop()
assert "signed states fit" in cli("ledger", "verify")

# A start without --auth still asks, since there are users; only --no-auth does not.
server.options = []
server.start()
assert server.request("GET", "/api/gyre/v1/runs")[0] == 401
server.stop()
server.options = ["--no-auth"]
server.start()
assert server.request("GET", "/api/gyre/v1/runs")[0] == 200
server.stop()
