# SPDX-License-Identifier: Apache-2.0
"""How far Gyre is from bare code that does the same work, side by side in one run. Part of `make bench`.

The floor of a request is an epoll server in C that answers with a fixed body (`floor/http_floor.c`), and for a prediction ONNX Runtime in a
C loop besides (`floor/onnx_floor.c`). The floor of a search is the same statements put to the same file by SQLite alone.
CPU is user and system time of the process that answers. Each load runs three times in turn; the least of each side counts.
"""
import argparse
import glob
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [f"{HERE}/../Tests/ClientTests/Scripts/{folder}" for folder in ("serving", "harness")]
from bench import load
from server import Server
from serving import models

TOOLS = os.environ.get("GYRE_TOOLS", os.path.expanduser("~/.cache/gyre"))
GOALS = {"infer": 4, "log-metric": 13, "runs/search": 1.2}


def built(work, name, *libraries):
    compiler = shutil.which("cc") or shutil.which("clang") or sys.exit("a C compiler is needed: apt-get install gcc")
    subprocess.run([compiler, "-O2", "-o", f"{work}/{name}", f"{HERE}/floor/{name}.c", *libraries], check=True)
    return f"{work}/{name}"


class Floor:
    """The bare server, answering with what Gyre answers."""

    def __init__(self, program, body):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([program, str(port), body])
        time.sleep(0.2)


def cpu(server, path, body, connections, options):
    """CPU milliseconds a request."""
    return load(server, path, body, connections, options.seconds)["cpu_ms"]


def row(name, own, floor, goal):
    ratio = own / floor
    print(f"{name:52s} {own:9.4f} ms {floor:9.4f} ms {ratio:6.2f}   goal {goal} or less: {'met' if ratio <= goal else 'MISSED'}", flush=True)


def infer(gyre, floor_program, work, options):
    rows = models(work)
    library = glob.glob(f"{TOOLS}/python/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.*")[0]
    bare = float(subprocess.run(
        [built(work, "onnx_floor", "-ldl"), library, f"{work}/gb.onnx", "30"], capture_output=True, text=True, check=True).stdout) / 1000
    server = Server(gyre, work, "serving", ["--model-repository", f"{work}/repository"]).start()
    body = {"inputs": [{"name": "X", "shape": [1, 30], "datatype": "FP32", "data": [round(v, 4) for v in rows[0]]}]}
    path = "/v2/models/gb/infer"
    floor = Floor(floor_program, json.dumps(server.request("POST", path, body)[1]))
    load(server, path, body, 4, 1)
    for connections in options.connections:
        sides = [(cpu(server, path, body, connections, options), cpu(floor, path, body, connections, options)) for _ in range(3)]
        row(f"infer, 100 trees, 30 columns, {connections} connections", min(s[0] for s in sides), min(s[1] for s in sides) + bare, GOALS["infer"])
    server.stop()
    floor.process.kill()


def log_metric(gyre, floor_program, work, options):
    server = Server(gyre, work, "tracking").start()
    run = server.request("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})[1]["run"]["info"]["run_id"]
    body = {"run_id": run, "key": "loss", "value": 0.5, "timestamp": 1, "step": "@N@"}
    path = "/api/2.0/mlflow/runs/log-metric"
    floor = Floor(floor_program, "{}")
    sides = [(cpu(server, path, body, 16, options), cpu(floor, path, body, 16, options)) for _ in range(3)]
    row("log-metric, 16 connections", min(s[0] for s in sides), min(s[1] for s in sides), GOALS["log-metric"])
    server.stop()
    floor.process.kill()


# The search of the benchmark as one would write it by hand for these tables, and the reads of what the answer holds.
SEARCH = [
    """SELECT r.row, o.value FROM param p CROSS JOIN run r ON r.row = p.run CROSS JOIN latest_metric m ON m.run = r.row AND m.key = 'm3'
       LEFT JOIN latest_metric o ON o.run = r.row AND o.key = 'm0'
       WHERE p.key = 'p1' AND substr(p.value, 1, 64) = 'v1' AND m.is_nan = 0 AND m.value > 0.5 AND r.experiment_id = EXPERIMENT AND r.is_deleted = 0
       ORDER BY o.value DESC, r.start_ms DESC, r.run_id LIMIT 101""",
    "SELECT row, run_id, experiment_id, name, user_id, status, start_ms, end_ms, is_deleted, artifact_uri FROM run WHERE row IN (SELECT value FROM json_each(?1))",
    "SELECT run, key, value FROM param WHERE run IN (SELECT value FROM json_each(?1)) ORDER BY run, key",
    "SELECT run, key, value FROM run_tag WHERE run IN (SELECT value FROM json_each(?1)) ORDER BY run, key",
    "SELECT run, key, step, timestamp_ms, value, is_nan FROM latest_metric WHERE run IN (SELECT value FROM json_each(?1)) ORDER BY run, key",
]


def grow(path, experiment, count):
    """Runs of 10 metrics and 5 params each, written as Gyre writes them, in bulk."""
    database = sqlite3.connect(path)
    now = int(time.time() * 1000)
    database.executemany(
        "INSERT INTO run (row, run_id, experiment_id, name, user_id, status, start_ms, artifact_uri) VALUES (?, ?, ?, ?, 'bench', 'RUNNING', ?, ?)",
        ((k + 1000, f"{k:032x}", experiment, f"run-{k}", now + k, f"mlflow-artifacts:/{experiment}/{k:032x}/artifacts") for k in range(count)))
    points = lambda: ((k + 1000, f"m{j}", now, ((k * 7919 + j * 104729) % 100003) / 100003) for k in range(count) for j in range(10))
    database.executemany("INSERT INTO latest_metric (run, key, step, timestamp_ms, value, is_nan) VALUES (?, ?, 0, ?, ?, 0)", points())
    database.executemany("INSERT INTO param VALUES (?, ?, ?)", ((k + 1000, f"p{j}", f"v{(k + j) % 10}") for k in range(count) for j in range(5)))
    database.executemany("INSERT INTO run_tag VALUES (?, 'mlflow.runName', ?)", ((k + 1000, f"run-{k}") for k in range(count)))
    database.commit()
    database.close()


def search(gyre, work, options):
    program = built(work, "sql_floor", "-lsqlite3")
    for count in (10_000, 100_000):
        server = Server(gyre, work, f"search-{count}").start()
        experiment = server.request("POST", "/api/2.0/mlflow/experiments/create", {"name": "search"})[1]["experiment_id"]
        server.stop()
        grow(f"{server.home}/gyre.db", experiment, count)
        server.start()
        body = {"experiment_ids": [experiment], "filter": "metrics.m3 > 0.5 and params.p1 = 'v1'", "order_by": ["metrics.m0 DESC"], "max_results": 100}
        path = "/api/2.0/mlflow/runs/search"
        assert len(server.request("POST", path, body)[1]["runs"]) == 100
        statements = [statement.replace("EXPERIMENT", experiment) for statement in SEARCH]
        sides = []
        for _ in range(3):
            bare = float(subprocess.run([program, f"{server.home}/gyre.db", "100", *statements], capture_output=True, text=True, check=True).stdout)
            sides.append((cpu(server, path, body, 1, options), bare))
        row(f"runs/search of {count:,}, 100 runs answered", min(s[0] for s in sides), min(s[1] for s in sides), GOALS["runs/search"])
        server.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gyre", required=True)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=lambda text: [int(part) for part in text.split(",")], default=[16, 64])
    parser.add_argument("--only", default="infer,log-metric,search")
    options = parser.parse_args()
    gyre = os.path.abspath(options.gyre)
    print(f"{'CPU a request':52s} {'Gyre':>12s} {'bare code':>12s}  ratio")
    with tempfile.TemporaryDirectory() as work:
        floor_program = built(work, "http_floor")
        if "infer" in options.only:
            infer(gyre, floor_program, work, options)
        if "log-metric" in options.only:
            log_metric(gyre, floor_program, work, options)
        if "search" in options.only:
            search(gyre, work, options)


if __name__ == "__main__":
    main()
