# SPDX-License-Identifier: Apache-2.0
"""Seldon Core's Python client: arrays, tensors, texts, names, feedback, errors, against models of ONNX and of Python."""
import json
import subprocess
import sys
import warnings

warnings.simplefilter("ignore")

import mlflow
import numpy
import pandas
from mlflow.models import infer_signature
from server import Server
from sklearn.linear_model import LinearRegression

work, python = sys.argv[2], sys.argv[3]
server = Server(sys.argv[1], work, options=["--trust-models"]).start()
mlflow.set_tracking_uri(server.url)
luck = numpy.random.default_rng(2)
x = pandas.DataFrame(luck.normal(size=(200, 3)), columns=["a", "b", "c"])
model = LinearRegression().fit(x, x["a"] * 2 + x["b"])
for name, more in (("line", {}), ("line-in-python", {"metadata": {"gyre_serve": "python"}})):
    mlflow.sklearn.log_model(
        model, name="model", registered_model_name=name, signature=infer_signature(x, model.predict(x)), input_example=x.head(5),
        serialization_format="cloudpickle", **more)
    server.run("endpoint", "deploy", name)


class Shout(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [str(text).upper() for text in numpy.asarray(model_input).ravel()]


mlflow.pyfunc.log_model(name="model", python_model=Shout(), registered_model_name="shout", signature=infer_signature(["a"], ["A"]), pip_requirements=["mlflow"])
server.run("endpoint", "deploy", "shout")


def client(code, deployment="line"):
    head = f"""
import json, numpy
from seldon_core.seldon_client import SeldonClient
client = SeldonClient(deployment_name={deployment!r}, namespace="team", gateway="ambassador", gateway_endpoint="127.0.0.1:{server.port}", transport="rest")
x = numpy.array({x.head(4).to_numpy().tolist()})
"""
    done = subprocess.run([python, "-W", "ignore", "-c", head + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.strip().splitlines()]


expected = model.predict(x.head(4))
for deployment in ("line", "line-in-python"):
    array, tensor, named, turned = client("""
for more in ({"payload_type": "ndarray"}, {"payload_type": "tensor"}, {"payload_type": "ndarray", "names": ["f0", "f1", "f2"]}):
    said = client.predict(data=x, **more)
    assert said.success, said.msg
    print(json.dumps(said.response))
said = client.predict(data=x[:, ::-1], names=["c", "b", "a"], payload_type="ndarray")
print(json.dumps(said.response))
""", deployment)
    for answer in (array, named, turned):
        assert numpy.allclose(numpy.asarray(answer["data"]["ndarray"], dtype=float).ravel(), expected, atol=1e-5), (deployment, answer)
    assert tensor["data"]["tensor"]["shape"] == [4, 1] and numpy.allclose(tensor["data"]["tensor"]["values"], expected, atol=1e-5), tensor
    assert array["meta"]["puid"] and array["meta"]["requestPath"] == {deployment: "version 1"}, array

# Feedback finds its prediction: the truth, or else the reward.
first, second, lost = client("""
from seldon_core.utils import json_to_seldon_message, seldon_message_to_json
import requests

said = client.predict(data=x[:1], payload_type="ndarray")
body = {"request": seldon_message_to_json(said.request), "response": said.response, "reward": 0.0, "truth": {"data": {"ndarray": [[7.5]]}}}
answer = requests.post("http://GATEWAY/seldon/team/line/api/v1.0/feedback", json=body)
assert answer.status_code == 200, answer.text
print(json.dumps(said.response["meta"]["puid"]))
said = client.predict(data=x[:1], payload_type="ndarray")
told = client.feedback(prediction_request=said.request, prediction_response=json_to_seldon_message(said.response), reward=0.25)
assert told.success, told.msg
print(json.dumps(said.response["meta"]["puid"]))
lost = json_to_seldon_message({"meta": {"puid": "nobody"}})
print(json.dumps(client.feedback(prediction_request=said.request, prediction_response=lost, reward=1.0).success))
""".replace("GATEWAY", f"127.0.0.1:{server.port}"))
assert server.api("GET", f"/endpoints/line/predictions/{first}")["prediction"]["label"] == 7.5
assert server.api("GET", f"/endpoints/line/predictions/{second}")["prediction"]["label"] == 0.25
assert lost is False

said, = client('print(json.dumps(client.predict(str_data="to be", payload_type="strData").response))', "shout")
assert said["strData"] == "TO BE", said
# JSON, and the address of the protocol's first days.
status, answer = server.request("POST", "/seldon/team/line/api/v0.1/predictions", {"jsonData": x.head(2).to_numpy().tolist()})
assert status == 200 and numpy.allclose(numpy.asarray(answer["jsonData"], dtype=float).ravel(), expected[:2], atol=1e-5), answer
# Bad messages.
refused, = client("""
said = client.predict(data=x[:, :2], payload_type="ndarray")
print(json.dumps(said.success))
""")
assert refused is False
for body, word in (
        ({}, "no data"), ({"data": {"ndarray": [[1, 2, 3]], "tensor": {"shape": [1, 1], "values": [1]}}}, "2 forms"),
        ({"data": {"tensor": {"shape": [2, 3], "values": [1]}}}, "1 values"), ({"data": {"ndarray": []}}, "0 rows"),
        ({"data": {"tensor": {"shape": [-1, 4611686018427387904], "values": []}}}, "values"), ({"data": {"ndarray": [["x", "y", "z"]]}}, "")):
    status, answer = server.request("POST", "/seldon/team/line/api/v1.0/predictions", body)
    assert status == 400 and word in answer["status"]["info"], (body, status, answer)
assert server.request("POST", "/seldon/team/nobody/api/v1.0/predictions", {"data": {"ndarray": [[1]]}})[0] == 404
assert server.request("GET", "/seldon/team/line/api/v1.0/predictions")[0] == 405
status, answer = server.request("GET", "/seldon/team/line/api/v1.0/metadata")
assert status == 200 and answer["models"]["line"]["versions"] == ["1"], answer
server.stop()
print("seldon's client had its day")
