# SPDX-License-Identifier: Apache-2.0
"""The same requests to a real Triton and to Gyre: statuses and answers must be alike. The third argument is a Python with nvidia-pytriton."""
import http.client
import json
import os
import random
import socket
import struct
import subprocess
import sys
import time

from serving_models import TYPES, identity, two_inputs
from server import Server

python, work = sys.argv[3], sys.argv[2]
root = f"{work}/models"
for name in TYPES:
    identity(f"{root}/identity_{name.lower()}/1/model.onnx", name)
    open(f"{root}/identity_{name.lower()}/config.pbtxt", "w").write("max_batch_size: 8")
two_inputs(f"{root}/sums/1/model.onnx")
open(f"{root}/sums/config.pbtxt", "w").write("max_batch_size: 8")
server = Server(sys.argv[1], work, options=["--model-repository", root]).start()
for port in range(21000 + os.getpid() % 5000, 30000, 7):
    with socket.socket() as probe:
        if all(probe.connect_ex(("127.0.0.1", port + offset)) for offset in range(3)):
            break
log = open(f"{work}/triton.log", "w")
triton = subprocess.Popen([python, os.path.join(os.path.dirname(__file__), "triton_models.py"), str(port)], cwd=work, stdout=log, stderr=log, start_new_session=True)


def send(to, method, path, body=None, headers={}):
    connection = http.client.HTTPConnection("127.0.0.1", to, timeout=600)
    connection.request(method, path, body, {**headers, "triton-access-token": "open"})
    answer = connection.getresponse()
    content, heads = answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    return answer.status, heads, content


def ready():
    try:
        return send(port, "GET", "/v2/models/sums/ready")[0] == 200
    except OSError:
        return False


deadline = time.time() + 600
while not ready():
    if triton.poll() is not None or time.time() > deadline:
        sys.exit("Triton did not start: " + open(f"{work}/triton.log").read()[-2000:])
    time.sleep(0.2)

luck, cases = random.Random(4), []


def infer(model, body, headers={}, path=None):
    cases.append(("POST", path or f"/v2/models/{model}/infer", json.dumps(body).encode() if not isinstance(body, bytes) else body, headers))


def tensor(data, shape, datatype, name="IN", **parameters):
    entry = {"name": name, "shape": shape, "datatype": datatype, "data": data}
    return {**entry, "parameters": parameters} if parameters else entry


VALUES = {
    "BOOL": [True, False], "UINT8": [0, 255], "UINT16": [0, 65535], "UINT32": [0, 2**32 - 1], "UINT64": [0, 2**64 - 1], "INT8": [-128, 127],
    "INT16": [-(2**15), 2**15 - 1], "INT32": [-(2**31), 2**31 - 1], "INT64": [-(2**63), 2**63 - 1], "FP32": [0.5, -1.25, 3e38, 1e-30],
    "FP64": [0.1, -1e300, 5e-324], "BYTES": ["", "ü", "a\nb\"c"]}
CODES = {"BOOL": "?", "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q", "FP16": "e", "FP32": "f", "FP64": "d"}
for datatype, values in VALUES.items():
    model = f"identity_{datatype.lower()}"
    n = len(values)
    infer(model, {"inputs": [tensor(values, [1, n], datatype)]})
    infer(model, {"id": "mine", "inputs": [tensor([values, values], [2, n], datatype)]})  # nested
    infer(model, {"inputs": [tensor(values, [n, 1], datatype)], "outputs": [{"name": "OUT"}]})
    infer(model, {"inputs": [tensor(values * 9, [9, n], datatype)]})  # more than a batch
    infer(model, {"inputs": [tensor(values, [1, n + 1], datatype)]})  # too few
    infer(model, {"inputs": [tensor(values + values, [1, n], datatype)]})  # too many
    other = "FP32" if datatype != "FP32" else "INT64"
    infer(model, {"inputs": [tensor([1] * n, [1, n], other)]})  # another type
for datatype, code in CODES.items():
    model = f"identity_{datatype.lower()}"
    content = struct.pack("<4" + code, *(VALUES.get(datatype, [1.5, -2.0]) * 4)[:4])
    for rest in [content, content[:-1], content + b"\0", b""]:
        entry = {"name": "IN", "shape": [2, 2], "datatype": datatype, "parameters": {"binary_data_size": len(rest)}}
        for more in [{}, {"parameters": {"binary_data_output": True}}, {"outputs": [{"name": "OUT", "parameters": {"binary_data": True}}]}]:
            head = json.dumps({"inputs": [entry], **more}).encode()
            infer(model, head + rest, {"Inference-Header-Content-Length": str(len(head))})
row = tensor([1, 2, 3, 4], [1, 4], "INT32", "A")
both = [row, {**row, "name": "B"}]
infer("sums", {"inputs": both})
infer("sums", {"inputs": both[::-1], "outputs": [{"name": "DIFFERENCE"}, {"name": "SUM"}]})
infer("sums", {"inputs": both, "outputs": [{"name": "SUM", "parameters": {"classification": 2}}]})
infer("sums", {"inputs": both, "outputs": [{"name": "SUM", "parameters": {"classification": 9}}]})
infer("sums", {"inputs": both, "parameters": {"sequence_id": 0, "priority": 0, "timeout": 0, "custom": "x"}})
for wrong in [
    {}, {"inputs": []}, {"inputs": both[:1]}, {"inputs": both + [{**row, "name": "C"}]}, {"inputs": [{**row, "name": "Z"}, both[1]]},
    {"inputs": both, "outputs": [{"name": "NO"}]}, {"inputs": both, "outputs": [{}]}, {"inputs": "x"}, {"inputs": [{}]}, {"inputs": [{"name": "A"}]},
    {"inputs": [{**row, "shape": [1, 5]}, both[1]]}, {"inputs": [{**row, "shape": [4]}, both[1]]}, {"inputs": [{**row, "shape": [-1, 4]}, both[1]]},
    {"inputs": [{**row, "shape": "x"}, both[1]]}, {"inputs": [{**row, "datatype": "INT31"}, both[1]]}, {"inputs": [{**row, "data": ["a"] * 4}, both[1]]},
    {"inputs": [{**row, "shape": [2, 4], "data": [1] * 8}, both[1]]}, {"inputs": [{key: value for key, value in row.items() if key != "data"}, both[1]]},
    {"inputs": both, "parameters": "x"}, {"inputs": both, "id": 5}, [], "x", None, 5]:
    infer("sums", wrong)
for body in [b"", b"{", b"{\"inputs\":", b"\xff\xfe", b"{\"inputs\": []} trailing", b"[" * 500]:
    infer("sums", body)
good = json.dumps({"inputs": both}).encode()
for length in ["-1", "x", "99999", "5", str(len(good))]:
    infer("sums", good, {"Inference-Header-Content-Length": length})
for model in ["sums", "nothing"]:
    for part in ["", "/ready", "/config", "/stats", "/versions/1", "/versions/1/ready", "/versions/1/config", "/versions/1/stats", "/versions/9", "/versions/9/ready", "/versions/x"]:
        cases.append(("GET", f"/v2/models/{model}{part}", None, {}))
    for part in ["/versions/1/infer", "/versions/9/infer", "/versions/x/infer"]:
        infer(model, {"inputs": both}, path=f"/v2/models/{model}{part}")
infer("nothing", {"inputs": both})
for path in ["/v2", "/v2/health/live", "/v2/health/ready", "/v2/nothing", "/v2/models/stats"]:
    cases.append(("GET", path, None, {}))
for path in ["/v2/health/live", "/v2/models/sums"]:
    cases.append(("POST", path, b"{}", {}))
for encoding in ["gzip", "deflate"]:
    import gzip
    import zlib

    packed = gzip.compress(good) if encoding == "gzip" else zlib.compress(good)
    infer("sums", packed, {"Content-Encoding": encoding})
    infer("sums", b"no such thing", {"Content-Encoding": encoding})
    infer("sums", good, {"Accept-Encoding": encoding})
for _ in range(150):  # damaged requests
    damaged = bytearray(good)
    for _ in range(luck.randint(1, 4)):
        damaged[luck.randrange(len(damaged))] = luck.choice(b'{}[]",:0aA-. \\')
    infer("sums", bytes(damaged))


def told(method, path, status, heads, content):
    """What of an answer must be alike."""
    if status >= 400:
        return {"error": True}
    if "/stats" in path or path == "/v2/models/stats":
        stats = json.loads(content)["model_stats"]
        return [{"name": entry["name"], "version": entry["version"], "has": sorted(entry["inference_stats"])} for entry in stats if entry["name"] == "sums"]
    if path == "/v2/repository/index":
        return sorted((entry["name"], entry["version"], entry["state"]) for entry in json.loads(content))
    if heads.get("content-encoding"):
        import zlib

        content = zlib.decompress(content, 47)
    if not content:
        return ""
    length = int(heads.get("inference-header-content-length", len(content)))
    try:
        answer = json.loads(content[:length])
    except ValueError:
        return content.decode(errors="replace")
    if not isinstance(answer, dict) or path.startswith("/v2/health") or path.endswith("/ready"):
        return ""
    if "/config" in path:
        return {key: answer.get(key) for key in ["name", "max_batch_size"]} | {
            kind: [(port["name"], port["data_type"], port["dims"]) for port in answer[kind]] for kind in ["input", "output"]}
    if path == "/v2":
        return sorted(answer)
    if "outputs" in answer and "model_version" in answer:
        answer = {**answer, "rest": content[length:].hex(), "id": answer.get("id") if answer.get("id") in ("mine",) else ""}
        for output in answer["outputs"]:
            if output["datatype"] == "FP32" and "data" in output:  # Triton writes more digits than a number of 32 bits has
                output["data"] = [struct.unpack("<f", struct.pack("<f", value))[0] for value in output["data"]]
        answer["outputs"] = sorted(answer["outputs"], key=lambda output: output["name"])
    return {key: value for key, value in answer.items() if key not in ("platform",)}


differ, alike = [], 0
for case in cases:
    method, path, body, headers = case
    theirs, ours = (send(to, method, path, body, headers) for to in (port, server.port))
    # Triton has 500 for much that is wrong with a request, which is never an error of the server here.
    refused = theirs[0] >= 400 and 400 <= ours[0] < 500
    if refused or theirs[0] == ours[0] and told(method, path, *theirs) == told(method, path, *ours):
        alike += 1
    else:
        differ.append((case, theirs, ours))
os.killpg(triton.pid, 15)
for (method, path, body, headers), theirs, ours in differ[:int(os.environ.get("SHOW", "40"))]:
    print(method, path, (body or b"")[:150], headers, "\n   Triton:", theirs[0], theirs[2][:200], "\n   Gyre:  ", ours[0], ours[2][:200])
assert server.process.poll() is None
server.stop()
print(f"{alike} of {len(cases)} requests were answered alike")
assert not differ
