# SPDX-License-Identifier: Apache-2.0
"""MLflow's tracking API under load: Gyre and `mlflow server` one after the other, on the same disk, in one run. Part of `make bench`.

CPU is user and system time of the server and its children; it moves less with the machine's other work than requests per second.
Gyre acknowledges what is on disk (WAL, synchronous=FULL, group commit). `mlflow server` runs as it comes (SQLite, rollback journal, FULL).
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
API = "/api/2.0/mlflow/"


def tree(root):
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            children.setdefault(int(open(f"/proc/{name}/stat").read().rsplit(")", 1)[1].split()[1]), []).append(int(name))
        except OSError:
            pass
    found, left = [], [root]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def cpu_seconds(root):
    total = 0
    for pid in tree(root):
        try:
            total += sum(map(int, open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:15]))
        except OSError:
            pass
    return total / os.sysconf("SC_CLK_TCK")


def memory(root, field="VmRSS"):
    total = 0
    for pid in tree(root):
        try:
            total += next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith(field))
        except (OSError, StopIteration):
            pass
    return total / 1024


class Peer:
    """A server that speaks MLflow's API, from its start to its end."""

    def __init__(self, name, command, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.name, self.folder, self.url = name, folder, f"http://127.0.0.1:{self.port}"
        self.command = [part.replace("PORT", str(self.port)).replace("FOLDER", folder) for part in command]
        self.connection = None

    def start(self):
        began = time.perf_counter()
        self.process = subprocess.Popen(
            self.command, stdout=open(f"{self.folder}/log", "a"), stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"})
        while True:
            try:
                if self.get("/health")[0] == 200:
                    return time.perf_counter() - began
            except OSError:
                time.sleep(0.01)
            assert self.process.poll() is None, open(f"{self.folder}/log").read()[-2000:]

    def stop(self):
        pids = tree(self.process.pid)
        self.process.terminate()
        self.process.wait()
        for pid in pids[1:]:
            try:
                os.kill(pid, 9)
            except OSError:
                pass

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def post(self, path, body, connection=None):
        own = connection or self.connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        if connection is None:
            self.connection = own
        for again in (True, False):
            try:
                own.request("POST", API + path, json.dumps(body), {"Content-Type": "application/json"})
                answer = own.getresponse()
                content = answer.read()
                break
            except (OSError, http.client.HTTPException):
                own.close()
                if not again:
                    raise
        assert answer.status == 200, (path, answer.status, content[:300])
        return json.loads(content or b"{}")

    def run(self, experiment, connection=None):
        body = {"experiment_id": experiment, "start_time": int(time.time() * 1000), "tags": []}
        return self.post("runs/create", body, connection)["run"]["info"]["run_id"]

    def load(self, path, bodies, connections, seconds, runs=()):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("\n".join(bodies) + "\n")
            file.flush()
            before = cpu_seconds(self.process.pid)
            done = subprocess.run(
                ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "60s", "-s", f"{HERE}/load.lua", self.url + API + path],
                capture_output=True, text=True,
                env={**os.environ, "LOAD_BODIES": file.name, "LOAD_RUNS": ",".join(runs), "LOAD_FIRST": str(int(time.time() * 1000) % 10**9)})
            used = cpu_seconds(self.process.pid) - before
        answer = json.loads(done.stdout.strip().splitlines()[-1])
        assert answer["bad"] == 0, (self.name, path, answer)
        answer["rps"] = answer["requests"] / answer["seconds"]
        answer["cpu_ms"] = used / max(1, answer["requests"]) * 1000
        return answer


def fsyncs_per_second(folder):
    path, count, began = f"{folder}/fsync", 0, time.perf_counter()
    with open(path, "wb", buffering=0) as file:
        while time.perf_counter() - began < 1:
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            count += 1
    os.remove(path)
    return count / (time.perf_counter() - began)


def seed(peer, experiment, count, threads):
    """Runs with 10 metrics and 5 params each, through the API."""
    now = int(time.time() * 1000)

    def part(first):
        connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=300)
        for k in range(first, count, threads):
            run = peer.run(experiment, connection)
            peer.post("runs/log-batch", {
                "run_id": run,
                "metrics": [{"key": f"m{j}", "value": ((k * 7919 + j * 104729) % 100003) / 100003, "timestamp": now, "step": 0} for j in range(10)],
                "params": [{"key": f"p{j}", "value": f"v{(k + j) % 10}"} for j in range(5)]}, connection)

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, range(threads)))


def measure(peer, options, is_gyre):
    figures = {}
    peer.start()
    peer.stop()
    figures["start to first answer, s"] = peer.start()
    time.sleep(2 if is_gyre else 15)
    figures["resident memory, idle, MiB"] = memory(peer.process.pid)
    experiment = peer.post("experiments/create", {"name": "bench"})["experiment_id"]
    runs = [peer.run(experiment) for _ in range(16)]
    now = int(time.time() * 1000)
    metric = ['{"run_id": "@RUN@", "key": "loss", "value": 0.5, "timestamp": %d, "step": @N@}' % now]
    for connections in (1, 16, 256) if is_gyre else (1, 16):
        answer = peer.load("runs/log-metric", metric, connections, options.seconds, runs)
        figures[f"log-metric, {connections} conn., CPU ms a request"] = answer["cpu_ms"]
        figures[f"log-metric, {connections} conn., requests/s"] = answer["rps"]
        figures[f"log-metric, {connections} conn., p50 ms"] = answer["p50_ms"]
    batches = [
        '{"run_id": "@RUN@", "metrics": ' + json.dumps([
            {"key": f"m{j % 10}", "value": j * 0.001, "timestamp": now, "step": t * 100 + j // 10} for j in range(1000)]) + "}"
        for t in range(40)]
    for connections in (1, 4):
        answer = peer.load("runs/log-batch", batches, connections, options.seconds, [peer.run(experiment) for _ in range(64)])
        figures[f"log-batch of 1000, {connections} conn., metrics/s"] = answer["rps"] * 1000
    create = ['{"experiment_id": "%s", "start_time": %d, "run_name": "r-@N@", "tags": [{"key": "mlflow.user", "value": "u"}]}' % (experiment, now)]
    answer = peer.load("runs/create", create, 16, options.seconds)
    figures["runs/create, 16 conn., CPU ms a request"] = answer["cpu_ms"]
    figures["runs/create, 16 conn., requests/s"] = answer["rps"]

    searched = peer.post("experiments/create", {"name": "search"})["experiment_id"]
    seed(peer, searched, options.runs, 8)
    search(peer, searched, f"{options.runs:,}", options, figures)
    history(peer, experiment, now, figures)
    client(peer, figures)
    if is_gyre:
        peer.stop()
        figures["start to first answer, with that store, s"] = peer.start()
        artifact(peer, figures)
    figures["resident memory, after the load, MiB"] = memory(peer.process.pid)
    peer.stop()
    return figures


def search(peer, experiment, size, options, figures):
    query = {"experiment_ids": [experiment], "filter": "metrics.m3 > 0.5 and params.p1 = 'v1'", "order_by": ["metrics.m0 DESC"], "max_results": 100}
    assert peer.post("runs/search", query)["runs"]
    answer = peer.load("runs/search", [json.dumps(query)], 1, options.seconds)
    figures[f"runs/search of {size}, p50 ms"] = answer["p50_ms"]
    figures[f"runs/search of {size}, CPU ms a request"] = answer["cpu_ms"]


def history(peer, experiment, now, figures):
    run = peer.run(experiment)
    for begin in range(0, 100_000, 1000):
        peer.post("runs/log-batch", {"run_id": run, "metrics": [
            {"key": "long", "value": (begin + j) * 1e-5, "timestamp": now + begin + j, "step": begin + j} for j in range(1000)]})
    took = []
    for _ in range(5):
        began = time.perf_counter()
        _, content = peer.get(f"{API}metrics/get-history?run_id={run}&metric_key=long")
        took.append(time.perf_counter() - began)
        assert len(json.loads(content)["metrics"]) == 100_000
    figures["get-history of 100,000 points, ms"] = statistics.median(took) * 1000


def client(peer, figures):
    code = (
        "import mlflow, sys, time\nmlflow.set_tracking_uri(sys.argv[1]); mlflow.set_experiment('client')\n"
        "with mlflow.start_run():\n b = time.perf_counter()\n for i in range(1000): mlflow.log_metric('x', i * .1, step=i)\n print(time.perf_counter() - b)\n")
    done = subprocess.run([sys.executable, "-c", code, peer.url], capture_output=True, text=True)
    figures["1000 x mlflow.log_metric by the client, s"] = float(done.stdout.split("\n")[0])


def artifact(peer, figures):
    """2 GiB up and down through the server, from and to memory where the machine has it."""
    place = "/dev/shm" if shutil.disk_usage("/dev/shm").free > 5 << 30 else peer.folder
    path, size = f"{place}/gyre-bench-{os.getpid()}", 2 << 30
    try:
        with open(path, "wb") as file:
            block = os.urandom(1 << 20)
            for number in range(size >> 20):
                file.write(number.to_bytes(8, "big") + block[8:])
        began = time.perf_counter()
        subprocess.run(["dd", f"if={path}", f"of={peer.folder}/copy", "bs=1M", "conv=fdatasync"], check=True, stderr=subprocess.DEVNULL)
        figures["the same copied to this disk by dd, MB/s"] = size / 1e6 / (time.perf_counter() - began)
        os.remove(f"{peer.folder}/copy")
        address = f"{peer.url}/api/2.0/mlflow-artifacts/artifacts/0/bench/large.bin"
        for way, command in [("up", ["curl", "-sf", "-T", path, address]), ("down", ["curl", "-sf", "-o", "/dev/null", address])]:
            began = time.perf_counter()
            subprocess.run(command, check=True)
            figures[f"artifact of 2 GiB {way}, MB/s"] = size / 1e6 / (time.perf_counter() - began)
        figures["most memory so far, MiB"] = memory(peer.process.pid, "VmHWM")
    finally:
        os.path.exists(path) and os.remove(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gyre", required=True)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=100_000, help="runs of the large store, Gyre alone; 0 leaves it out")
    parser.add_argument("--no-peer", action="store_true", help="measure Gyre alone")
    parser.add_argument("--folder", help="where the stores lie")
    options = parser.parse_args()
    gyre = os.path.abspath(options.gyre)
    with tempfile.TemporaryDirectory(dir=options.folder) as work:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; this disk: {fsyncs_per_second(work):,.0f} fdatasync/s\n")
        columns = {}
        for name, command in [
            ("gyre", [gyre, "up", "--home", "FOLDER/home", "--http", "127.0.0.1:PORT"]),
            ("mlflow", [os.path.join(os.path.dirname(sys.executable), "mlflow"), "server", "--backend-store-uri", "sqlite:///FOLDER/m.db",
                        "--artifacts-destination", "FOLDER/artifacts", "--host", "127.0.0.1", "--port", "PORT"]),
        ]:
            if name == "mlflow" and options.no_peer:
                continue
            folder = f"{work}/{name}"
            os.makedirs(folder)
            columns[name] = measure(Peer(name, command, folder), options, name == "gyre")
        if options.many:
            folder = f"{work}/many"
            os.makedirs(folder)
            peer = Peer("gyre", [gyre, "up", "--home", "FOLDER/home", "--http", "127.0.0.1:PORT"], folder)
            peer.start()
            experiment = peer.post("experiments/create", {"name": "many"})["experiment_id"]
            seed(peer, experiment, options.many, 16)
            peer.stop()
            columns["gyre"][f"start to first answer, {options.many:,} runs, s"] = peer.start()
            time.sleep(2)
            columns["gyre"][f"resident memory, idle, {options.many:,} runs, MiB"] = memory(peer.process.pid)
            search(peer, experiment, f"{options.many:,}", options, columns["gyre"])
            peer.stop()
    print(f"{'':52s}{'gyre':>14s}{'mlflow':>14s}{'ratio':>10s}")
    for name, value in columns["gyre"].items():
        other = columns.get("mlflow", {}).get(name)
        ratio = "" if not other or not value else f"{max(value, other) / min(value, other):9.1f}x"
        print(f"{name:52s}{value:14,.3f}{'' if other is None else format(other, '14,.3f'):>14s}{ratio:>10s}")


if __name__ == "__main__":
    main()
