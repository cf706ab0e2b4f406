# SPDX-License-Identifier: Apache-2.0
"""Pipelines of the real kfp compiler, run by the real server."""
import os
import sys
import time
import warnings

from kfp import compiler, dsl
from server import Server

warnings.simplefilter("ignore")
server = Server(sys.argv[1], sys.argv[2])
# Processes are looked for by their numbers, which a sandbox has of its own.
server.environment["GYRE_TASK_SANDBOX"] = "off"
server.start()
work = sys.argv[2]


@dsl.component(base_image="python:3.11")
def make(n: int, data: dsl.Output[dsl.Dataset]) -> int:
    open(data.path, "w").write("\n".join(str(i) for i in range(n)))
    data.metadata["rows"] = n
    return n * 2


@dsl.component(base_image="python:3.11")
def total(data: dsl.Input[dsl.Dataset], expected: int) -> str:
    values = [int(line) for line in open(data.path)]
    assert len(values) == expected and data.metadata["rows"] == expected
    return f"sum {sum(values)}"


@dsl.component(base_image="python:3.11")
def shout(text: str, times: float = 1.0) -> str:
    print("SHOUT", text * int(times))
    return text.upper()


@dsl.component(base_image="python:3.11")
def flaky(folder: str) -> str:
    import os
    path = folder + "/tries"
    tries = int(open(path).read()) + 1 if os.path.exists(path) else 1
    open(path, "w").write(str(tries))
    assert tries >= 3, f"try {tries}"
    return str(tries)


@dsl.component(base_image="python:3.11")
def nap(seconds: float, mark: str, number: str) -> str:
    import os, time
    open(f"{mark}.{number}", "a").write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return "rested"


@dsl.component(base_image="python:3.11")
def fail(chatter: int):
    for _ in range(chatter):
        print("x" * 1023)
    raise ValueError("this is why")


@dsl.pipeline(name="day")
def day(n: int = 5, folder: str = ""):
    made = make(n=n)
    summed = total(data=made.outputs["data"], expected=n)
    with dsl.If(made.outputs["Output"] > 8):
        shout(text=summed.output)
    with dsl.Else():
        shout(text="small")
    with dsl.ParallelFor(["a", "b", "c"], parallelism=2) as item:
        shout(text=item, times=2.0)
    flaky(folder=folder).set_retry(3).set_caching_options(False)


@dsl.pipeline(name="naps")
def naps(mark: str, seconds: float):
    first = nap(seconds=0.0, mark=mark, number="first")
    nap(seconds=seconds, mark=mark, number="second").after(first).set_caching_options(False)


@dsl.pipeline(name="bad")
def bad(chatter: int = 3):
    failed = fail(chatter=chatter)
    shout(text="never").after(failed)


def compiled(pipeline):
    path = f"{work}/{pipeline.name}.yaml"
    compiler.Compiler().compile(pipeline, path)
    return path, open(path).read()


def wait(id, seconds=600):
    deadline = time.time() + seconds
    while time.time() < deadline:
        run = server.api("GET", f"/pipeline-runs/{id}")
        if run["ended_at"]:
            return run, {t["path"]: t for t in run["tasks"]}
        time.sleep(0.1)
    raise AssertionError("the run does not end")


def gone(pid):
    """Whether a process ends within five seconds."""
    for _ in range(50):
        if not os.path.exists(f"/proc/{pid}"):
            return True
        time.sleep(0.1)
    return False


# Everything at once: parallel branches, a condition, a loop, a retry.
path, package = compiled(day)
folder = f"{work}/flaky"
os.makedirs(folder)
server.run("pipeline", "run", path, "-p", f"folder={folder}")
run, tasks = wait(server.api("GET", "/pipeline-runs")["runs"][0]["id"])
assert run["state"] == "SUCCEEDED", run
assert tasks["flaky"]["attempts"] == 3
states = {p: t["state"] for p, t in tasks.items()}
assert sorted(s for p, s in states.items() if p.startswith("condition-branches-1/") and p.count("/") == 1) == ["SKIPPED", "SUCCEEDED"], states
assert sum(1 for p, s in states.items() if p.endswith("]") and s == "SUCCEEDED") == 3, states
log = server.api("GET", f"/pipeline-runs/{run['id']}/logs?task=" + next(p for p in states if "[1]/" in p))["log"]
assert "SHOUT bb" in log, log

# The second time what is the same is taken from the cache, with the reason; a change is told.
again, tasks = wait(server.api("POST", "/pipeline-runs", {"package": package, "parameters": {"folder": folder}})["id"])
assert tasks["make"]["cache_hit"] and tasks["total"]["cache_hit"] and not tasks["flaky"]["cache_hit"], tasks
assert tasks["make"]["cache_reason"].startswith("hit: same code, environment and inputs")
other, tasks = wait(server.api("POST", "/pipeline-runs", {"package": package, "parameters": {"folder": folder, "n": 6}})["id"])
assert tasks["make"]["cache_reason"] == "miss: changed since the last run: parameter n", tasks["make"]

# A failing component tells why; what depends on it is skipped; gigabytes of log are cut.
_, package = compiled(bad)
run, tasks = wait(server.api("POST", "/pipeline-runs", {"package": package, "parameters": {"chatter": 40_000}})["id"])
assert run["state"] == "FAILED" and tasks["shout"]["state"] == "SKIPPED", run
assert os.path.getsize(f"{server.home}/tasks/{run['id']}/fail/log.txt") < 17 << 20
run, tasks = wait(server.api("POST", "/pipeline-runs", {"package": package})["id"])
assert "this is why" in tasks["fail"]["message"], tasks["fail"]

# Cancel stops the process.
_, package = compiled(naps)
mark = f"{work}/cancelled"
id = server.api("POST", "/pipeline-runs", {"package": package, "parameters": {"mark": mark, "seconds": 600}})["id"]
while not os.path.exists(mark + ".second"):
    time.sleep(0.1)
pid = int(open(mark + ".second").read())
server.run("pipeline", "cancel", id[:8])
run, tasks = wait(id)
assert run["state"] == "CANCELED", run
assert gone(pid), "the cancelled task still runs"

# Killed in the middle: after a restart the run goes on, and what was finished is not run again.
mark = f"{work}/killed"
id = server.api("POST", "/pipeline-runs", {"package": package, "parameters": {"mark": mark, "seconds": 3}})["id"]
while not os.path.exists(mark + ".second"):
    time.sleep(0.05)
orphan = int(open(mark + ".second").read())
server.kill()
server.start()
run, tasks = wait(id)
assert run["state"] == "SUCCEEDED", run
assert len(open(mark + ".first").readlines()) == 1, "a finished task ran twice"
assert len(open(mark + ".second").readlines()) == 2
assert gone(orphan), "the killed server's task still runs"
assert server.api("GET", "/ledger/verify")["intact"]
server.stop()

# A task that hangs is stopped when its time is over.
server.environment["GYRE_TASK_TIMEOUT_SECONDS"] = "2"
server.start()
mark = f"{work}/hanging"
run, tasks = wait(server.api("POST", "/pipeline-runs", {"package": package, "parameters": {"mark": mark, "seconds": 600}})["id"])
assert run["state"] == "FAILED" and "ran longer than 2 seconds" in tasks["nap-2"]["message"], (run, tasks)
assert gone(int(open(mark + ".second").read())), "the hanging task still runs"
server.stop()
print("kfp: all done")
