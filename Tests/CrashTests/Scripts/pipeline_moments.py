# SPDX-License-Identifier: Apache-2.0
"""Kills the real server at every moment of the pipeline engine, one after the other; the run goes on, and nothing that ended runs twice."""
import http.client
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../ClientTests/Scripts/harness"))
from server import Server

work = os.path.realpath(sys.argv[2])
server = Server(sys.argv[1], work).start()
server.stop()


def package(mark):
    """One task, two beside each other after it, and one after both; each says when it begins and when it is done."""
    executors, components, tasks = {}, {}, {}
    for name, before in {"first": [], "left": ["first"], "right": ["first"], "last": ["left", "right"]}.items():
        script = f"echo begun >> {mark}.{name}; sleep 0.1; mkdir -p $(dirname $0); echo {name} > $0; echo done >> {mark}.{name}"
        executors[f"exec-{name}"] = {"container": {"image": "alpine", "command": ["sh", "-c", script, "{{$.outputs.artifacts['made'].path}}"]}}
        components[f"comp-{name}"] = {
            "executorLabel": f"exec-{name}",
            "outputDefinitions": {"artifacts": {"made": {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}}}}
        tasks[name] = {"componentRef": {"name": f"comp-{name}"}, "dependentTasks": before, "taskInfo": {"name": name}}
    return json.dumps({
        "pipelineInfo": {"name": "moments"}, "deploymentSpec": {"executors": executors}, "components": components,
        "root": {"dag": {"tasks": tasks}}, "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.17.0"})


def has_ended():
    """Whether the run has ended, or the server has."""
    try:
        return server.process.poll() is not None or all(run["ended_at"] for run in server.api("GET", "/pipeline-runs")["runs"])
    except (OSError, http.client.HTTPException):
        return False


def left_behind(mark):
    """Processes whose command has the mark."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark in open(f"/proc/{number}/cmdline", errors="replace").read():
                found.append(number)
        except OSError:
            pass  # it has ended meanwhile
    return found


def count(path, word):
    return open(path).read().split().count(word) if os.path.exists(path) else 0


seen, moment = set(), 0
while True:
    moment += 1
    mark = f"{work}/mark{moment}"
    server.environment["GYRE_CRASH_AFTER_MOMENTS"] = str(moment)
    server.start()
    try:
        server.request("POST", "/api/gyre/v1/pipeline-runs", {"package": package(mark)})
    except (OSError, http.client.HTTPException):
        pass  # killed before it could answer
    deadline = time.time() + 120
    while not has_ended():
        assert time.time() < deadline, "the run neither ends nor is the server killed"
        time.sleep(0.05)
    time.sleep(0.1)
    was_killed = server.process.poll() is not None
    if not was_killed:
        server.stop()
    else:
        server.process.wait()
        seen |= set(re.findall("killed at: (.*)", open(server.home + ".log").read()))
    del server.environment["GYRE_CRASH_AFTER_MOMENTS"]
    server.start()
    runs = server.api("GET", "/pipeline-runs")["runs"]
    assert len(runs) == moment, (len(runs), moment, "a run was lost, or one was begun twice")
    while not runs[0]["ended_at"]:
        assert time.time() < deadline + 120, ("the run is stuck", server.api("GET", f"/pipeline-runs/{runs[0]['id']}"))
        time.sleep(0.05)
        runs = server.api("GET", "/pipeline-runs")["runs"]
    run = server.api("GET", f"/pipeline-runs/{runs[0]['id']}")
    assert run["state"] == "SUCCEEDED", (moment, run)
    for task in run["tasks"]:
        done = count(f"{mark}.{task['path']}", "done")
        # One that was done and not yet kept as ended is made again; one that was kept never is.
        assert 1 <= done <= 2 and task["attempts"] <= 2, (moment, task, done)
    facts = [f for f in server.api("GET", "/ledger?limit=1000")["facts"] if f["kind"] == "pipelines.task.succeeded" and run["id"] in f["subject"]]
    assert sorted(f["subject"].split("/")[-1] for f in facts) == ["first", "last", "left", "right"], facts
    assert not left_behind(mark), "processes are left of a killed server"
    server.stop()
    if not was_killed:
        break
assert len(seen) == 5, seen
print(f"{moment - 1} kills, at {sorted(seen)}: every run ended well")
