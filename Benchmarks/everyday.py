# SPDX-License-Identifier: Apache-2.0
"""Models as data scientists log them: a pipeline over strings and numbers beside MLflow's and MLServer's servers, cold starts, many Python
models of several environments, and whole datasets. Part of `make bench`.

CPU is user and system time of the server and its children. Peers are asked for the same rows, and their answers are compared first.
"""
import argparse
import atexit
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings

warnings.simplefilter("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [f"{HERE}/../Tests/ClientTests/Scripts/{folder}" for folder in ("serving", "harness")]
from serving import TOOLS, Peer, free_port
from tracking import tree


def pipeline(rows=20_000):
    """A classifier over two numbers and two strings, and the rows that it was trained on."""
    import numpy
    import pandas
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    luck = numpy.random.default_rng(3)
    x = pandas.DataFrame({
        "price": luck.normal(10, 3, rows), "age": luck.integers(1, 90, rows).astype(float), "city": luck.choice(["Rome", "Oslo", "Lima"], rows),
        "color": luck.choice(["red", "green", "blue"], rows)})
    y = ((x["price"] < 10) ^ (x["city"] == "Oslo")).astype(int)
    steps = ColumnTransformer([("numbers", StandardScaler(), ["price", "age"]), ("texts", OneHotEncoder(), ["city", "color"])])
    return make_pipeline(steps, LogisticRegression()).fit(x, y), x


def log(server, name, model, x, **more):
    import mlflow
    from mlflow.models import infer_signature

    mlflow.set_tracking_uri(f"http://127.0.0.1:{server.port}")
    return mlflow.sklearn.log_model(
        model, name="model", registered_model_name=name, signature=infer_signature(x, model.predict(x.head())), input_example=x.head(50),
        serialization_format="cloudpickle", **more)


def gyre(options, work, *more, name="gyre"):
    peer = Peer(
        name, [options.gyre, "up", "--home", f"{work}/{name}-home", "--http", "127.0.0.1:PORT", "--trust-models", *more], work, "/invocations", None)
    peer.process = subprocess.Popen(peer.command, cwd=work, env=peer.environment, stdout=subprocess.DEVNULL, stderr=open(f"{work}/{name}.log", "w"), start_new_session=True)
    atexit.register(peer.process.kill)  # what fails leaves no server behind
    wait(f"http://127.0.0.1:{peer.port}/health", peer)
    return peer


def wait(address, peer, seconds=180):
    began = time.time()
    while time.time() - began < seconds:
        try:
            urllib.request.urlopen(address, timeout=5).read()
            return time.time() - began
        except OSError:
            assert peer.process.poll() is None, open(f"{peer.work}/{peer.name}.log").read()[-2000:]
            time.sleep(0.05)
    raise SystemExit(f"{peer.name} does not answer at {address}")


def call(peer, method, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{peer.port}{path}", json.dumps(body).encode() if body is not None else None, method=method)
    request.add_header("Content-Type", "application/json")
    return json.load(urllib.request.urlopen(request, timeout=600))


def split(x, rows):
    return {"dataframe_split": json.loads(x.iloc[rows].to_json(orient="split", index=False))}


def columns(x, row):
    return {"parameters": {"content_type": "pd"}, "inputs": [
        {"name": name, "shape": [1, 1], "datatype": "FP64" if x[name].dtype == float else "BYTES", "data": [x[name].iloc[row]],
         **({} if x[name].dtype == float else {"parameters": {"content_type": "str"}})} for name in x.columns]}


def servers(options, work, print_row):
    """The same pipeline behind Gyre, `mlflow models serve` and MLServer, one row a request, 16 connections."""
    import joblib

    model, x = pipeline()
    expected = [int(label) for label in model.predict(x.head(32))]
    native = gyre(options, work)
    log(native, "mixed", model, x)
    call(native, "POST", "/api/gyre/v1/endpoints/mixed/deploy", {})
    found = {}

    def measure(name, peer, path, bodies, read):
        answers = [read(peer.ask(body, path)) for body in bodies]
        assert answers == expected, (name, answers, expected)
        peer.load(4, 1, bodies, path)
        found[name] = peer.load(16, options.seconds, bodies, path)
        print_row(f"pipeline of strings and numbers, 16 conn., {name}", f"{found[name]['cpu_ms']:.3f} ms CPU", f"{found[name]['rps']:,.0f}/s, p99 {found[name]['p99_ms']:.1f} ms")

    splits = [split(x, [n]) for n in range(32)]
    rows = [{"instances": [x.iloc[n].tolist()]} for n in range(32)]
    measure("Gyre, converted to ONNX", native, "/v1/models/mixed:predict", rows, lambda answer: answer["predictions"][0])
    native.stop()
    own = gyre(options, work, name="gyre-python")
    where = log(own, "mixed", model, x, metadata={"gyre_serve": "python"})
    folder = subprocess.run(
        [sys.executable, "-c", f"import mlflow; mlflow.set_tracking_uri('http://127.0.0.1:{own.port}'); print(mlflow.artifacts.download_artifacts('{where.model_uri}', dst_path='{work}/model'))"],
        capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]
    call(own, "POST", "/api/gyre/v1/endpoints/mixed/deploy", {})
    measure("Gyre, in a Python process", own, "/v1/models/mixed:predict", rows, lambda answer: answer["predictions"][0])
    own.stop()
    serve = Peer("mlflow", [os.path.join(os.path.dirname(sys.executable), "mlflow"), "models", "serve", "-m", folder, "--env-manager", "local", "--host", "127.0.0.1", "--port", "PORT"],
                 work, "/invocations", lambda n: splits[n % 32], {"PATH": os.path.dirname(sys.executable) + ":" + os.environ["PATH"]})
    serve.start()
    measure("mlflow models serve", serve, "/invocations", splits, lambda answer: answer["predictions"][0])
    serve.stop()
    if os.path.exists(f"{TOOLS}/mlserver/bin/mlserver"):
        joblib.dump(model, f"{work}/model.joblib")
        os.makedirs(f"{work}/mlserver")
        bodies = [columns(x, n) for n in range(32)]
        server = Peer("mlserver", [f"{TOOLS}/mlserver/bin/mlserver", "start", f"{work}/mlserver"], work, "/v2/models/mixed/infer", lambda n: bodies[n % 32])
        json.dump({"http_port": server.port, "grpc_port": free_port(), "metrics_port": free_port(), "host": "127.0.0.1", "debug": False}, open(f"{work}/mlserver/settings.json", "w"))
        json.dump({"name": "mixed", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": f"{work}/model.joblib"}}, open(f"{work}/mlserver/model-settings.json", "w"))
        server.start()
        measure("MLServer", server, "/v2/models/mixed/infer", bodies, lambda answer: answer["outputs"][0]["data"][0])
        server.stop()
    for name, figures in found.items():
        if not name.startswith("Gyre"):
            for ours in [n for n in found if n.startswith("Gyre")]:
                print_row(f"  {ours}: requests a CPU second over {name}", f"{figures['cpu_ms'] / found[ours]['cpu_ms']:.1f} times", "goal 5")


def cold(options, work, print_row):
    """From an unloaded Python model whose environment is there to its first answer."""
    model, x = pipeline(2000)
    server = gyre(options, work, name="gyre-cold")
    log(server, "cold", model, x, metadata={"gyre_serve": "python"})
    call(server, "POST", "/api/gyre/v1/endpoints/cold/deploy", {})
    body = {"instances": [x.iloc[0].tolist()]}
    server.ask(body, "/v1/models/cold:predict")
    took = []
    for _ in range(5):
        for worker in children(server.process.pid):
            os.kill(worker, 9)
        time.sleep(1)
        began = time.perf_counter()
        server.ask(body, "/v1/models/cold:predict")
        took.append(time.perf_counter() - began)
    print_row("cold start of a Python model, its environment at hand", f"{sorted(took)[2]:.2f} s", "goal 1.5 s")
    server.stop()


def children(process):
    """The Python workers that serve models: the last ones of the tree."""
    tree = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                words = open(f"/proc/{entry}/stat").read()
            except OSError:
                continue
            name, parent = words[words.index("(") + 1:words.rindex(")")], int(words[words.rindex(")") + 2:].split()[1])
            tree.setdefault(parent, []).append((int(entry), name))
    found, queue = [], [process]
    while queue:
        for child, name in tree.get(queue.pop(), []):
            queue.append(child)
            if "@" in name:
                found.append(child)
    return found


def proportional(process):
    """MiB of a process and those below it; what several share, as forked workers do, is counted once."""
    total = 0
    for entry in tree(process):
        try:
            total += next(int(line.split()[1]) for line in open(f"/proc/{entry}/smaps_rollup") if line.startswith("Pss:"))
        except (OSError, StopIteration):
            pass
    return total / 1024


def many(options, work, print_row):
    """50 Python models of 5 environments where there is room for some of them."""
    import mlflow

    model, x = pipeline(2000)
    server = gyre(options, work, "--model-memory", "2G", name="gyre-many")
    # A pin that does nothing makes an environment of its own.
    logged = [
        log(server, f"m{number}", model, x, metadata={"gyre_serve": "python"}, extra_pip_requirements=[f"idna=={pin}"]).model_uri
        for number, pin in enumerate(["3.7", "3.8", "3.9", "3.10", "3.11"])]
    for number in range(50):
        if number >= len(logged):
            mlflow.register_model(logged[number % len(logged)], f"m{number}")
        call(server, "POST", f"/api/gyre/v1/endpoints/m{number}/deploy", {})
    body = {"instances": [x.iloc[0].tolist()]}
    import random

    numbers, failed, took, most = random.Random(2), 0, [], 0
    for turn in range(400):
        began = time.perf_counter()
        try:
            server.ask(body, f"/v1/models/m{int(numbers.expovariate(1 / 12)) % 50}:predict")
        except OSError:
            failed += 1
        took.append(time.perf_counter() - began)
        if turn % 10 == 0:
            most = max(most, proportional(server.process.pid))
    print_row("50 Python models of 5 environments, 2 GiB: failed of 400 requests", f"{failed}", "goal 0")
    print_row("  memory of server and processes at most, shared pages once", f"{most:,.0f} MiB", f"p50 {sorted(took)[200] * 1000:.0f} ms, p99 {sorted(took)[396] * 1000:.0f} ms")
    server.stop()


BARE = """
import sys, time, onnxruntime, pyarrow, pyarrow.parquet as parquet, numpy
source, model, target = sys.argv[1:]
session = onnxruntime.InferenceSession(model)
inputs, began, writer = session.get_inputs(), time.perf_counter(), None
outputs = [o.name for o in session.get_outputs()]
for batch in parquet.ParquetFile(source).iter_batches(8192):
    columns = [column.to_numpy().astype("float32") for column in batch.columns]
    said = session.run(None, {inputs[0].name: numpy.column_stack(columns)} if len(inputs) == 1 else {port.name: column for port, column in zip(inputs, columns)})
    table = pyarrow.Table.from_batches([batch])
    for key, value in zip(outputs, said):
        table = table.append_column(key, pyarrow.array(list(value)) if value.ndim > 1 else pyarrow.array(value))
    writer = writer or parquet.ParquetWriter(target, table.schema, compression="zstd")
    writer.write_table(table)
writer.close()
print(time.perf_counter() - began)
"""


def batch(options, work, print_row):
    """A converted model over a dataset, beside ONNX Runtime in a loop over the same file, written the same way."""
    import mlflow
    import numpy
    import pyarrow
    import pyarrow.parquet as parquet
    from mlflow.models import infer_signature
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import GradientBoostingClassifier

    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    x = x.iloc[:, :10].astype("float32")
    model = GradientBoostingClassifier(random_state=0).fit(x, y)
    source = f"{work}/rows.parquet"
    luck = numpy.random.default_rng(4)
    writer = None
    for start in range(0, options.rows, 500_000):
        take = luck.integers(0, len(x), min(500_000, options.rows - start))
        table = pyarrow.Table.from_pandas(x.iloc[take], preserve_index=False)
        writer = writer or parquet.ParquetWriter(source, table.schema)
        writer.write_table(table)
    writer.close()
    server = gyre(options, work, name="gyre-batch")
    mlflow.set_tracking_uri(f"http://127.0.0.1:{server.port}")
    mlflow.sklearn.log_model(
        model, name="model", registered_model_name="cancer", signature=infer_signature(x, model.predict(x)), input_example=x.head(50), serialization_format="cloudpickle")
    call(server, "POST", "/api/gyre/v1/models/cancer/versions/1/conversion", {})
    told = json.loads(subprocess.run([options.gyre, "data", "add", source, "--server", f"http://127.0.0.1:{server.port}", "--format", "json"], capture_output=True, text=True, check=True).stdout)
    began = time.perf_counter()
    made = call(server, "POST", "/api/gyre/v1/models/cancer/versions/1/predictions", {"input": f"rows@{told['id']}"})
    ours = time.perf_counter() - began
    assert made["rows"] == options.rows, made
    digest = call(server, "POST", "/api/gyre/v1/models/cancer/versions/1/conversion", {"dry_run": True})["onnx_sha256"]
    urllib.request.urlretrieve(f"http://127.0.0.1:{server.port}/api/gyre/v1/blobs/{digest}", f"{work}/model.onnx")
    urllib.request.urlretrieve(f"http://127.0.0.1:{server.port}/api/gyre/v1/blobs/{made['sha256']}", f"{work}/said.parquet")
    bare = float(subprocess.run([sys.executable, "-c", BARE, source, f"{work}/model.onnx", f"{work}/bare.parquet"], capture_output=True, text=True, check=True).stdout)
    left, right = parquet.read_table(f"{work}/said.parquet"), parquet.read_table(f"{work}/bare.parquet")
    names = [name for name in left.column_names if name not in x.columns]
    same = numpy.mean(left[names[0]].to_numpy() == right[right.column_names[10]].to_numpy())
    print_row(f"{options.rows:,} rows through a converted model", f"{ours:.1f} s", f"ONNX Runtime in a loop {bare:.1f} s, ratio {ours / bare:.2f}, goal 1.2; {same:.2%} alike")
    server.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gyre", required=True)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the dataset that is predicted")
    parser.add_argument("--only", default="servers,cold,many,batch")
    options = parser.parse_args()
    options.gyre = os.path.abspath(options.gyre)

    def print_row(name, figure, more):
        print(f"{name:76s} {figure:>16s}  {more}", flush=True)

    with tempfile.TemporaryDirectory() as work:
        for part in options.only.split(","):
            {"servers": servers, "cold": cold, "many": many, "batch": batch}[part](options, work, print_row)


if __name__ == "__main__":
    main()
