# SPDX-License-Identifier: Apache-2.0
"""Kills the real server at random moments while clients write; every acknowledged write must be there afterwards."""
import http.client
import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../ClientTests/Scripts/harness"))
from server import Server

server = Server(sys.argv[1], sys.argv[2]).start()
rounds = int(sys.argv[3])
seed = random.randrange(1 << 30)
print(f"seed {seed}")
moments = random.Random(seed)
lock = threading.Lock()
acknowledged = {"runs": set(), "metrics": set(), "params": set(), "models": set(), "artifacts": {}, "predictions": set()}
_, answer = server.request("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})
run = answer["run"]["info"]["run_id"]


def writer(number, stop):
    connection, count = None, 0
    while not stop.is_set():
        try:
            connection = connection or http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)

            def call(method, path, body):
                connection.request(method, path, json.dumps(body) if isinstance(body, dict) else body)
                reply = connection.getresponse()
                content = reply.read()
                assert reply.status == 200, (path, reply.status, content)
                return json.loads(content)

            count += 1
            name = f"w{number}-{time.time_ns()}"
            call("POST", "/api/2.0/mlflow/runs/log-metric", {"run_id": run, "key": name, "value": count, "timestamp": 1, "step": count})
            with lock:
                acknowledged["metrics"].add((name, count))
            call("POST", "/api/2.0/mlflow/runs/log-parameter", {"run_id": run, "key": name, "value": name})
            with lock:
                acknowledged["params"].add(name)
            made = call("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0", "run_name": name})
            with lock:
                acknowledged["runs"].add(made["run"]["info"]["run_id"])
            if count % 5 == 0:
                call("POST", "/api/2.0/mlflow/registered-models/create", {"name": name})
                with lock:
                    acknowledged["models"].add(name)
                content = name * 1000
                call("PUT", f"/api/2.0/mlflow-artifacts/artifacts/crash/{name}", content)
                with lock:
                    acknowledged["artifacts"][name] = content
        except (OSError, http.client.HTTPException):
            connection = None
            time.sleep(0.02)


for round in range(rounds):
    stop = threading.Event()
    threads = [threading.Thread(target=writer, args=(n, stop)) for n in range(6)]
    [t.start() for t in threads]
    time.sleep(moments.uniform(0.05, 0.8))
    server.kill()
    stop.set()
    [t.join() for t in threads]
    server.start()

status, answer = server.request("GET", f"/api/2.0/mlflow/runs/get?run_id={run}")
data = answer["run"]["data"]
metrics = {(m["key"], int(m["value"])) for m in data.get("metrics", [])}
params = {p["key"] for p in data.get("params", [])}
assert acknowledged["metrics"] <= metrics, f"lost metrics: {sorted(acknowledged['metrics'] - metrics)[:5]}"
assert acknowledged["params"] <= params, f"lost params: {sorted(acknowledged['params'] - params)[:5]}"
for id in acknowledged["runs"]:
    assert server.request("GET", f"/api/2.0/mlflow/runs/get?run_id={id}")[0] == 200, f"lost run {id}"
for name in acknowledged["models"]:
    assert server.request("GET", f"/api/2.0/mlflow/registered-models/get?name={name}")[0] == 200, f"lost model {name}"
for name, content in acknowledged["artifacts"].items():
    status, found = server.request("GET", f"/api/2.0/mlflow-artifacts/artifacts/crash/{name}")
    assert status == 200 and found == content.encode(), f"lost artifact {name}"
verified = server.api("GET", "/ledger/verify")
assert verified["intact"], verified
server.stop()
total = {kind: len(items) for kind, items in acknowledged.items()}
assert total["metrics"] > 50 and total["runs"] > 50, f"too little was written to prove anything: {total}"
print(f"{rounds} kills; acknowledged and found: {total}; {verified['facts']} facts in an intact chain")
