# SPDX-License-Identifier: Apache-2.0
"""Pipelines: what the engine costs beside what tasks do. Trivial components and commands in a row and in parallel, many nodes without a
process, many runs at once, and a page of many runs; kfp's own local runner and bare processes beside them. Part of `make bench`.

CPU is user and system time of the server and its children. Times are the server's own record of a run, from its start to its end.
"""
import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import warnings

warnings.simplefilter("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, *(f"{HERE}/../Tests/ClientTests/Scripts/{folder}" for folder in ("serving", "harness"))]
from everyday import call, gyre
from tracking import cpu_seconds, memory


def run(server, package, **more):
    """Starts a run, waits for it, and gives it as it ended."""
    body = {"package": package if isinstance(package, str) else json.dumps(package), "cache": False, **more}
    id = call(server, "POST", "/api/gyre/v1/pipeline-runs", body)["id"]
    return wait(server, id)


def wait(server, id, seconds=1800):
    deadline = time.time() + seconds
    while True:
        # The list has no tasks, which are many.
        found = [r for r in call(server, "GET", "/api/gyre/v1/pipeline-runs?limit=1000")["runs"] if r["id"] == id][0]
        if found["ended_at"]:
            assert found["state"] == "SUCCEEDED", found["message"]
            return found
        assert time.time() < deadline, found
        time.sleep(0.02)


def milliseconds(found):
    return (found["ended_at"] - found["started_at"]) / 1000


def document(executor, tasks, inputs={}, outputs={}):
    component = {"executorLabel": "exec-one", "inputDefinitions": inputs, "outputDefinitions": outputs}
    return {
        "pipelineInfo": {"name": "bench"}, "deploymentSpec": {"executors": {"exec-one": executor}}, "components": {"comp-one": component},
        "root": {"dag": {"tasks": tasks}}, "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.17.0"}


def command(count, in_a_row):
    tasks = {f"t{n:04}": {"componentRef": {"name": "comp-one"}, "dependentTasks": [f"t{n - 1:04}"] if in_a_row and n else []} for n in range(count)}
    return document({"container": {"image": "alpine", "command": ["true"]}}, tasks)


def importers(count):
    """Nodes without a process: a loop over an importer of something that is kept elsewhere."""
    text = {"parameters": {"uri": {"parameterType": "STRING"}}}
    artifact = {"artifacts": {"artifact": {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}}}
    loop = {"componentRef": {"name": "comp-one"}, "parameterIterator": {
        "items": {"raw": json.dumps([f"gs://bucket/{n}" for n in range(count)])}, "itemInput": "uri"}}
    return document({"importer": {"artifactUri": {"runtimeParameter": "uri"}, "typeSchema": {"schemaTitle": "system.Dataset"}}}, {"each": loop}, text, artifact)


def suspends(count):
    """Nodes without a process as Argo has them: a loop over a suspend that is over at once."""
    return {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"generateName": "bench-"}, "spec": {"entrypoint": "main", "templates": [
            {"name": "main", "steps": [[{"name": "each", "template": "none", "withSequence": {"count": str(count)},
                                         "arguments": {"parameters": [{"name": "n", "value": "{{item}}"}]}}]]},
            {"name": "none", "inputs": {"parameters": [{"name": "n"}]}, "suspend": {"duration": "0"}}]}}


def compiled(work, count, in_a_row):
    """Trivial Python components, compiled by the real kfp."""
    path = f"{work}/python-{count}-{in_a_row}.yaml"
    script = textwrap.dedent(f"""
        from kfp import compiler, dsl
        @dsl.component(base_image="python:3.11")
        def step(x: int) -> int:
            return x + 1
        @dsl.pipeline(name="steps")
        def steps():
            task = step(x=0)
            for n in range({count - 1}):
                task = step(x=task.output if {in_a_row} else n)
        compiler.Compiler().compile(steps, {path!r})
    """)
    open(f"{work}/compile.py", "w").write(script)
    subprocess.run([sys.executable, f"{work}/compile.py"], check=True, capture_output=True)
    return open(path).read()


LOCAL = """
    import time
    from kfp import dsl, local
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root={root!r})
    @dsl.component
    def step(x: int) -> int:
        return x + 1
    @dsl.pipeline
    def steps() -> int:
        task = step(x=0)
        for _ in range({count} - 1):
            task = step(x=task.output)
        return task.output
    began = time.perf_counter()
    assert steps().output == {count}
    print("TOOK", time.perf_counter() - began)
"""


def tasks(options, work, print_row):
    """A trivial Python component and a trivial command, with the sandbox and without."""
    open(f"{work}/local.py", "w").write(textwrap.dedent(LOCAL.format(count=options.steps, root=f"{work}/local")))
    told = subprocess.run([sys.executable, f"{work}/local.py"], capture_output=True, text=True, check=True, cwd=work).stdout
    peer = float(told.split("TOOK")[1]) / options.steps * 1000
    began = time.perf_counter()
    for _ in range(options.steps):
        subprocess.run([sys.executable, "-c", "pass"], check=True)
    bare = (time.perf_counter() - began) / options.steps * 1000
    chain, fan = compiled(work, options.steps, True), compiled(work, 100, False)
    for mode in ["auto", "off"]:
        os.environ["GYRE_TASK_SANDBOX"] = mode
        server = gyre(options, work, name=f"pipelines-{mode}")
        name = "sandbox" if mode == "auto" else "no sandbox"
        run(server, chain)  # makes the environment and brings its Python up
        times = [milliseconds(run(server, chain)) / options.steps for _ in range(3)]
        print_row(f"Python component, {options.steps} in a row, {name}", f"{min(times):.1f} ms a task", f"kfp.local {peer:.0f} ms, `python -c pass` {bare:.1f} ms; goal 40")
        found = milliseconds(run(server, fan)) / 100
        print_row(f"Python component, 100 in parallel, {name}", f"{found:.1f} ms a task", "goal 40")
        run(server, command(options.steps, True))
        times = [milliseconds(run(server, command(100, True))) / 100 for _ in range(3)]
        print_row(f"command, 100 in a row, {name}", f"{min(times):.2f} ms a task", f"goal {8 if mode == 'auto' else 5}")
        server.stop()
    del os.environ["GYRE_TASK_SANDBOX"]


def nodes(options, work, print_row):
    """Nodes that begin no process."""
    server = gyre(options, work, name="pipelines-nodes")
    run(server, importers(100))
    first = None
    for count in [10_000, 100_000]:
        before = cpu_seconds(server.process.pid)
        found = run(server, importers(count))
        cost = (cpu_seconds(server.process.pid) - before) / count * 1000
        first = first or cost
        peak = memory(server.process.pid, "VmHWM")
        print_row(f"{count:,} importers in a loop", f"{cost:.3f} ms CPU a node", f"{milliseconds(found) / 1000:.1f} s wall, memory {peak:.0f} MiB at most, {cost / first:.2f} times the first; goal 1 ms, 1.5 times, 400 MiB")
    run(server, suspends(100))
    before = cpu_seconds(server.process.pid)
    found = run(server, suspends(10_000))
    cost = (cpu_seconds(server.process.pid) - before) / 10_000 * 1000
    print_row("10,000 steps of Argo that are over at once", f"{cost:.3f} ms CPU a node", f"{milliseconds(found) / 1000:.1f} s wall; goal 1 ms")
    server.stop()


def crowd(options, work, print_row):
    """200 runs of 20 nodes at once, with somebody who looks at the list; then a page of many runs."""
    server = gyre(options, work, name="pipelines-crowd")
    run(server, importers(20))
    seen, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            began = time.perf_counter()
            call(server, "GET", "/api/gyre/v1/pipeline-runs?limit=50")
            seen.append(time.perf_counter() - began)

    watcher = threading.Thread(target=look)
    watcher.start()
    package, began = json.dumps(importers(20)), time.perf_counter()
    ids = [call(server, "POST", "/api/gyre/v1/pipeline-runs", {"package": package, "cache": False})["id"] for _ in range(200)]
    ended = [wait(server, id) for id in ids]
    took = time.perf_counter() - began
    stop.set()
    watcher.join()
    whole = sum(len(call(server, "GET", f"/api/gyre/v1/pipeline-runs/{id}")["tasks"]) == 21 for id in ids)
    p95 = sorted(seen)[int(len(seen) * 0.95)] * 1000
    print_row("200 runs of 20 nodes at once", f"list p95 {p95:.1f} ms", f"{took:.1f} s for all, {whole} of {len(ended)} runs whole; goal 20 ms")
    server.stop()

    # As many runs as a year brings: rows as the server wrote them, under other ids.
    database = sqlite3.connect(f"{work}/pipelines-crowd-home/gyre.db")
    columns = [row[1] for row in database.execute("PRAGMA table_info(pipeline_run)") if row[1] != "row"]
    row = dict(zip(columns, database.execute(f"SELECT {', '.join(columns)} FROM pipeline_run WHERE id = ?", [ids[0]]).fetchone()))
    body = json.loads(row["body"])

    def copies():
        for n in range(options.runs):
            state = ["SUCCEEDED", "SUCCEEDED", "FAILED"][n % 3]
            made = body | {"id": f"{n:032x}", "state": state, "started_at": body["started_at"] + n, "name": f"run {n % 977}"}
            values = row | {"id": made["id"], "state": state, "started_at": made["started_at"], "name": made["name"], "body": json.dumps(made)}
            yield [values[column] for column in columns]

    database.executemany(f"INSERT INTO pipeline_run ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", copies())
    database.commit()
    database.close()
    server.process = None
    server = gyre(options, work, name="pipelines-crowd")
    for name, path in {
        "newest": "/api/gyre/v1/pipeline-runs?limit=50", "failed": "/api/gyre/v1/pipeline-runs?limit=50&state=failed",
        "failed, by name, the client's form": "/apis/v2beta1/runs?page_size=50&sort_by=display_name&filter="
        + '{"predicates":[{"key":"state","operation":"EQUALS","stringValue":"FAILED"}]}'.replace('"', "%22").replace("{", "%7B").replace("}", "%7D"),
    }.items():
        times = []
        for _ in range(50):
            began = time.perf_counter()
            call(server, "GET", path)
            times.append((time.perf_counter() - began) * 1000)
        print_row(f"50 of {options.runs:,} runs, {name}", f"p95 {sorted(times)[47]:.1f} ms", "goal 20 ms")
    server.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gyre", required=True)
    parser.add_argument("--steps", type=int, default=20, help="tasks in a row")
    parser.add_argument("--runs", type=int, default=100_000, help="of the long list")
    parser.add_argument("--only", default="tasks,nodes,crowd")
    options = parser.parse_args()
    options.gyre = os.path.abspath(options.gyre)

    def print_row(name, figure, more):
        print(f"{name:56s} {figure:>20s}  {more}", flush=True)

    with tempfile.TemporaryDirectory() as work:
        for part in options.only.split(","):
            {"tasks": tasks, "nodes": nodes, "crowd": crowd}[part](options, work, print_row)


if __name__ == "__main__":
    main()
