# SPDX-License-Identifier: Apache-2.0
"""The pipeline commands through a day: looked at, registered, run, followed, explained, run again from a task, scheduled, filled in, removed."""
import json
import os
import subprocess
import sys
import time

from server import Server

work = os.path.realpath(sys.argv[2])
server = Server(sys.argv[1], work)
# Whether or not there is something that makes containers.
server.environment["GYRE_TASK_EXECUTOR"] = "process"
server.start()


def package(**scripts):
    """Shell tasks, each after the one before it."""
    executors, components, tasks, before = {}, {}, {}, None
    for name, script in scripts.items():
        executors[f"exec-{name}"] = {"container": {"image": "alpine", "command": ["sh", "-c", script], "args": ["{{$.inputs.parameters['word']}}"]}}
        components[f"comp-{name}"] = {"executorLabel": f"exec-{name}", "inputDefinitions": {"parameters": {"word": {"parameterType": "STRING"}}}}
        tasks[name] = {
            "componentRef": {"name": f"comp-{name}"}, "dependentTasks": [before] if before else [], "cachingOptions": {"enableCache": True},
            "inputs": {"parameters": {"word": {"componentInputParameter": "word"}}}}
        before = name
    path = f"{work}/{'-'.join(scripts)}.yaml"
    json.dump({
        "pipelineInfo": {"name": "words"}, "deploymentSpec": {"executors": executors}, "components": components,
        "root": {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": {"word": {"parameterType": "STRING", "defaultValue": "hello"}}}},
        "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.17.0"}, open(path, "w"))
    return path


def told(*words, status=0):
    """What a command prints for programs."""
    answer = server.run("pipeline", *words, "--format", "json", status=status)
    return json.loads(answer.stdout) if answer.stdout else answer.stderr


def says(*words):
    answer = server.run("pipeline", *words)
    return answer.stdout + answer.stderr


def fails(*words):
    """What a command says that ends in an error."""
    answer = subprocess.run([sys.argv[1], "pipeline", *words], env=server.environment, capture_output=True, text=True)
    assert answer.returncode != 0 and "error: " in answer.stderr, (words, answer)
    return answer.stderr


# --- looked at before anything runs
two = package(say="echo one $0", again="echo two $0; sleep 0.2; echo three")
outline = told("lint", two)
assert [t["path"] for t in outline["tasks"]] == ["say", "again"] and outline["tasks"][1]["upstream"] == ["say"], outline
assert "can be run here" in says("lint", two) and not told("list")["runs"]
open(f"{work}/bad.yaml", "w").write(open(two).read().replace("alpine", "nginx"))
assert 'image "nginx"' in fails("lint", f"{work}/bad.yaml")
assert "word" in fails("run", two, "-p", "wrd=x")

# --- run, followed and explained
run = told("run", two, "-p", "word=now", "--name", "first of all")
assert run["state"] == "SUCCEEDED" and run["name"] == "first of all", run
assert says("logs", run["id"][:8], "again") == "two now\nthree\n"
page = server.api("GET", f"/pipeline-runs/{run['id']}?limit=1")
assert [t["path"] for t in page["tasks"]] == ["again"] and page["next_task"] == "again", page
page = server.api("GET", f"/pipeline-runs/{run['id']}?limit=1&after=again")
assert [t["path"] for t in page["tasks"]] == ["say"] and page["next_task"] is None, page
assert "never ran before" in says("explain", run["id"], "say")
told("run", two, "-p", "word=now")
again = told("list", "--limit", "1")["runs"][0]
assert "same code, environment and inputs" in says("explain", again["id"], "say")
told("run", two, "-p", "word=then")
assert "changed since the last run: parameter word" in says("explain", told("list", "--limit", "1")["runs"][0]["id"], "say")
assert "Did you mean" in fails("explain", run["id"], "sya") or "say" in fails("explain", run["id"], "sya")

# --- followed while it runs
slow = package(talk="for i in 1 2 3 4; do echo line $i; sleep 0.3; done")
id = told("run", slow, "--detach")["id"]
follower = subprocess.run([sys.argv[1], "pipeline", "logs", id, "talk", "--follow"], env=server.environment, capture_output=True, text=True)
assert follower.stdout == "line 1\nline 2\nline 3\nline 4\n", follower
gate = f"{work}/gate"
waits = package(wait=f"while [ ! -e {gate} ]; do sleep 0.1; done", after="echo $0")
id = told("run", waits, "--detach")["id"]
while "WAITING" not in says("explain", id):
    time.sleep(0.1)
assert "for wait" in says("explain", id, "after"), says("explain", id)
open(gate, "w").close()
while told("show", id)["state"] == "RUNNING":
    time.sleep(0.1)

# --- what failed goes on from where it failed, and what went well from where it is wanted
mark = f"{work}/mark"
flaky = package(good=f"echo good >> {mark}; echo $0", bad=f"test -e {mark}.there")
failed = told("run", flaky, "--no-cache", status=1)
assert failed["state"] == "FAILED" and [r["id"] for r in told("list", "--state", "failed")["runs"]] == [failed["id"]]
open(mark + ".there", "w").close()
assert told("retry", failed["id"])["state"] == "SUCCEEDED" and open(mark).read() == "good\n"
assert "It succeeded" in fails("retry", failed["id"])
assert told("retry", failed["id"], "--from", "good")["state"] == "SUCCEEDED" and open(mark).read() == "good\ngood\n"
assert "no task" in fails("retry", failed["id"], "--from", "god")

# --- stopped
sleeper = package(sleep="sleep 600")
id = told("run", sleeper, "--detach")["id"]
assert told("cancel", id)["state"] == "CANCELED"
assert "ended already" in fails("cancel", id)

# --- lists, page by page
all_runs = told("list")
assert all_runs["total"] == 7 and all_runs["next"] is None, all_runs["total"]
seen, after = [], None
while True:
    page = server.api("GET", "/pipeline-runs?limit=3" + (f"&after={after}" if after else ""))
    seen += [r["id"] for r in page["runs"]]
    after = page["next"]
    if not after:
        break
assert seen == [r["id"] for r in all_runs["runs"]]
told("archive", id)
assert told("list")["total"] == 6 and told("list", "--archived")["total"] == 7
told("archive", id, "--undo")
assert told("rm", id)["removed"] == f"pipeline-run/{id}"
assert "No pipeline run" in fails("show", id)

# --- registered, and run by a schedule
assert told("register", "greeting", two)["name"] == "1" and told("register", "greeting", slow, "--version", "slow")["name"] == "slow"
assert "already" in fails("register", "greeting", two, "--version", "slow")
assert [v["name"] for v in told("registered")["pipelines"][0]["versions"]] == ["slow", "1"]
planned = told("schedule", "create", "often", "--pipeline", "greeting", "--pipeline-version", "1", "--every", "1", "--dry-run")
assert not told("schedule", "list")["schedules"] and len(planned["next"]) == 5
often = told("schedule", "create", "often", "--pipeline", "greeting", "--pipeline-version", "1", "--every", "1", "--most-running", "5")
deadline = time.time() + 60
while told("schedule", "show", "often")["started"] < 2:
    assert time.time() < deadline, "the schedule starts nothing"
    time.sleep(0.2)
assert "paused" in says("schedule", "pause", "often")
nightly = told("schedule", "create", "nightly", two, "--cron", "30 2 * * *", "--zone", "Europe/Berlin", "-p", "word=night")
assert time.gmtime(nightly["next"][0] / 1e6).tm_min == 30
assert "paused" in says("schedule", "list") and "30 2 * * * (Europe/Berlin)" in says("schedule", "list")
for wrong in [["--cron", "99 * * * *"], ["--every", "0"], ["--cron", "* * * * *", "--zone", "Mars"], ["--cron", "0 0 31 2 *"]]:
    fails("schedule", "create", "wrong", two, *wrong)
assert len(told("backfill", "nightly", "--from", "2026-01-01", "--to", "2026-01-05", "--dry-run")["times"]) == 4
told("schedule", "pause", "nightly")

# --- by what happens: when somebody calls, and when a run of another has ended
open(f"{work}/called.yaml", "w").write(open(two).read().replace('"words"', '"called"'))
called = told("schedule", "create", "hook", f"{work}/called.yaml", "--on-call", "-p", "word=hook")
assert called["on_call"] and not called["next"] and "when it is called" in says("schedule", "list")
follows = told("schedule", "create", "follower", two, "--on-pipeline", "called", "--most-running", "5", "-p", "word=[[Run]]")
first = told("schedule", "call", "hook", "-p", "word=now")
deadline = time.time() + 60
while told("schedule", "show", "follower")["started"] < 1:
    assert time.time() < deadline, "the end of a run starts nothing"
    time.sleep(0.2)
after = told("list", "--schedule", "follower")["runs"][0]
assert after["parameters"]["word"] == "pipeline-run/" + first["id"] and first["id"] in after["reason"], after
for name in ("hook", "follower"):
    told("schedule", "rm", name)
both = subprocess.run([sys.argv[1], "pipeline", "schedule", "create", "both", two, "--on-call", "--every", "5"], env=server.environment, capture_output=True, text=True)
assert both.returncode != 0 and "Say one of" in both.stderr, both

# --- held back, let go on, passed over, stopped; what so many hold at the same time
open(f"{work}/workflow.yaml", "w").write("""
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: held-}
spec:
  entrypoint: main
  onExit: bye
  templates:
  - name: main
    steps: [[{name: ask, template: ask}], [{name: work, template: work}], [{name: last, template: work}]]
  - {name: ask, suspend: {}}
  - {name: work, synchronization: {semaphore: {database: {key: desk}}}, script: {image: alpine, command: [sh], source: "sleep 1; echo {{workflow.name}}"}}
  - {name: bye, script: {image: alpine, command: [sh], source: "echo bye {{workflow.status}}"}}
""")
assert "1 tasks hold desk" in says("limit", "set", "desk", "1")
assert told("lint", f"{work}/workflow.yaml")["tasks"][0]["path"] == "main"


def waits(id, path, state, seconds=30):
    end = time.time() + seconds
    while True:
        found = {t["path"]: t for t in told("show", id)["tasks"]}
        if path in found and found[path]["state"] == state:
            return found[path]
        assert time.time() < end, (path, state, found)
        time.sleep(0.1)


held = told("run", f"{work}/workflow.yaml", "--detach")["id"]
waits(held, "main/ask", "RUNNING")
says("pause", held)
says("skip", held, "main/ask", "--reason", "nobody is asked")
assert "nobody is asked" in waits(held, "main/ask", "SUCCEEDED")["message"]
time.sleep(1.5)
assert not any(t["path"] == "main/work" and t["started_at"] for t in told("show", held)["tasks"]), "it was begun while it was paused"
assert told("limit", "list")["limits"][0]["holders"] == [f"{held}/main/work"]
says("resume", held)
waits(held, "main/work", "SUCCEEDED")
says("stop", held, "--message", "enough")
assert waits(held, "onExit", "SUCCEEDED")["outputs"]["parameters"]["standard output"] == "bye Failed"
assert told("show", held)["message"] == "enough"
assert "ended already" in fails("pause", held)
says("limit", "rm", "desk")
assert not told("limit", "list")["limits"]

assert len(told("backfill", "nightly", "--from", "2026-01-01", "--to", "2026-01-03T12:00:00Z")["times"]) == 3
deadline = time.time() + 60
while told("list", "--schedule", "nightly")["total"] < 3 or told("list", "--schedule", "nightly", "--state", "running")["total"]:
    assert time.time() < deadline, "nothing is filled in"
    time.sleep(0.2)
assert not told("backfill", "nightly", "--from", "2026-01-01", "--to", "2026-01-03T12:00:00Z")["times"], "what has a run is left out"
for name in ["often", "nightly"]:
    told("schedule", "rm", name)
assert "There is no schedule" in fails("schedule", "show", "often")
told("unregister", "greeting")
assert server.api("GET", "/ledger/verify")["intact"]
server.stop()
print("pipeline commands: all done")
