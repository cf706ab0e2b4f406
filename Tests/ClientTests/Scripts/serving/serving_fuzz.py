# SPDX-License-Identifier: Apache-2.0
"""What a fuzzer makes of requests to predict, configurations and model files: never a crash, a 5xx for bad input, or a connection that hangs."""
import http.client
import json
import os
import random
import socket
import struct
import sys
import time

import numpy
from serving_models import line, repository
from server import Server

seed = int(os.environ.get("SEED", time.time()))
print("seed", seed)
rng = random.Random(seed)
root = f"{sys.argv[2]}/models"
repository(root)
server = Server(sys.argv[1], sys.argv[2], options=["--model-repository", root]).start()
words = ["", "IN", "OUT", "\u0000", "é" * 300, "../x", "null", None, True, -1, 0, 1, 2**63, 1e400, -1e-320, [], {}, [[]], [[[[1]]]], {"b64": "!"}, {"b64": "YQ=="}]
types = ["BOOL", "INT8", "INT64", "UINT64", "FP16", "FP32", "FP64", "BYTES", "BF16", "FP33", 7, None]


def value(depth=0):
    if depth > 3 or rng.random() < 0.5:
        return rng.choice(words)
    if rng.random() < 0.5:
        return [value(depth + 1) for _ in range(rng.randrange(5))]
    return {str(rng.choice(words)): value(depth + 1) for _ in range(rng.randrange(4))}


def tensor():
    shape = [rng.choice([0, 1, 1, 2, 3, -1, 2**31, 2**62, "1", None]) for _ in range(rng.randrange(4))]
    entry = {"name": rng.choice(["IN", "IN", "A", "B", value()]), "shape": rng.choice([shape, [1, 3], value()]), "datatype": rng.choice(types + ["FP32"] * 6),
             "data": rng.choice([[1, 2, 3], [[1, 2, 3]], value(), ["a"], [1e39], [None]]), "parameters": rng.choice([{}, {"binary_data_size": rng.choice([0, 12, -1, 2**40, "x"])}, value()])}
    for key in list(entry):
        if rng.random() < 0.1:
            del entry[key]
    items = list(entry.items())
    rng.shuffle(items)
    return dict(items)


def body():
    kind = rng.random()
    if kind < 0.5:
        told = {"inputs": [tensor() for _ in range(rng.randrange(3))], "outputs": rng.choice([[], [{"name": "OUT", "parameters": {"binary_data": True, "classification": rng.choice([0, 2, -1, 2**62])}}], value()]),
                "parameters": rng.choice([{}, {"timeout": rng.choice([-1, 1, 2**63, "x"]), "priority": value(), "event_time": "no"}, value()]), "id": value()}
    elif kind < 0.7:
        told = {rng.choice(["instances", "inputs", "examples", "dataframe_split", "dataframe_records"]): value() for _ in range(2)}
    else:
        told = value()
    text = bytearray(json.dumps(told, allow_nan=True).encode())
    for _ in range(rng.choice([0, 0, 0, 1, 3])):
        if text:
            text[rng.randrange(len(text))] = rng.randrange(256)
    if rng.random() < 0.1:
        text = text[:rng.randrange(len(text) + 1)]
    return bytes(text)


PATHS = ["/v2/models/line/infer", "/v2/models/sums/infer", "/v2/models/identity_bytes/infer", "/v2/models/identity_fp64/infer", "/v2/models/batched/infer", "/v2/models/scalar/infer",
         "/v2/models/line/versions/2/infer", "/v2/models/line/versions/x/infer", "/v2/models/%2e%2e/infer", "/v2/models/line/generate", "/v1/models/line:predict", "/v1/models/line:classify",
         "/v1/models/sums:predict", "/v1/models/identity_bytes:predict", "/endpoints/line/invocations", "/endpoints/sums/invocations", "/v2/repository/index", "/v2/repository/models/sums/load"]
statuses = {}
connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
for number in range(6000):
    content, headers = body(), {}
    if rng.random() < 0.3:
        headers["Inference-Header-Content-Length"] = str(rng.choice([0, 1, len(content), len(content) // 2, -5, 2**63, "x"]))
        if rng.random() < 0.5:
            content += rng.randbytes(rng.choice([0, 4, 12, 100]))
    if rng.random() < 0.1:
        headers["Content-Encoding"] = rng.choice(["gzip", "deflate", "br", "identity", ""])
    if rng.random() < 0.2:
        headers["Content-Type"] = rng.choice(["text/csv", "application/cloudevents+json", "application/json", "x/y"])
    path = rng.choice(PATHS)
    try:
        connection.request("POST", path, content, headers)
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise AssertionError(f"seed {seed}, request {number}: {error!r} for {path} {headers} {content[:300]}")
    statuses[answer.status] = statuses.get(answer.status, 0) + 1
    assert answer.status < 500 or answer.status in (503, 504), f"seed {seed}: {answer.status} {text[:300]} for {path} {headers} {content[:500]}"
    assert server.process.poll() is None, f"seed {seed}: the server died of {path} {headers} {content[:500]}"

# Requests that are cut off, dribble in, or lie about their length leave the others alone.
for number in range(60):
    probe = socket.create_connection(("127.0.0.1", server.port))
    head = f"POST /v2/models/line/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: {rng.choice([10, 1000, 2**31])}\r\n\r\n".encode()
    probe.sendall(head[:rng.randrange(1, len(head) + 1)] + rng.randbytes(rng.choice([0, 5])))
    if number % 3:
        probe.close()
probe = socket.create_connection(("127.0.0.1", server.port))
probe.settimeout(10)
good = json.dumps({"inputs": [{"name": "IN", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}).encode()
one = b"POST /v2/models/line/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(good), good)
probe.sendall(one + b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" + one)
received = b""
while received.count(b"HTTP/1.1 200") < 3 or not received.endswith(b"}"):
    more = probe.recv(65536)
    assert more, received
    received += more
assert received.index(b'"outputs"') < received.index(b'"live"') < received.rindex(b'"outputs"'), "pipelined requests are answered in order"
probe.sendall(b"POST /v2/models/line/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
assert b" 413 " in probe.recv(65536)

# Configurations and model files.
config = open(f"{root}/line/config.pbtxt", "rb").read()
model = open(f"{root}/line/1/model.onnx", "rb").read()
for number in range(300):
    name = f"odd{number % 20}"
    os.makedirs(f"{root}/{name}/1", exist_ok=True)
    for path, content in [(f"{root}/{name}/config.pbtxt", bytearray(config)), (f"{root}/{name}/1/model.onnx", bytearray(model))]:
        for _ in range(rng.choice([0, 1, 2, 10])):
            content[rng.randrange(len(content))] = rng.randrange(256)
        open(path, "wb").write(content[:rng.randrange(len(content))] if rng.random() < 0.2 else content)
    status, answer = server.request("POST", f"/v2/repository/models/{name}/load")
    statuses[status] = statuses.get(status, 0) + 1
    assert status in (200, 400, 404), f"seed {seed}: {status} {answer}"
    assert server.process.poll() is None, f"seed {seed}: the server died of {name}"
status, answer = server.request("POST", "/v2/models/sums/infer", {"inputs": [
    {"name": name, "shape": [1, 4], "datatype": "INT32", "data": [1, 2, 3, 4]} for name in "AB"]})
assert status == 200 and answer["outputs"][0]["data"] == [2, 4, 6, 8], answer
server.stop()
print(statuses)
