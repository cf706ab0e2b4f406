# SPDX-License-Identifier: Apache-2.0
"""Model servers under load, one after the other in one run: Gyre, and those peers whose environments are there. Part of `make bench`.

The model `gb` (100 boosted trees, 30 features) is asked for one row a request as JSON. CPU is user and system time of the server and its
children; it moves less with the machine's other work than requests per second. The load generator runs on the same cores.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [f"{HERE}/../Tests/ClientTests/Scripts/{folder}" for folder in ("serving", "harness")]
from tracking import cpu_seconds, memory

TOOLS = os.environ.get("GYRE_TOOLS", os.path.expanduser("~/.cache/gyre"))


def models(folder):
    """A repository with `gb` and the costly `mlp`, and `gb` for scikit-learn, trained on data that scikit-learn brings along."""
    import joblib
    import numpy
    import onnx
    from serving_models import line, perceptron
    from skl2onnx import to_onnx
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import GradientBoostingClassifier

    x, y = load_breast_cancer(return_X_y=True)
    x = x.astype(numpy.float32)
    model = GradientBoostingClassifier(random_state=0).fit(x, y)
    for name in ["gb", "mlp", "mlp_alone", "wide"]:
        os.makedirs(f"{folder}/repository/{name}/1")
    onnx.save(to_onnx(model, x[:1], options={"zipmap": False}, target_opset=17), f"{folder}/repository/gb/1/model.onnx")
    shutil.copy(f"{folder}/repository/gb/1/model.onnx", f"{folder}/gb.onnx")
    joblib.dump(model, f"{folder}/gb.joblib")
    for name in ["mlp", "mlp_alone"]:
        perceptron(f"{folder}/repository/{name}/1/model.onnx")
    open(f"{folder}/repository/mlp/config.pbtxt", "w").write("max_batch_size: 32 dynamic_batching { max_queue_delay_microseconds: 500 }")
    port = lambda name: onnx.helper.make_tensor_value_info(name, 1, ["n", 262144])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["IN"], ["OUT"])], "g", [port("IN")], [port("OUT")])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), f"{folder}/repository/wide/1/model.onnx")
    for number in range(1000):
        line(f"{folder}/many/m{number:04d}/1/model.onnx", slope=number)
    return x[:32].tolist()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peer:
    def __init__(self, name, command, work, path, body, environment={}, grpc=None):
        self.name, self.path, self.body, self.port = name, path, body, free_port()
        self.command = [part.replace("PORT", str(self.port)) for part in command]
        self.environment, self.work, self.grpc = {**os.environ, **environment}, work, grpc

    def start(self):
        began = time.time()
        self.process = subprocess.Popen(
            self.command, cwd=self.work, env=self.environment, stdout=open(f"{self.work}/{self.name}.log", "w"), stderr=subprocess.STDOUT,
            start_new_session=True)
        while time.time() - began < 120:
            try:
                self.ask(self.body(0))
                return time.time() - began
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise SystemExit(f"{self.name} did not start: " + open(f"{self.work}/{self.name}.log").read()[-2000:])

    def ask(self, body, path=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path or self.path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request, timeout=60))

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)

    def load(self, connections, seconds, bodies=None, path=None, raw=None):
        """Asks for some seconds; `raw` is a JSON head and the bytes behind it, in place of bodies of JSON."""
        with tempfile.NamedTemporaryFile("wb", suffix=".txt") as lines:
            if raw:
                lines.write(raw[0].encode() + raw[1])
            else:
                lines.write("".join(json.dumps(body) + "\n" for body in bodies or [self.body(n) for n in range(32)]).encode())
            lines.flush()
            before = cpu_seconds(self.process.pid)
            done = subprocess.run(
                ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", f"{HERE}/load.lua", f"http://127.0.0.1:{self.port}{path or self.path}"],
                capture_output=True, text=True, env={**os.environ, "LOAD_BODIES": lines.name, "LOAD_HEAD": str(len(raw[0])) if raw else ""})
            used = cpu_seconds(self.process.pid) - before
        answer = json.loads(done.stdout.strip().splitlines()[-1])
        assert answer["bad"] == 0, (self.name, answer)
        return {**answer, "rps": answer["requests"] / answer["seconds"], "cpu_ms": used / max(1, answer["requests"]) * 1000}


def common(peer, options):
    figures = {"start to first answer, s": peer.start()}
    time.sleep(1)
    figures["memory, MiB"] = memory(peer.process.pid)
    peer.load(4, 1)
    for connections in [1, 16, 64]:
        answer = peer.load(connections, options.seconds)
        for key, name in [("cpu_ms", "CPU ms a request"), ("rps", "requests/s"), ("p50_ms", "p50 ms"), ("p99_ms", "p99 ms")]:
            figures[f"gb, {connections} conn., {name}"] = answer[key]
    return figures


def only_gyre(peer, options, work, figures):
    """What has no counterpart in the peers' common load."""
    import numpy

    row = numpy.random.default_rng(1).random(64).astype(float).round(4).tolist()
    ask = [{"inputs": [{"name": "IN", "shape": [1, 64], "datatype": "FP32", "data": row}]}]
    alone = peer.load(64, options.seconds, ask, "/v2/models/mlp_alone/infer")
    batched = peer.load(64, options.seconds, ask, "/v2/models/mlp/infer")
    # Eight rows a request, as bytes: what batching itself does, with less of HTTP and JSON around each row.
    wide = numpy.random.default_rng(2).random((8, 64), dtype="float32")
    head = json.dumps({"inputs": [{"name": "IN", "shape": [8, 64], "datatype": "FP32", "parameters": {"binary_data_size": wide.nbytes}}], "parameters": {"binary_data_output": True}})
    before = cpu_seconds(peer.process.pid)
    rows = peer.load(16, options.seconds, path="/v2/models/mlp/infer", raw=(head, wide.tobytes()))
    figures["mlp, 16 conn. of 8 rows as bytes, batched, rows/s"] = rows["rps"] * 8
    figures["mlp, 16 conn. of 8 rows as bytes, p99 ms"] = rows["p99_ms"]
    figures["mlp, 16 conn. of 8 rows as bytes, rows/s for each core of the server"] = rows["rps"] * 8 / max(0.01, (cpu_seconds(peer.process.pid) - before) / rows["seconds"])
    figures["mlp, 64 conn., not batched, requests/s"] = alone["rps"]
    figures["mlp, 64 conn., batched, requests/s"] = batched["rps"]
    figures["mlp, 64 conn., batched, p99 ms"] = batched["p99_ms"]
    figures["mlp, onnxruntime's own batches of 32, one thread, rows/s"] = float(subprocess.run([sys.executable, "-c", f"""
import numpy, onnxruntime, time
options = onnxruntime.SessionOptions(); options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession({work + '/repository/mlp/1/model.onnx'!r}, options)
x = numpy.random.rand(32, 64).astype('float32'); session.run(None, {{'IN': x}})
n, began = 0, time.perf_counter()
while time.perf_counter() - began < 2: session.run(None, {{'IN': x}}); n += 32
print(n / (time.perf_counter() - began))"""], capture_output=True, text=True, check=True).stdout)
    figures["tensors of 1 MiB in and out, MB/s"] = binary(peer)


def binary(peer):
    """Bytes there and back by one connection, both directions counted."""
    import http.client

    head = json.dumps({
        "inputs": [{"name": "IN", "shape": [1, 262144], "datatype": "FP32", "parameters": {"binary_data_size": 1 << 20}}],
        "outputs": [{"name": "OUT", "parameters": {"binary_data": True}}]}).encode()
    body = head + os.urandom(1 << 20)
    connection = http.client.HTTPConnection("127.0.0.1", peer.port)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < 3:
        connection.request("POST", "/v2/models/wide/infer", body, {"Inference-Header-Content-Length": str(len(head))})
        answer = connection.getresponse()
        assert len(answer.read()) > 1 << 20 and answer.status == 200
        count += 1
    return count * 2 * (1 << 20) / 1e6 / (time.perf_counter() - began)


GRPC_LOAD = """
import sys, threading, time, grpc, numpy
from tritonclient.grpc import service_pb2
request = service_pb2.ModelInferRequest(model_name="gb")
tensor = request.inputs.add(name="X", datatype="FP32"); tensor.shape.extend([1, 30])
request.raw_input_contents.append(numpy.ones((1, 30), "float32").tobytes())
request = request.SerializeToString()
open(sys.argv[3], "wb").write(b"\\0" + len(request).to_bytes(4, "big") + request)
channel = grpc.insecure_channel(sys.argv[1])
call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
call(request)
end, counts = time.time() + float(sys.argv[2]), [0] * 16
def work(index):
    while time.time() < end:
        call(request); counts[index] += 1
threads = [threading.Thread(target=work, args=(index,)) for index in range(16)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
print(sum(counts))
"""


def h2load(peer, grpc, options, work, figures):
    """The same calls by nghttp2's load generator, which is no Python: 16 streams on one connection, and on four."""
    for clients, streams in [(1, 16), (4, 4)]:
        before = cpu_seconds(peer.process.pid)
        done = subprocess.run(
            ["h2load", f"-c{clients}", f"-m{streams}", "-D", str(options.seconds), "-d", f"{work}/message", "-H", "content-type: application/grpc", "-H", "te: trailers",
             f"http://127.0.0.1:{grpc}/inference.GRPCInferenceService/ModelInfer"], capture_output=True, text=True)
        counted = next(line for line in done.stdout.splitlines() if line.startswith("requests:"))
        count = int(counted.split(" succeeded")[0].split()[-1])
        assert " 0 failed, 0 errored" in counted, counted
        figures[f"gb over gRPC, {clients} conn. of {streams} streams, CPU ms a request"] = (cpu_seconds(peer.process.pid) - before) / count * 1000
        figures[f"gb over gRPC, {clients} conn. of {streams} streams, requests/s"] = count / options.seconds


def over_grpc_and_python(options, work, figures):
    """CPU a request where the client is the bound: gRPC with raw contents, and scikit-learn in a warm worker."""
    import shutil as files

    os.makedirs(f"{work}/python/sk/1")
    files.copy(f"{work}/gb.joblib", f"{work}/python/sk/1/model.joblib")
    os.makedirs(f"{work}/python/gb/1")
    files.copy(f"{work}/gb.onnx", f"{work}/python/gb/1/model.onnx")
    grpc = free_port()
    row = [1.0] * 30
    peer = Peer(
        "gyre-python", [options.gyre, "up", "--home", f"{work}/python-home", "--http", "127.0.0.1:PORT", "--grpc", f"127.0.0.1:{grpc}", "--model-repository", f"{work}/python"],
        work, "/v2/models/sk/infer", lambda n: {"inputs": [{"name": "x", "shape": [1, 30], "datatype": "FP64", "data": row}]})
    peer.start()
    peer.load(4, 1)
    answer = peer.load(16, options.seconds)
    figures["scikit-learn in a worker, 16 conn., CPU ms a request"] = answer["cpu_ms"]
    figures["scikit-learn in a worker, 16 conn., requests/s"] = answer["rps"]
    figures["  of which scikit-learn's own predict and predict_proba, ms"] = float(subprocess.run([sys.executable, "-c", f"""
import joblib, numpy, time
model = joblib.load({work + '/gb.joblib'!r}); x = numpy.ones((1, 30)); n = 0; began = time.process_time()
while time.process_time() - began < 1: model.predict(x); model.predict_proba(x); n += 1
print((time.process_time() - began) / n * 1000)"""], capture_output=True, text=True, check=True).stdout)
    if os.path.exists(f"{TOOLS}/serving/bin/python"):
        before = cpu_seconds(peer.process.pid)
        done = subprocess.run(
            [f"{TOOLS}/serving/bin/python", "-c", GRPC_LOAD, f"127.0.0.1:{grpc}", str(options.seconds), f"{work}/message"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        figures["gb over gRPC, grpcio with 16 threads, CPU ms a request"] = (cpu_seconds(peer.process.pid) - before) / int(done.stdout) * 1000
        figures["gb over gRPC, grpcio with 16 threads, requests/s"] = int(done.stdout) / options.seconds
        if shutil.which("h2load"):
            h2load(peer, grpc, options, work, figures)
    peer.stop()


def budget(options, work, figures):
    """A thousand small models where there is room for fifty."""
    peer = Peer(
        "gyre-many", [options.gyre, "up", "--home", f"{work}/many-home", "--http", "127.0.0.1:PORT", "--model-repository", f"{work}/many", "--model-memory", "4M"],
        work, "/v2/models/m0001/infer", lambda n: {"inputs": [{"name": "IN", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]})
    peer.start()
    failed, took, most, began = 0, [], 0, time.perf_counter()
    import random
    numbers = random.Random(1)
    for _ in range(3000):
        number = int(min(999, numbers.expovariate(1 / 60)))
        start = time.perf_counter()
        try:
            answer = peer.ask(peer.body(0), f"/v2/models/m{number:04d}/infer")
            failed += answer["outputs"][0]["data"] != [number * 6 + 1]
        except OSError:
            failed += 1
        took.append(time.perf_counter() - start)
    figures["1,000 models, a budget of 4 MiB: failed of 3,000 requests"] = failed
    figures["1,000 models: p50 ms"] = sorted(took)[1500] * 1000
    figures["1,000 models: p99 ms"] = sorted(took)[2970] * 1000
    figures["1,000 models: memory, MiB"] = memory(peer.process.pid)
    peer.stop()


def peers(work, row):
    v2 = lambda n: {"inputs": [{"name": "X", "shape": [1, 30], "datatype": "FP32", "data": row[n % len(row)]}]}
    python = lambda name: f"{TOOLS}/{name}/bin/python"
    found = []
    if os.path.exists(python("serving")):
        found.append(Peer(
            "kserve", [python("serving"), f"{HERE}/peers/kserve_server.py", "--http_port", "PORT"], work, "/v2/models/gb/infer", v2, {"MODEL": f"{work}/gb.onnx"}))
    if os.path.exists(python("peers")):
        found.append(Peer("triton", [python("peers"), f"{HERE}/peers/triton_server.py", "PORT"], work, "/v2/models/gb/infer", v2, {"MODEL": f"{work}/gb.onnx"}))
    if os.path.exists(python("mlserver")):
        folder = f"{work}/mlserver"
        os.makedirs(folder)
        peer = Peer("mlserver", [f"{TOOLS}/mlserver/bin/mlserver", "start", folder], work, "/v2/models/gb/infer", v2)
        json.dump({"http_port": peer.port, "grpc_port": free_port(), "metrics_port": free_port(), "host": "127.0.0.1", "debug": False}, open(f"{folder}/settings.json", "w"))
        json.dump(
            {"name": "gb", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": f"{work}/gb.joblib"}},
            open(f"{folder}/model-settings.json", "w"))
        found.append(peer)
    if os.path.exists(python("bentoml")):
        found.append(Peer(
            "bentoml", [f"{TOOLS}/bentoml/bin/bentoml", "serve", "bentoml_service:Model", "--port", "PORT", "--host", "127.0.0.1", "--working-dir", f"{HERE}/peers"], work,
            "/predict", lambda n: {"x": [row[n % len(row)]]}, {"MODEL": f"{work}/gb.onnx"}))
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gyre", required=True)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--no-peer", action="store_true", help="measure Gyre alone")
    options = parser.parse_args()
    options.gyre = os.path.abspath(options.gyre)
    with tempfile.TemporaryDirectory() as work:
        rows = models(work)
        gyre = Peer(
            "gyre", [options.gyre, "up", "--home", f"{work}/home", "--http", "127.0.0.1:PORT", "--model-repository", f"{work}/repository"], work,
            "/v2/models/gb/infer", lambda n: {"inputs": [{"name": "X", "shape": [1, 30], "datatype": "FP32", "data": rows[n % len(rows)]}]})
        columns = {"gyre": common(gyre, options)}
        only_gyre(gyre, options, work, columns["gyre"])
        gyre.stop()
        budget(options, work, columns["gyre"])
        over_grpc_and_python(options, work, columns["gyre"])
        for peer in [] if options.no_peer else peers(work, rows):
            try:
                columns[peer.name] = common(peer, options)
            except SystemExit as problem:
                print(f"{peer.name} is left out, since it does not start on this machine: {str(problem).strip().splitlines()[-1]}", file=sys.stderr)
                continue
            peer.stop()
    print(f"{os.cpu_count()} cores, the load generator's among them\n{'':60s}" + "".join(f"{name:>12s}" for name in columns))
    for name in columns["gyre"]:
        print(f"{name:60s}" + "".join(f"{column[name]:12,.3f}" if name in column else f"{'':12s}" for column in columns.values()))


if __name__ == "__main__":
    main()
