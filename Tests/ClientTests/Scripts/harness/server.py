# SPDX-License-Identifier: Apache-2.0
"""A real server for the client scripts: started, stopped, killed."""
import atexit
import http.client
import json
import os
import signal
import subprocess
import sys
import time

from ports import free_port

# A test runner may block or ignore signals, and every program that a script starts would inherit that.
signal.pthread_sigmask(signal.SIG_SETMASK, set())
signal.signal(signal.SIGTERM, signal.SIG_DFL)


class Server:
    def __init__(self, gyre, home, name="home", options=()):
        self.options = list(options)
        self.gyre, self.home = gyre, f"{home}/{name}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # The scripts' own modules are none of the server's, nor of the workers and tasks that it starts.
        self.environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.environment["GYRE_HOME"] = self.home
        # Tasks leave marks for the scripts that look at them.
        self.environment["GYRE_TASK_FOLDERS"] = os.path.realpath(home)
        # mlflow's own telemetry races with its requests at times, and the task that it runs in fails.
        self.environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
        self.environment.setdefault("GYRE_TASK_VARIABLES", "MLFLOW_DISABLE_TELEMETRY")
        self.process, self.token = None, None
        # The same scripts run against a server that asks who calls, as somebody who may just do what they do.
        self.roles = os.environ.get("GYRE_TEST_ROLES", "").split()
        if self.roles:
            self.options.append("--auth")

    def start(self):
        if os.path.exists(f"{self.home}/server.json"):
            os.remove(f"{self.home}/server.json")
        os.makedirs(self.home, exist_ok=True)
        self.log = open(self.home + ".log", "a")
        self.process = subprocess.Popen(
            [self.gyre, "up", "--http", f"127.0.0.1:{self.port}", *self.options], env=self.environment, stderr=self.log)
        atexit.register(self.process.kill)  # a script that fails leaves no server behind
        deadline = time.time() + 600
        while not os.path.exists(f"{self.home}/server.json"):
            if self.process.poll() is not None or time.time() > deadline:
                sys.exit("the server did not start: " + open(self.home + ".log").read()[-1000:])
            time.sleep(0.01)
        deadline = time.time() + 600
        while self.request("GET", "/v2/health/ready")[0] != 200:
            assert time.time() < deadline, "the models did not become ready"
            time.sleep(0.01)
        if self.roles and not self.token:
            roles = [word for role in self.roles for word in ("--role", role)]
            self.run("user", "create", "suite", "--service", *roles)
            self.token = self.run("token", "create", "suite", "--owner", "service/suite").stdout.strip()
            self.environment["GYRE_TOKEN"] = os.environ["MLFLOW_TRACKING_TOKEN"] = self.token
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=600) == 0, "the server did not stop gracefully"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def processes(self, parent=None):
        """The processes below the server: their names by their numbers."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if f"PPid:\t{parent or self.process.pid}\n" in open(f"/proc/{pid}/status").read():
                    found |= {int(pid): open(f"/proc/{pid}/comm").read().strip(), **self.processes(int(pid))}
            except OSError:
                pass  # it has ended meanwhile
        return found

    def request(self, method, path, body=None, headers={}):
        status, content, _ = self.exchange(method, path, body, headers)
        try:
            return status, json.loads(content)
        except ValueError:
            return status, content

    def exchange(self, method, path, body=None, headers={}):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if self.token and "authorization" not in map(str.lower, headers):
            headers = {**headers, "Authorization": "Bearer " + self.token}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content, {name.lower(): value for name, value in answer.getheaders()}

    def api(self, method, path, body=None, status=200):
        found, answer = self.request(method, "/api/gyre/v1" + path, body)
        assert found == status, f"{method} {path} answered {found}: {answer}"
        return answer

    def run(self, *arguments, status=0, input=None):
        done = subprocess.run([self.gyre, *arguments], env=self.environment, capture_output=True, text=True, input=input)
        assert done.returncode == status, f"gyre {arguments} ended with {done.returncode}: {done.stdout} {done.stderr}"
        return done


def onnx_model(path, slope=1.0, features=3):
    """A logistic regression as ONNX, with a score that rises with the first column."""
    import numpy
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.linear_model import LogisticRegression

    x = numpy.random.default_rng(1).random((400, features)).astype(numpy.float32)
    model = LogisticRegression().fit(x, (slope * (x[:, 0] - 0.5) > 0).astype(int))
    graph = convert_sklearn(
        model, name="m", initial_types=[("X", FloatTensorType([None, features]))], options={id(model): {"zipmap": False}})
    if path:
        open(path, "wb").write(graph.SerializeToString())
    return model, graph
