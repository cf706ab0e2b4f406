# SPDX-License-Identifier: Apache-2.0
"""A real Ray cluster: applications of Ray Serve as model versions, beside one that is not ours; canary, rollback, failures, restarts."""
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

from ports import free_port
from server import Server

work, python = sys.argv[2], sys.argv[3]
ray, dashboard, http = f"{os.path.dirname(python)}/ray", free_port(), free_port()
clean = {**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, "RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}
# Sockets of Ray do not fit below a long path.
place = f"/tmp/gyre-ray-{os.getpid()}"
started = subprocess.run(
    [ray, "start", "--head", "--num-cpus", "2", "--port", str(free_port()), "--dashboard-port", str(dashboard), "--ray-client-server-port", str(free_port()),
     "--dashboard-agent-listen-port", str(free_port()), "--min-worker-port", "0", "--max-worker-port", "0", "--temp-dir", place, "--disable-usage-stats", "--object-store-memory", "100000000"],
    env=clean, capture_output=True, text=True, timeout=600)
assert started.returncode == 0, started.stdout + started.stderr
APP = '''
from ray import serve
from starlette.requests import Request


@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Add:
    def __init__(self, factor):
        if factor < 0:
            raise ValueError("a factor below zero")
        self.factor = factor

    async def __call__(self, request: Request):
        if request.url.path.endswith("/broken"):
            raise RuntimeError("broken on purpose")
        body = await request.json()
        return {"sum": self.factor * (body["a"] + body["b"]), "path": request.url.path.split("/")[-1]}


def build(args: dict):
    return Add.bind(float(args.get("factor", 1)))
'''


def cluster(method="GET", body=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{dashboard}/api/serve/applications/", json.dumps(body).encode() if body else None, {"Content-Type": "application/json"}, method=method)
    deadline = time.time() + 600
    while True:
        try:
            content = urllib.request.urlopen(request, timeout=300).read()
            return json.loads(content) if content else {}
        except urllib.error.HTTPError as problem:
            # A busy machine takes long to start what answers.
            assert problem.code >= 500 and time.time() < deadline, problem.read()
            time.sleep(2)


def version(factor):
    folder = f"{work}/app"
    os.makedirs(folder, exist_ok=True)
    open(f"{folder}/app.py", "w").write(APP)
    open(f"{folder}/serve_config.yaml", "w").write(
        f"applications:\n- name: sums\n  route_prefix: /\n  import_path: app:build\n  args:\n    factor: {factor}\n")
    return folder


try:
    # An application of somebody else, which stays as it is whatever we do; it also says where the cluster listens.
    cluster("PUT", {"http_options": {"host": "127.0.0.1", "port": http}, "applications": [
        {"name": "theirs", "route_prefix": "/theirs", "import_path": "none:at_all"}]})
    server = Server(sys.argv[1], work, options=["--trust-models"])
    # Without a cluster it is said what is missing.
    server.start()
    server.run("model", "import", version(1), "--name", "sums")
    assert "--ray" in server.run("endpoint", "deploy", "sums", status=1).stderr
    server.stop()
    server.options += ["--ray", f"http://127.0.0.1:{dashboard}"]
    server.start()
    server.run("endpoint", "deploy", "sums")

    def answers(count, path="add"):
        found = {}
        for _ in range(count):
            status, content, headers = server.exchange("POST", f"/services/sums/{path}", {"a": 1, "b": 2}, {"content-type": "application/json"})
            assert status == 200, (status, content)
            said = json.loads(content)
            assert said["sum"] == {"1": 3.0, "2": 30.0}[headers["gyre-model-version"]] and said["path"] == path, (said, headers)
            found[headers["gyre-model-version"]] = found.get(headers["gyre-model-version"], 0) + 1
        return found

    assert answers(5) == {"1": 5}
    status, _, headers = server.exchange("POST", "/services/sums/broken", {"a": 1, "b": 2}, {"content-type": "application/json"})
    assert status == 500
    shown = server.api("GET", "/endpoints/sums")["counts"][0]
    assert shown["errors"] == 1 and shown["predictions"] == 6, shown

    # A canary is an application beside; a rollback needs no new one.
    server.run("model", "import", version(10), "--name", "sums")
    server.run("endpoint", "deploy", "sums", "--steps", "50,100")
    shares = answers(40)
    assert set(shares) == {"1", "2"}, shares
    names = [name for name in cluster()["applications"] if name.startswith("gyre-sums")]
    assert len(names) == 2, names
    server.run("endpoint", "promote", "sums")
    assert answers(3) == {"2": 3}
    server.run("release", "rollback", "sums@1")
    assert answers(3) == {"1": 3}

    # What does not run is told before traffic moves, and leaves nothing on the cluster.
    server.run("model", "import", version(-1), "--name", "sums")
    said = server.run("endpoint", "deploy", "sums", "--version", "3", status=64).stderr
    assert "sums@3" in said and "below zero" in said, said
    assert answers(3) == {"1": 3}
    assert not [name for name in cluster()["applications"] if name.startswith("gyre-sums-3") and cluster()["applications"][name]["status"] != "DELETING"]

    # Applications outlive the server, and are taken up again.
    server.kill()
    server.start()
    assert answers(3) == {"1": 3}
    assert "theirs" in cluster()["applications"]
    # A version that is loaded anew is the same application, which stays.
    server.run("endpoint", "deploy", "sums", "--version", "1", "--strategy", "all-at-once")
    time.sleep(5)
    assert answers(3) == {"1": 3}
    server.stop()
finally:
    subprocess.run([ray, "stop", "--force"], env=clean, capture_output=True, timeout=300)
print("applications of Ray Serve were served")
