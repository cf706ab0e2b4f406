# SPDX-License-Identifier: Apache-2.0
"""Mixed load with loads, unloads, rollouts and killed workers for SOAK_SECONDS (40 unless told): no request fails but those that a killed worker had,
memory stays flat, and every answer that was given is in the prediction log."""
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import joblib
import mlflow
import numpy
from serving_models import line, repository
from server import Server, onnx_model
from sklearn.linear_model import LogisticRegression

seconds = float(os.environ.get("SOAK_SECONDS", "40"))
root = f"{sys.argv[2]}/models"
repository(root)
x = numpy.random.default_rng(1).random((100, 4))
os.makedirs(f"{root}/forest/1")
joblib.dump(LogisticRegression().fit(x, x[:, 0] > 0.5), f"{root}/forest/1/model.joblib")
server = Server(sys.argv[1], sys.argv[2], options=["--model-repository", root]).start()
mlflow.set_tracking_uri(server.url)
_, graph = onnx_model(None)
for _ in range(2):
    mlflow.onnx.log_model(graph, name="model", registered_model_name="m", metadata={"features": ["a", "b", "c"]})
server.run("endpoint", "deploy", "m", "--version", "1")
stop, failed, counts, killed = threading.Event(), [], {}, []
lock = threading.Lock()


def keep(model, name, shape, datatype="FP32", allowed=(200,)):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    while not stop.is_set():
        rows = random.choice([1, 1, 1, 3])
        data = [random.random() for _ in range(rows * shape)]
        connection.request("POST", f"/v2/models/{model}/infer", json.dumps({"inputs": [{"name": name, "shape": [rows, shape], "datatype": datatype, "data": data}]}))
        answer = connection.getresponse()
        text = answer.read()
        with lock:
            counts[model] = counts.get(model, 0) + (rows if answer.status == 200 else 0)
            if answer.status not in allowed:
                failed.append((model, answer.status, text[:300]))


def disturb():
    version = 4
    while not stop.is_set():
        server.request("POST", "/v2/repository/models/sums/unload")
        assert server.request("POST", "/v2/repository/models/sums/load")[0] == 200
        line(f"{root}/line/{version}/model.onnx", slope=version)
        assert server.request("POST", "/v2/repository/models/line/load")[0] == 200
        version += 1
        assert server.request("POST", "/nothing/x")[0] == 404
        server.api("POST", "/endpoints/m/deploy", {"version": "2", "strategy": random.choice(["shadow", "canary"]), "steps": [30, 100], "judge": {"minimum_step_seconds": 0, "quality": "errors_and_latency"}})
        time.sleep(0.5)
        try:
            server.run("endpoint", "abort", "m")
        except AssertionError as error:
            assert "No rollout" in str(error) or "has ended" in str(error), error
        pids = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True).stdout.split()
        if pids:
            os.kill(int(pids[0]), signal.SIGKILL)
            killed.append(pids[0])
        time.sleep(0.5)


def resident():
    return next(int(text.split()[1]) for text in open(f"/proc/{server.process.pid}/status") if text.startswith("VmRSS")) / 1024


threads = [threading.Thread(target=keep, args=arguments) for arguments in [
    ("m", "X", 3), ("m", "X", 3), ("batched", "IN", 64), ("batched", "IN", 64), ("identity_fp32", "IN", 7), ("forest", "x", 4, "FP64", (200, 503))]]
threads.append(threading.Thread(target=disturb))
[thread.start() for thread in threads]
memory = []
began = time.time()
while time.time() - began < seconds:
    time.sleep(seconds / 20)
    memory.append(resident())
    assert server.process.poll() is None
stop.set()
[thread.join() for thread in threads]
print({"answered": counts, "killed workers": len(killed), "memory, MiB": [round(value) for value in memory]})
assert not failed, failed[:5]
assert min(counts.values()) > 0 and len(killed) > 2
early, late = max(memory[len(memory) // 3:len(memory) // 2]), min(memory[-4:])
assert late < early * 1.25 + 20, f"memory went from {early:.0f} to {late:.0f} MiB"
logged = sum(row["predictions"] for row in server.api("GET", "/endpoints/m")["counts"])
assert logged >= counts["m"], (logged, counts)
server.stop()
print("the load was taken")
