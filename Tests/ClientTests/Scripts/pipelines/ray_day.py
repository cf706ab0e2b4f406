# SPDX-License-Identifier: Apache-2.0
"""Tasks as jobs of a real Ray cluster: what comes out, failures, logs that stay, a stop, a kill of the server, a second node, a head that dies.

As ray_day.py GYRE FOLDER PYTHON: a Python with `ray[default]`.
"""
import json
import os
import subprocess
import sys
import time
import urllib.request

from kfp import compiler, dsl
from ports import free_port
from server import Server

work, python = os.path.realpath(sys.argv[2]), sys.argv[3]
ray, dashboard, head = f"{os.path.dirname(python)}/ray", free_port(), free_port()
clean = {**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, "RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}
# Sockets of Ray do not fit below a long path.
place = f"/tmp/gyre-ray-{os.getpid()}"


def start_head():
    done = subprocess.run(
        [ray, "start", "--head", "--num-cpus", "2", "--port", str(head), "--dashboard-port", str(dashboard), "--ray-client-server-port", str(free_port()),
         "--dashboard-agent-listen-port", str(free_port()), "--min-worker-port", "0", "--max-worker-port", "0", "--temp-dir", place,
         "--disable-usage-stats", "--object-store-memory", "100000000"], env=clean, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    until(lambda: jobs() is not None, 300)


def jobs():
    try:
        return json.loads(urllib.request.urlopen(f"http://127.0.0.1:{dashboard}/api/jobs/", timeout=30).read())
    except OSError:
        return None


def until(what, seconds=180):
    end = time.time() + seconds
    while time.time() < end:
        found = what()
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError("it did not come to pass")


@dsl.component(base_image="python:3.11")
def add(a: float, b: float) -> float:
    print("adding", a, "and", b)
    return a + b


@dsl.component(base_image="python:3.11")
def count(rows: dsl.Input[dsl.Dataset], out: dsl.Output[dsl.Dataset]) -> int:
    lines = open(rows.path).read().split()
    open(out.path, "w").write("\n".join(sorted(lines)))
    return len(lines)


@dsl.component(base_image="python:3.11")
def write(rows: dsl.Output[dsl.Dataset]):
    open(rows.path, "w").write("b\na\nc\n")


@dsl.pipeline(name="sums")
def sums(a: float = 1.0) -> float:
    first = add(a=a, b=2.0)
    rows = write()
    count(rows=rows.outputs["rows"])
    return add(a=first.output, b=4.0).output


def shell(name, script, retries=0):
    task = {"componentRef": {"name": "comp-one"}}
    if retries:
        task["retryPolicy"] = {"maxRetryCount": retries, "backoffDuration": "0s"}
    path = f"{work}/{name}.yaml"
    json.dump({
        "pipelineInfo": {"name": name}, "components": {"comp-one": {"executorLabel": "exec-one"}},
        "deploymentSpec": {"executors": {"exec-one": {"container": {"image": "alpine", "command": ["sh", "-c", script]}}}},
        "root": {"dag": {"tasks": {"one": task}}}, "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.17.0"}, open(path, "w"))
    return path


def told(*words, status=0):
    answer = server.run("pipeline", *words, "--format", "json", status=status)
    return json.loads(answer.stdout) if answer.stdout else answer.stderr


def running(id):
    return until(lambda: [t for t in told("show", id)["tasks"] if t["state"] == "RUNNING"])


def ended(id):
    return until(lambda: (lambda run: run if run["ended_at"] else None)(told("show", id)))


try:
    start_head()
    server = Server(sys.argv[1], work)
    server.environment |= {"GYRE_TASK_EXECUTOR": "ray", "GYRE_RAY": f"http://127.0.0.1:{dashboard}"}
    server.start()

    # Python components and artifacts, as by processes.
    compiler.Compiler().compile(sums, f"{work}/sums.yaml")
    run = told("run", f"{work}/sums.yaml", "-p", "a=3")
    assert run["state"] == "SUCCEEDED" and run["outputs"]["parameters"]["Output"] == 9.0, run
    tasks = {t["path"]: t for t in told("show", run["id"])["tasks"]}
    assert all(t["executor"] == "ray" for t in tasks.values()) and tasks["count"]["outputs"]["parameters"]["Output"] == 3, tasks
    assert "adding 3.0 and 2.0" in server.run("pipeline", "logs", run["id"], "add").stdout
    assert len(jobs()) == 4 and {j["status"] for j in jobs()} == {"SUCCEEDED"}
    # What was run by Ray is what a process gives: the cache does not ask where.
    assert all(t["cache_hit"] for t in told("show", told("run", f"{work}/sums.yaml", "-p", "a=3")["id"])["tasks"])

    # A failure tells its exit status; retries are other jobs.
    bad = ended(told("run", shell("bad", "echo before; exit 7", retries=1), "--detach")["id"])
    one = told("show", bad["id"])["tasks"][0]
    assert bad["state"] == "FAILED" and one["attempts"] == 2 and one["exit_status"] == 7 and "before" in one["message"], one

    # Stopped: the job is, too. Killed: the job that was left is stopped, and the task is run again.
    long = told("run", shell("long", f"echo begun; sleep 600"), "--detach")["id"]
    running(long)
    told("cancel", long)
    assert ended(long)["state"] == "CANCELED"
    until(lambda: not [j for j in jobs() if j["status"] in ("RUNNING", "PENDING")])
    mark = f"{work}/mark"
    again = told("run", shell("again", f"test -e {mark} || {{ touch {mark}; sleep 600; }}"), "--detach")["id"]
    running(again)
    until(lambda: os.path.exists(mark))
    server.kill()
    server.start()
    assert ended(again)["state"] == "SUCCEEDED"
    assert not [j for j in jobs() if j["status"] in ("RUNNING", "PENDING")]

    # A second node takes jobs as well.
    joined = subprocess.run([ray, "start", "--address", f"127.0.0.1:{head}", "--num-cpus", "2", "--disable-usage-stats", "--object-store-memory", "100000000"],
                            env=clean, capture_output=True, text=True, timeout=300)
    assert joined.returncode == 0, joined.stdout + joined.stderr
    assert told("run", shell("two", "echo two"))["state"] == "SUCCEEDED"

    # The head dies in the middle: the task fails for want of a cluster, its log stays, and with another head the run goes on.
    lost = told("run", shell("lost", f"echo said before; test -e {mark}2 || sleep 600"), "--detach")["id"]
    running(lost)
    until(lambda: "said before" in server.run("pipeline", "logs", lost, "one").stdout)
    subprocess.run([ray, "stop", "--force"], env=clean, capture_output=True, timeout=300)
    failed = ended(lost)
    assert failed["state"] == "FAILED" and "Ray" in failed["message"], failed
    assert "said before" in server.run("pipeline", "logs", lost, "one").stdout
    open(mark + "2", "w").close()
    start_head()
    told("retry", lost)
    assert ended(lost)["state"] == "SUCCEEDED"
    server.stop()
finally:
    subprocess.run([ray, "stop", "--force"], env=clean, capture_output=True, timeout=300)
print("ray: all done")
