# SPDX-License-Identifier: Apache-2.0
"""Gyre's figures on this machine: start, memory, tracking, inference, verification. Run by `make bench`.

CPU is user and system time of the server's process; it moves less with the machine's other work than requests per second.
"""
import argparse
import json
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Tests/ClientTests/Scripts/harness"))
from server import Server, onnx_model

HERE = os.path.dirname(os.path.abspath(__file__))
GOALS = {
    "start to first /health": ("s", 0.3, "below"), "resident memory, idle": ("MiB", 80, "below"),
    "resident memory, at most during the load": ("MiB", 120, "below"),
    "resident memory, a minute after the load, above that with the model loaded": ("MiB", 20, "below"),
    "log-metric, CPU a request (16 connections)": ("ms", 0.15, "below"), "infer, CPU a request (16 connections)": ("ms", 0.10, "below"),
    "ledger verify": ("facts/s", 200_000, "above"),
}


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    return next(int(line.split()[1]) / 1024 for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS"))


class Peak(threading.Thread):
    """The most memory that a process held while others were at work, looked at ten times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.is_over = pid, 0.0, threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(0.1):
            self.most = max(self.most, resident_mib(self.pid))

    def stop(self):
        self.is_over.set()
        self.join()
        return self.most


def load(server, path, body, connections, seconds, headers={}):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as bodies:
        bodies.write(json.dumps(body) + "\n")
        bodies.flush()
        before = cpu_seconds(server.process.pid)
        done = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", f"{HERE}/load.lua",
             *[word for name, value in headers.items() for word in ("-H", f"{name}: {value}")], server.url + path],
            capture_output=True, text=True, env={**os.environ, "LOAD_BODIES": bodies.name})
        used = cpu_seconds(server.process.pid) - before
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert answer["bad"] == 0, answer
    answer["rps"] = answer["requests"] / answer["seconds"]
    answer["cpu_ms"] = used / answer["requests"] * 1000
    return answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gyre", required=True)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--facts", type=int, default=200_000)
    options = parser.parse_args()
    gyre = os.path.abspath(options.gyre)
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
    version = subprocess.run([gyre, "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{version}; {os.cpu_count()} cores of {model}; {platform.system()} {platform.release()}; load {os.getloadavg()[0]:.1f}\n")
    figures = {}
    with tempfile.TemporaryDirectory() as work:
        # Start: the process until the first answer, on a home that exists.
        server = Server(gyre, work).start()
        server.stop()
        began = time.perf_counter()
        server.start()
        while server.request("GET", "/health")[0] != 200:
            pass
        figures["start to first /health"] = time.perf_counter() - began
        time.sleep(1)
        figures["resident memory, idle"] = resident_mib(server.process.pid)

        # Tracking: each metric is on disk when it is acknowledged.
        _, made = server.request("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})
        metric = {"run_id": made["run"]["info"]["run_id"], "key": "loss", "value": 0.5, "timestamp": 1, "step": 7777}
        body = json.loads(json.dumps(metric).replace("7777", '"@N@"'))
        for connections in (1, 16, 64):
            answer = load(server, "/api/2.0/mlflow/runs/log-metric", body, connections, options.seconds)
            figures[f"log-metric, CPU a request ({connections} connections)"] = answer["cpu_ms"]
            figures[f"log-metric, requests/s ({connections} connections)"] = answer["rps"]

        # Inference: 100 trees on 30 columns, one row a request.
        import mlflow
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType
        from sklearn.datasets import load_breast_cancer
        from sklearn.ensemble import GradientBoostingClassifier
        data = load_breast_cancer()
        trees = GradientBoostingClassifier(n_estimators=100, random_state=0).fit(data.data, data.target)
        graph = convert_sklearn(
            trees, name="gb", initial_types=[("X", FloatTensorType([None, 30]))], options={id(trees): {"zipmap": False}},
            target_opset={"": 18, "ai.onnx.ml": 3})
        mlflow.set_tracking_uri(server.url)
        mlflow.onnx.log_model(graph, name="model", registered_model_name="gb")
        server.api("POST", "/endpoints/gb/deploy", {"version": "1"})
        row = {"inputs": [{"name": "X", "shape": [1, 30], "datatype": "FP32", "data": [round(float(v), 4) for v in data.data[0]]}]}
        load(server, "/v2/models/gb/infer", row, 4, 1)
        with_model = resident_mib(server.process.pid)
        peak = Peak(server.process.pid)
        for connections in (1, 16, 64):
            answer = load(server, "/v2/models/gb/infer", row, connections, options.seconds)
            figures[f"infer, CPU a request ({connections} connections)"] = answer["cpu_ms"]
            figures[f"infer, requests/s ({connections} connections)"] = answer["rps"]
            figures[f"infer, p99 ms ({connections} connections)"] = answer["p99_ms"]
        figures["resident memory, at most during the load"] = peak.stop()
        time.sleep(60)
        above = "resident memory, a minute after the load, above that with the model loaded"
        figures[above] = resident_mib(server.process.pid) - with_model

        # Verification: a chain of facts as the loop writes them, made through the API.
        _, head = server.request("GET", "/api/gyre/v1/ledger/head")
        server.stop()
        grow(f"{server.home}/gyre.db", options.facts)
        os.remove(f"{server.home}/ledger.head")
        began = time.perf_counter()
        told = subprocess.run([gyre, "ledger", "verify", "--home", server.home], capture_output=True, text=True)
        seconds = time.perf_counter() - began
        assert told.returncode == 0, told
        figures["ledger verify"] = int(told.stdout.split()[1]) / seconds
    for name, value in figures.items():
        unit, goal, side = GOALS.get(name, ("", None, ""))
        met = "" if goal is None else f"   goal {side} {goal:,} {unit}: {'met' if (value < goal) == (side == 'below') else 'MISSED'}"
        print(f"{name:48s} {value:12,.3f} {unit}{met}")


def grow(path, count):
    """Appends facts to the chain as Gyre writes them, in bulk: canonical JSON and SHA-256."""
    import hashlib
    database = sqlite3.connect(path)
    seq, previous, at = database.execute("SELECT seq, hash, at_us FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    rows = []
    for number in range(seq + 1, seq + 1 + count):
        fact = {
            "actor": "policy/canary", "at": at, "body": {"numbers": {"canary": {"brier": 0.2134, "requests": number}}, "reason": "held"},
            "inputs": [f"release/delay@{number % 50}"], "kind": "rollout.canary.held", "outputs": ["endpoint/delay"], "seq": number,
            "subject": f"rollout/delay@{number % 50}",
        }
        dump = lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(previous + dump(fact).encode()).digest()
        rows.append((
            number, at, fact["actor"], fact["kind"], fact["subject"], dump(fact["inputs"]), dump(fact["outputs"]), dump(fact["body"]), previous,
            digest))
        previous = digest
    database.executemany("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    database.commit()
    database.close()


if __name__ == "__main__":
    main()
