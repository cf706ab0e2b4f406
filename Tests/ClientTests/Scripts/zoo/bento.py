# SPDX-License-Identifier: Apache-2.0
"""Real bentos, built by BentoML and asked by BentoML's own client: routes, arrays, streams, tasks; canary, shadow, log, rollback; faults."""
import json
import os
import signal
import subprocess
import sys
import time

from ports import free_port
from server import Server

work, python = sys.argv[2], sys.argv[3]
environment = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, "BENTOML_HOME": f"{work}/bentoml", "BENTOML_DO_NOT_TRACK": "True",
    # BentoML looks for uv on the path.
    "PATH": os.path.dirname(sys.executable) + ":" + os.environ["PATH"]}

SERVICE = '''
from __future__ import annotations
import typing as t
import bentoml
import numpy as np
import pydantic

class Row(pydantic.BaseModel):
    price: float
    city: str = "Oslo"

@bentoml.service(name="sums", workers=1)
class Sums:
    def __init__(self):
        START
        self.factor = FACTOR

    @bentoml.api
    def add(self, a: float, b: float = 1.0) -> float:
        if a < -1000:
            raise RuntimeError("too small")
        return self.factor * (a + b)

    @bentoml.api(batchable=True, batch_dim=0)
    def triple(self, rows: np.ndarray) -> np.ndarray:
        return rows * self.factor

    @bentoml.api
    def describe(self, row: Row) -> dict:
        return {"text": f"{row.city}: {row.price}", "price": row.price * self.factor}

    @bentoml.api
    async def words(self, prompt: str) -> t.AsyncGenerator[str, None]:
        for word in prompt.split():
            yield word + " "

    @bentoml.api
    def tenant(self, ctx: bentoml.Context) -> str:
        return ctx.request.headers.get("x-tenant", "nobody")

    @bentoml.task
    def slow(self, n: int) -> int:
        return n * 2
'''


def build(factor, start="pass", requirement="numpy"):
    """A bento of its own version; gives its folder."""
    folder = f"{work}/source"
    os.makedirs(folder, exist_ok=True)
    open(f"{folder}/service.py", "w").write(SERVICE.replace("FACTOR", str(factor)).replace("START", start))
    # A bento whose service does not start is built from one that does.
    if start != "pass":
        open(f"{folder}/service.py", "w").write(SERVICE.replace("FACTOR", str(factor)).replace("START", "pass"))
    open(f"{folder}/bentofile.yaml", "w").write(
        f'service: "service:Sums"\ninclude: ["service.py"]\npython:\n  packages: ["numpy", "{requirement}"]\n  lock_packages: false\n')
    done = subprocess.run([python, "-m", "bentoml", "build", "-o", "tag"], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    tag = done.stdout.strip().split("__tag__:")[-1].split()[0]
    made = f"{work}/bentoml/bentos/{tag.replace(':', '/')}"
    if start != "pass":
        open(f"{made}/src/service.py", "w").write(SERVICE.replace("FACTOR", str(factor)).replace("START", start))
    return made


def client(code):
    """What BentoML's client prints."""
    head = f"import bentoml, numpy, json\nclient = bentoml.SyncHTTPClient('http://127.0.0.1:{port}', timeout=120)\n"
    done = subprocess.run([python, "-c", head + code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()


port = free_port()
server = Server(sys.argv[1], work, options=["--trust-models", "--service", f"sums=127.0.0.1:{port}"]).start()
said = server.run("model", "import", build(1), "--name", "sums").stdout
assert "model/sums@1" in said, said
server.run("endpoint", "deploy", "sums")

# A day of BentoML's client.
told = client("""
print(client.is_ready())
print(client.add(a=2.0, b=3.0), client.add(a=2))
print(client.triple(numpy.ones((2, 3))).tolist())
print(json.dumps(client.describe(row={"price": 2.5})))
print("".join(client.words(prompt="to be or not")))
try:
    client.add(a="no number")
except Exception as problem:
    print(type(problem).__name__)
try:
    client.add(a=-5000)
except Exception as problem:
    print(type(problem).__name__)
""")
assert told[:6] == ["True", "5.0 3.0", "[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]", '{"text": "Oslo: 2.5", "price": 2.5}', "to be or not ", "InvalidArgument"], told
assert len(told) == 7 and told[6] != "InvalidArgument", told
# This version of the client cannot submit tasks (it asks for a member that it does not have), so they go by hand.
task = server.request("POST", "/services/sums/slow/submit", {"n": 21}, {"content-type": "application/json"})[1]["task_id"]
deadline = time.time() + 60
while server.request("GET", f"/services/sums/slow/status?task_id={task}")[1]["status"] != "completed":
    assert time.time() < deadline
assert server.request("GET", f"/services/sums/slow/get?task_id={task}") == (200, 42)

# The same below the server's own address, with what the prediction log says of it.
status, content, headers = server.exchange("POST", "/services/sums/add", {"a": 1.0, "b": 2.0}, {"content-type": "application/json"})
assert (status, json.loads(content), headers["gyre-model-version"]) == (200, 3.0, "1"), (status, content, headers)
shown = server.api("GET", f"/endpoints/sums/predictions/{headers['gyre-prediction-id']}")
assert shown["prediction"]["score"] == 3.0 and shown["release"]["pins"]["model"] == "model/sums@1", shown
assert "bentoml" in json.dumps(shown["release"]["pins"]["environment"]), shown["release"]["pins"]
assert server.api("POST", "/endpoints/sums/labels", {"labels": [{"id": headers["gyre-prediction-id"], "label": 3}]})["joined"] == 1
status, content, _ = server.exchange("GET", "/services/sums/docs.json")
assert status == 200 and "/add" in json.loads(content)["paths"], (status, content[:200])
status, content, _ = server.exchange("POST", "/services/sums/add", {"a": "x"}, {"content-type": "application/json"})
assert status == 400, (status, content)
assert server.request("GET", "/services/sums/nothing")[0] == 404
assert server.request("GET", "/services/none/x")[0] == 404
# Header fields of the client's own reach the service; looking at a head is no prediction.
status, content, _ = server.exchange("POST", "/services/sums/tenant", {}, {"content-type": "application/json", "X-Tenant": "north"})
assert status == 200 and b"north" in content, (status, content)
assert server.exchange("HEAD", "/services/sums/docs.json")[0] == 200
# A service takes no tensors, a model of tensors is no service.
status, content = server.request("POST", "/v2/models/sums/infer", {"inputs": []})
assert status == 400 and "/services/" in content["error"], (status, content)
counts = server.api("GET", "/endpoints/sums")["counts"][0]
assert counts["errors"] == 1 and counts["predictions"] == 11, counts

# A canary gets its share by the same routes, and a rollback brings the former service back.
server.run("model", "import", build(10), "--name", "sums")
server.run("endpoint", "deploy", "sums", "--steps", "50,100")


def answers(count):
    found = {}
    for _ in range(count):
        status, content, headers = server.exchange("POST", "/services/sums/add", {"a": 1.0, "b": 1.0}, {"content-type": "application/json"})
        assert status == 200, (status, content)
        assert json.loads(content) == {"1": 2.0, "2": 20.0, "3": 2.0}[headers["gyre-model-version"]], (content, headers)
        found[headers["gyre-model-version"]] = found.get(headers["gyre-model-version"], 0) + 1
    return found


shares = answers(60)
assert set(shares) == {"1", "2"}, shares
server.run("endpoint", "promote", "sums")
assert answers(5) == {"2": 5}
server.run("release", "rollback", "sums@1")
assert answers(5) == {"1": 5}

# A shadow is asked what stable is asked, and compared.
server.run("model", "import", build(1), "--name", "sums")
server.run("endpoint", "deploy", "sums", "--strategy", "shadow")
deadline = time.time() + 120
while True:
    assert answers(5) == {"1": 5}
    seen = server.api("GET", "/endpoints/sums")["rollouts"][0]["last_numbers"].get("canary", {})
    if seen.get("compared", 0) >= 5:
        break
    assert time.time() < deadline, seen
assert seen["agreed"] == seen["compared"], seen
server.run("endpoint", "abort", "sums")

# What cannot run is told before traffic moves: a service that raises, a requirement that cannot be had.
server.run("model", "import", build(1, start='raise ValueError("no weights here")'), "--name", "sums")
said = server.run("endpoint", "deploy", "sums", "--version", "4", status=64).stderr
assert "no weights here" in said and "sums@4" in said, said
server.run("model", "import", build(1, requirement="no-such-package-of-anybody==9"), "--name", "sums")
said = server.run("endpoint", "deploy", "sums", "--version", "5", status=1).stderr
assert "no-such-package-of-anybody" in said, said
assert answers(3) == {"1": 3}

# A process that is killed is started again; one that serves ends with its server, however that ends.
workers = [pid for pid, name in server.processes().items() if name.startswith("sums@1")]
assert workers, server.processes()
for pid in workers:
    os.kill(pid, signal.SIGKILL)
deadline = time.time() + 120
while server.request("POST", "/services/sums/add", {"a": 1.0, "b": 1.0}, {"content-type": "application/json"})[0] != 200:
    assert time.time() < deadline
left = [pid for pid, name in server.processes().items() if name.startswith("sums@")]
assert left
server.kill()
deadline = time.time() + 60
while any(os.path.exists(f"/proc/{pid}") for pid in left):
    assert time.time() < deadline, left
    time.sleep(0.1)
server.start()
assert answers(3) == {"1": 3}
assert client("print(client.add(a=4, b=4))") == ["8.0"]
server.stop()

# Without trust no code of a bento runs.
server.options = []
server.start()
assert server.request("POST", "/services/sums/add", {"a": 1.0}, {"content-type": "application/json"})[0] in (403, 404, 503)
server.stop()
print("bentos were served")
