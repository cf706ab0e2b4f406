# SPDX-License-Identifier: Apache-2.0
"""Bad input of every kind: a clear error, the right status, nothing lost."""
import os
import socket
import subprocess
import sys

from server import Server, onnx_model

server = Server(sys.argv[1], sys.argv[2])
# Whether or not there is something that makes containers.
server.environment["GYRE_TASK_EXECUTOR"] = "process"
server.start()
work = sys.argv[2]


def error(method, path, body, status, *words, headers={}):
    found, answer = server.request(method, path, body, headers)
    assert found == status, (method, path, found, answer)
    for word in words:
        assert word in str(answer), (word, answer)


# Names and paths that climb out, plain, encoded, doubly encoded.
for path in ["../x", "%2e%2e/x", "a/%2e%2e/%2e%2e/x", "..%2fx", "%2fetc%2fpasswd", "a%5c..%5cb", "a//b", "%252e%252e/x"]:
    error("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", "x", 400, "Invalid path")
    error("GET", f"/api/2.0/mlflow-artifacts/artifacts/{path}", None, 400, "Invalid path")
assert not os.path.exists(f"{work}/x")
error("POST", "/api/gyre/v1/datasets/..%2Fx/versions", {"tree": []}, 400, "cannot be the name")
blob = server.api("POST", "/blobs", "hello")
entry = {"path": "../../x.csv", "sha256": blob["sha256"], "size": 5}
error("POST", "/api/gyre/v1/datasets/d/versions", {"tree": [entry]}, 400, "Invalid path")
entry = {"path": "x.csv", "sha256": "00" * 32, "size": 5}
error("POST", "/api/gyre/v1/datasets/d/versions", {"tree": [entry]}, 404, "not in the store")

# Bodies.
error("POST", "/api/2.0/mlflow/experiments/create", "{broken", 400)
error("POST", "/api/2.0/mlflow/experiments/create", {}, 400, "Missing value for required parameter 'name'")
error("POST", "/api/2.0/mlflow/experiments/create", {"name": 5.5}, 400, "Invalid value 5.5 for parameter 'name'")
error("POST", "/api/2.0/mlflow/nothing", {}, 404, "RESOURCE_DOES_NOT_EXIST", "/api/2.0/mlflow/nothing")
error("DELETE", "/health", None, 405)
error("GET", "/nothing", None, 404)

# What an address does not answer is told with what it does, on every kind of route.
for method, path, allowed in [("PUT", "/health", "GET, HEAD"), ("OPTIONS", "/api/gyre/v1/models/x", "GET, HEAD"), ("OPTIONS", "/v2/models/m/infer", "POST"),
                              ("GET", "/v2/models/m/infer", "POST"), ("PUT", "/v1/models/m:predict", "GET, HEAD, POST"), ("OPTIONS", "/invocations", "POST"),
                              ("PATCH", "/api/gyre/v1/endpoints/e/labels", "POST")]:
    status, _, headers = server.exchange(method, path, "{}" if method != "OPTIONS" else None)
    assert status == 405 and headers["allow"] == allowed, (method, path, status, headers)

# HEAD tells of the content that GET has, and sends none of it.
for path in ["/health", "/api/gyre/v1/doctor", "/api/gyre/v1/openapi.json", "/api/gyre/v1/models", "/nothing", "/api/gyre/v1/runs/export"]:
    status, content, headers = server.exchange("GET", path)
    found, nothing, head = server.exchange("HEAD", path)
    assert (found, nothing) == (status, b""), (path, found, nothing)
    assert head.get("content-length") == headers.get("content-length"), (path, headers, head)


def raw(text):
    """The answers to bytes as they stand, up to the end of the connection."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=600)
    connection.sendall(text.encode())
    answer = b""
    while piece := connection.recv(65536):
        answer += piece
    connection.close()
    return answer.decode()


# HTTP/1.1 has one Host header, and HTTP/1.0 need not have one: on the router's path and on that of direct routes.
for first in ["GET /health HTTP/1.1", "POST /v2/models/m/infer HTTP/1.1"]:
    for headers in ["", "Host: 127.0.0.1\r\nHost: localhost\r\n"]:
        answer = raw(f"{first}\r\n{headers}Content-Length: 0\r\n\r\n")
        assert answer.startswith("HTTP/1.1 400 ") and "Host header" in answer, answer
assert " 200 OK" in raw("GET /health HTTP/1.0\r\n\r\n")
answer = raw("POST /v2/models/m/infer HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
assert '"error"' in answer and "Host header" not in answer, answer
# Nothing is left over on a connection that goes on after HEAD.
answer = raw("HEAD /api/gyre/v1/runs/export HTTP/1.1\r\nHost: localhost\r\n\r\n" + "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
assert answer.count("HTTP/1.1 200 OK\r\n") == 2 and "\r\n\r\nHTTP/1.1 200 OK" in answer, answer
connection = socket.create_connection(("127.0.0.1", server.port))
connection.sendall(b"POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483648\r\n\r\n")
sent = 0
try:
    while sent < 2 << 30:
        sent += connection.send(b"x" * (1 << 20))
        connection.setblocking(False)
        try:
            if connection.recv(1, socket.MSG_PEEK):
                break
        except BlockingIOError:
            pass
        connection.setblocking(True)
except (BrokenPipeError, ConnectionResetError):
    pass
connection.close()
assert sent < 1 << 30, f"{sent >> 20} MiB of a body that is too large were taken"

# Pipelines.
cycle = """
pipelineInfo: {name: p}
components: {comp-a: {executorLabel: e}}
deploymentSpec: {executors: {e: {container: {image: "python:3.11", command: [sh, -c, "sleep 100"]}}}}
root: {dag: {tasks: {one: {componentRef: {name: comp-a}, dependentTasks: [two]}, two: {componentRef: {name: comp-a}, dependentTasks: [one]}}}}
"""
error("POST", "/api/gyre/v1/pipeline-runs", {"package": cycle}, 400, "cycle", "one, two")
error("POST", "/api/gyre/v1/pipeline-runs", {"package": cycle.replace("comp-a}, dependentTasks: [two]", "comp-b}")}, 400, "comp-b")
error("POST", "/api/gyre/v1/pipeline-runs", {"package": "a: [1"}, 400, "not YAML")
single = cycle.replace(", dependentTasks: [two]", "").replace(", two: {componentRef: {name: comp-a}, dependentTasks: [one]}", "")
error("POST", "/api/gyre/v1/pipeline-runs", {"package": single, "parameters": {"x": 1}}, 400, 'no parameter \\"x\\"'.replace("\\", ""))
error("POST", "/api/gyre/v1/pipeline-runs", {"package": single.replace("python:3.11", "nginx:1")}, 501, 'image "nginx:1"')
cluster = single + "\n---\nplatforms: {kubernetes: {deploymentSpec: {executors: {exec-a: {nodeSelector: {labels: {gpu: big}}}}}}}\n"
error("POST", "/api/gyre/v1/pipeline-runs", {"package": cluster}, 501, "platforms.kubernetes.deploymentSpec.executors.exec-a.nodeSelector")

# Data: corrupt Parquet, ragged CSV, an unknown expectation. The version is recorded, the check is an error, nothing is accepted.
def add(name, file, content):
    blob = server.api("POST", "/blobs", content)
    return server.api("POST", f"/datasets/{name}/versions", {"tree": [{"path": file, "sha256": blob["sha256"], "size": blob["size"]}]})

rows = {"name": "s", "expectations": [{"type": "expect_table_row_count_to_equal", "kwargs": {"value": 1}}]}
add("corrupt", "t.parquet", b"PAR1 this is no parquet PAR1")
error("POST", "/api/gyre/v1/checks", {"dataset": "dataset/corrupt", "suite": rows}, 400, "cannot be read as a table")
add("plain", "t.csv", b"a,b\n1,2\n")
unknown = {"name": "s", "expectations": [{"type": "expect_the_best", "kwargs": {}}]}
error("POST", "/api/gyre/v1/checks", {"dataset": "dataset/plain", "suite": unknown}, 501, "expect_the_best", "does not pass")
error("POST", "/api/gyre/v1/checks", {"dataset": "dataset/plain", "suite": {"x": 1}}, 400, "no expectation suite")
error("GET", "/api/gyre/v1/datasets/plain/versions/accepted", None, 404, "no accepted version")

# Models: a file that is none, a good one, wrong tensors.
import mlflow
mlflow.set_tracking_uri(server.url)
client = mlflow.MlflowClient()
client.create_registered_model("junk")
open(f"{work}/model.onnx", "wb").write(b"this is no model")
run = client.create_run("0").info.run_id
client.log_artifact(run, f"{work}/model.onnx", "model")
client.create_model_version("junk", client.get_run(run).info.artifact_uri + "/model", run)
error("POST", "/api/gyre/v1/endpoints/junk/deploy", {"version": "1"}, 400, "no ONNX model")
assert server.api("GET", "/endpoints")["endpoints"] == []
_, graph = onnx_model(None)
mlflow.onnx.log_model(graph, name="model", registered_model_name="good")
server.api("POST", "/endpoints/good/deploy", {"version": "1"})
infer = "/v2/models/good/infer"


def tensor(**changes):
    return {"inputs": [{"name": "X", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3], **changes}]}


assert server.request("POST", infer, tensor())[0] == 200
error("POST", infer, tensor(shape=[1, 4]), 400, "X")
error("POST", infer, tensor(shape=[1, 4], data=[1, 2, 3, 4]), 400, "shape [1, 4]", "[-1, 3]")
error("POST", infer, tensor(shape=[-1, 3]), 400, "X")
error("POST", infer, tensor(shape=[1 << 40, 1 << 40], data=[]), 400)
error("POST", infer, tensor(datatype="INT64"), 400, "FP32")
error("POST", infer, tensor(datatype="FP99"), 400, "FP99")
error("POST", infer, tensor(data=["a", "b", "c"]), 400, "FP32")
error("POST", infer, tensor(name="Y"), 400, '"X"')
error("POST", infer, {"inputs": []}, 400, "missing")
error("POST", infer, {}, 400, "inputs")
error("POST", infer, "{", 400)
error("POST", "/v2/models/nothing/infer", tensor(), 404, "nothing")
error("POST", "/v2/models/good/versions/9/infer", tensor(), 404)
assert server.request("POST", infer, tensor())[0] == 200

# Labels: a request without any is a mistake; those of ids that are not known are counted apart.
labels = "/api/gyre/v1/endpoints/good/labels"
error("POST", labels, {}, 400, "\"labels\" is missing")
error("POST", labels, {"labels": {}}, 400, "\"labels\" is a list")
error("POST", labels, {"labels": [{"label": 1}]}, 400, "\"labels.0.id\" is missing")
error("POST", labels, {"labels": [{"id": "a", "label": "yes"}]}, 400, "\"labels.0.label\" is a number")
error("POST", "/api/gyre/v1/endpoints/godo/labels", {"labels": []}, 404, 'Did you mean \\"good\\"'.replace("\\", ""))
known = server.request("POST", infer, tensor() | {"id": "known-1"})[1]["id"]
told = server.api("POST", "/endpoints/good/labels", {"labels": [{"id": known, "label": 1}, {"id": "later", "label": 0}]})
assert (told["labels"], told["joined"], told["waiting"], told["waiting_ids"]) == (2, 1, 1, ["later"]), told
assert server.request("POST", infer, tensor() | {"id": "later"})[0] == 200
assert server.api("GET", "/endpoints/good/predictions/later")["prediction"]["label"] == 0
assert server.api("GET", "/endpoints/good/predictions/known")["prediction"]["id"] == known, "the first digits are enough"

# A dry run tells what would be done; whoever asks for one where there is none has nothing done.
head = server.api("GET", "/ledger/head")
checked = server.api("POST", "/checks", {"dataset": "plain", "suite": rows, "dry_run": True})
assert checked["dry_run"] and checked["gyre"]["check"] is None and checked["statistics"]["evaluated_expectations"] > 0
planned = server.api("POST", "/pipeline-runs", {"package": single, "dry_run": True})
assert planned["dry_run"] and planned["pipeline"] and planned["id"] not in str(server.api("GET", "/pipeline-runs"))
error("POST", "/api/gyre/v1/pipeline-runs?dry_run=true", {"package": cycle}, 400, "cycle")
assert server.api("POST", "/endpoints/good/monitor", {"dry_run": True})["actions"] == [] and not server.api("GET", "/endpoints/good")["reports"]
error("POST", "/api/gyre/v1/releases/good/1/reproduce", {"dry_run": True}, 409, "cannot be reproduced")
error("POST", "/api/gyre/v1/blobs/verify?dry_run=true", {}, 501, "has no dry run")
# Said in other words it is refused, and not taken for a call to be carried out.
for asked in ["true", 1]:
    error("POST", "/api/gyre/v1/endpoints/good/freeze", {"dry_run": asked}, 400, "dry_run is true or false")
error("POST", "/api/gyre/v1/endpoints/good/freeze?dry_run=1", {}, 400, "dry_run is true or false")
assert server.api("GET", "/ledger/head") == head

# A junk version on an endpoint that serves: the deployment fails, what serves goes on.
client.create_model_version("good", client.get_run(run).info.artifact_uri + "/model", run)
error("POST", "/api/gyre/v1/endpoints/good/deploy", {"version": "2"}, 400, "no ONNX model")
assert server.request("POST", infer, tensor())[1]["model_version"] == "1"

# The port in use, the home in use, a home that is no folder, a database that is none.
taken = subprocess.run([server.gyre, "up", "--home", f"{work}/other", "--http", f"127.0.0.1:{server.port}"], capture_output=True, text=True)
assert taken.returncode == 1 and taken.stderr.startswith("error: Gyre cannot listen on"), taken
assert "listens there already" in taken.stderr and not os.path.exists(f"{work}/other"), taken
taken = subprocess.run(
    [server.gyre, "up", "--home", f"{work}/other", "--http", "127.0.0.1:0", "--grpc", f"127.0.0.1:{server.port}"], capture_output=True, text=True)
assert taken.returncode == 1 and "--grpc" in taken.stderr and not os.path.exists(f"{work}/other"), taken
second = subprocess.run([server.gyre, "up", "--home", server.home, "--http", "127.0.0.1:0"], capture_output=True, text=True)
assert second.returncode == 4 and "Another Gyre uses the home folder" in second.stderr, second
nowhere = subprocess.run([server.gyre, "up", "--home", "/proc/nothing", "--http", "127.0.0.1:0"], capture_output=True, text=True)
assert nowhere.returncode == 1 and "cannot be made" in nowhere.stderr, nowhere
os.makedirs(f"{work}/garbage")
open(f"{work}/garbage/gyre.db", "w").write("this is no database at all" * 100)
garbage = subprocess.run([server.gyre, "data", "list", "--home", f"{work}/garbage"], capture_output=True, text=True)
assert garbage.returncode == 1 and "not a readable database" in garbage.stderr, garbage
assert server.api("GET", "/ledger/verify")["intact"]
server.stop()

# A full disk: a clear error, nothing half written; with room again it goes on by itself. Needs the right to mount.
disk = f"{work}/disk"
os.makedirs(disk)
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], capture_output=True).returncode == 0:
    try:
        small = Server(sys.argv[1], disk).start()
        put = lambda n: small.request("PUT", f"/api/2.0/mlflow-artifacts/artifacts/f{n}", bytes([n]) * (1 << 20))
        create = lambda n: small.request("POST", "/api/2.0/mlflow/experiments/create", {"name": f"e{n}" + "x" * 400})
        stored = next(n for n in range(40) if put(n)[0] != 200)
        status, answer = put(100)
        assert status == 503 and "disk is full" in answer["message"], answer
        status, answer = next(a for a in map(create, range(4000)) if a[0] != 200)
        assert status == 503 and "disk is full" in answer["message"], answer
        assert small.request("GET", "/health")[0] == 200
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        assert create(5000)[0] == 200 and put(101)[0] == 200
        assert all(small.request("GET", f"/api/2.0/mlflow-artifacts/artifacts/f{n}")[0] == 200 for n in range(stored))
        assert small.api("GET", "/ledger/verify")["intact"]
        small.stop()
    finally:
        subprocess.run(["umount", "-l", disk])
else:
    print("not allowed to mount: the full disk was not tried")
print("bad input: all refused")
