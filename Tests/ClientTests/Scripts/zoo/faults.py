# SPDX-License-Identifier: Apache-2.0
"""Models of MLflow that misbehave and requests that do not fit: a clear error in the dialect's form, and what works goes on."""
import concurrent.futures
import json
import os
import signal
import sys
import time
import warnings

warnings.simplefilter("ignore")

import cloudpickle
import mlflow
import numpy
import pandas
from mlflow.models import infer_signature
from server import Server

cloudpickle.register_pickle_by_value(sys.modules[__name__])
server = Server(sys.argv[1], sys.argv[2], options=["--trust-models"]).start()
mlflow.set_tracking_uri(server.url)
ROWS = pandas.DataFrame({"n": [1.0, 2.0], "s": ["a", "b"]})


class Odd(mlflow.pyfunc.PythonModel):
    """Does what the text of the first row says."""

    def predict(self, context, model_input):
        word = model_input["s"].iloc[0]
        if word == "raise":
            raise RuntimeError("the model is unwell")
        if word == "print":
            print("x" * 200_000, flush=True)
            os.write(1, b"{not json\n")
        if word == "exit":
            sys.exit(3)
        if word == "die":
            os._exit(3)
        if word == "fork":
            if os.fork() == 0:
                time.sleep(600)
        if word == "chdir":
            os.chdir("/")
        if word == "write":
            open("left-behind.txt", "w").write("x")
        if word == "nothing":
            return None
        if word == "object":
            return object()
        if word == "short":
            return [1]
        if word == "nan":
            return numpy.array([numpy.nan, numpy.inf])
        return model_input["n"].tolist()


mlflow.pyfunc.log_model(
    name="model", python_model=Odd(), registered_model_name="odd", signature=infer_signature(ROWS), pip_requirements=["mlflow", "numpy", "pandas"])
server.run("endpoint", "deploy", "odd")


def ask(word="fine", rows=2, status=200):
    body = {"dataframe_split": {"columns": ["n", "s"], "data": [[float(row), word] for row in range(rows)]}}
    found, answer = server.request("POST", "/endpoints/odd/invocations", body, {"Content-Type": "application/json"})
    assert found == status, (word, found, str(answer)[:500])
    return answer


def fine():
    deadline = time.time() + 120
    while True:
        found, answer = server.request("POST", "/v1/models/odd:predict", {"instances": [[1.0, "fine"], [2.0, "fine"]]})
        if found == 200:
            assert answer["predictions"] == [1.0, 2.0], answer
            return
        # A process that died is started anew.
        assert found in (500, 503) and time.time() < deadline, (found, answer)


fine()
# The model's own trouble: told with its words, and the next request is answered.
assert "the model is unwell" in ask("raise", status=400)["message"]
fine()
ask("print")
fine()
for word in ["exit", "die"]:
    body = {"instances": [[1.0, word]]}
    found, answer = server.request("POST", "/v1/models/odd:predict", body)
    assert found in (400, 500, 503) and "error" in answer, (word, found, answer)
    fine()
for word in ["fork", "chdir", "write"]:
    assert ask(word)["predictions"] == [0.0, 1.0]
    fine()
assert not [path for path, _, files in os.walk(server.home + "/models") if "left-behind.txt" in files], "a model writes into no folder of models"
# Answers of any kind are written or refused, and nothing hangs.
assert ask("nothing")["predictions"] is None
found, answer = server.request("POST", "/endpoints/odd/invocations", {"dataframe_split": {"columns": ["n", "s"], "data": [[1.0, "object"]]}}, {"Content-Type": "application/json"})
assert found in (200, 400), (found, answer)
assert ask("short", rows=3)["predictions"] == [1]
status, content, _ = server.exchange("POST", "/endpoints/odd/invocations", {"dataframe_split": {"columns": ["n", "s"], "data": [[1.0, "nan"], [2.0, "nan"]]}}, {"Content-Type": "application/json"})
assert status == 200 and b"NaN" in content, content
fine()

# Requests that do not fit.
def refused(path, body, *words, status=400):
    found, answer = server.request("POST", path, body, {"Content-Type": "application/json"})
    assert found == status and all(word in str(answer) for word in words), (body if len(str(body)) < 300 else "…", found, str(answer)[:400])


SCORED, V1, V2 = "/endpoints/odd/invocations", "/v1/models/odd:predict", "/v2/models/odd/infer"
for body, *words in [
    ({}, "dataframe_split"), ([], "no object"), ({"dataframe_split": {"columns": ["n"], "data": [[1.0]]}}, "s"),
    ({"dataframe_split": {"columns": ["n", "s"], "data": [["x", "a"]]}}, "n"), ({"dataframe_records": [{"n": 1.0}]}, "s"),
    ({"instances": [[1.0]]}, "values"), ({"instances": [[1.0, "a", 3]]}, "values"), ({"inputs": {"q": [1]}}, ""),
    ({"dataframe_split": {"columns": ["n", "s"], "data": [[1.0, "a"]]}, "instances": []}, "needs one"),
    ({"dataframe_split": {"columns": ["n", "s"], "data": [[1.0, "a"]]}, "params": {"k": 1}}, "no parameter k")]:
    refused(SCORED, body, *words)
refused(V1, {"instances": [[1.0]]}, "values")
refused(V2, {"inputs": [{"name": "n", "datatype": "FP64", "shape": [1], "data": [1.0]}]}, "s")
refused(V2, {"inputs": [{"name": "n", "datatype": "FP64", "shape": [2], "data": [1.0, 2.0]}, {"name": "s", "datatype": "BYTES", "shape": [1], "data": ["a"]}]}, "length")
refused(V2, {"inputs": [{"name": "q", "datatype": "FP64", "shape": [1], "data": [1.0]}, {"name": "s", "datatype": "BYTES", "shape": [1], "data": ["a"]}]}, "no column q")
found, answer = server.request("POST", SCORED, b"a,b\n\"unclosed", {"Content-Type": "text/csv"})
assert found == 400, (found, answer)
found, answer = server.request("POST", SCORED, b"{\"dataframe_split\": {", {"Content-Type": "application/json"})
assert found == 400, (found, answer)
found, answer = server.request("POST", SCORED, b"x", {"Content-Type": "application/x-parquet"})
assert found == 400 and "content type" in str(answer), (found, answer)
fine()
# Texts of a megabyte, and many rows.
assert ask("y" * 1_000_000)["predictions"] == [0.0, 1.0]
assert len(ask(rows=100_000)["predictions"]) == 100_000
fine()

# Deployed twice at once: one goes out, the other is refused or the same; then all processes are killed, and the server too.
mlflow.pyfunc.log_model(
    name="model", python_model=Odd(), registered_model_name="odd", signature=infer_signature(ROWS), pip_requirements=["mlflow", "numpy", "pandas"])
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    answers = list(pool.map(lambda _: server.request("POST", "/api/gyre/v1/endpoints/odd/deploy", {"version": "2"}), range(2)))
assert sorted(status for status, _ in answers) in ([200, 409],), answers
assert len(server.api("GET", "/endpoints/odd")["rollouts"]) == 1

assert "odd@1" in server.processes().values(), server.processes()
for process in server.processes():
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass
fine()
# What a model started outlives a killed server, and holds nothing of it.
ask("fork")
server.kill()
server.start()
fine()
server.stop()
print("what misbehaved was told, and everything else went on")
