# SPDX-License-Identifier: Apache-2.0
"""Traffic that is shared by rules about requests and by bandits: which version answered, why, and what was learned; across a kill."""
import random
import sys

import mlflow
from server import Server, onnx_model

server = Server(sys.argv[1], sys.argv[2]).start()
mlflow.set_tracking_uri(server.url)
_, graph = onnx_model(None)
_, reverse = onnx_model(None, slope=-1.0)
for model in [graph, reverse, graph]:
    mlflow.onnx.log_model(model, name="model", registered_model_name="m", metadata={"features": ["a", "b", "c"]})


def ask(id, **parameters):
    body = {"id": id, "inputs": [{"name": "X", "shape": [1, 3], "datatype": "FP32", "data": [0.1, 0.2, 0.3]}], "parameters": parameters}
    status, answer = server.request("POST", "/v2/models/m/infer", body)
    assert status == 200, answer
    return int(answer["model_version"])


def why(id):
    return server.api("GET", f"/endpoints/m/predictions/{id}")["prediction"]["how"]


def show():
    return server.api("GET", "/endpoints/m")


# A flag needs something to choose from.
server.run("endpoint", "deploy", "m", "--version", "1")
assert ask("first") == 1 and why("first")["by"] == "alone", why("first")
assert "No rollout" in server.run("endpoint", "flag", "m", "--attribute", "country", "--values", "DE", status=4).stderr
server.run("endpoint", "deploy", "m", "--version", "2", "--strategy", "blue-green")
server.run("endpoint", "flag", "m", "--attribute", "country", "--values", "DE, FR", "--reason", "trial")
server.run("endpoint", "flag", "m", "--attribute", "plan", "--values", "pro")
assert [ask(f"c{n}", country=country) for n, country in enumerate(["DE", "FR", "IT"])] == [2, 2, 1]
assert ask("p", plan="pro") == 2 and ask("n") == 1 and why("c0")["by"] == "rule country" and why("n")["by"] == "alone"
# By headers, for protocols whose bodies have no place for attributes; the answer tells its id.
status, _, headers = server.exchange(
    "POST", "/v1/models/m:predict", {"instances": [[1, 2, 3]]}, {"Gyre-Attributes": "x=y, country=FR", "X-Request-Id": "header"})
assert status == 200 and headers["x-request-id"] == "header" and why("header")["by"] == "rule country", headers
status, _, headers = server.exchange("POST", "/endpoints/m/invocations", {"inputs": [[1, 2, 3]]}, {"Content-Type": "application/json"})
assert status == 200 and why(headers["x-request-id"])["by"] == "alone", headers
# A rule stays while the shares move, and across a kill; it ends with the rollout.
server.run("endpoint", "traffic", "m", "--canary", "50")
server.kill()
server.start()
assert {ask(f"kd{n}", country="DE") for n in range(20)} == {2} and {ask(f"ki{n}", country="IT") for n in range(60)} == {1, 2}
assert why("ki0")["by"] == "share" and why("ki0")["p"] == 0.5, why("ki0")
assert "plan" in server.run("endpoint", "show", "m").stdout
server.run("endpoint", "flag", "m", "--clear", "--attribute", "country", "--values", "DE", "--to", "stable")
assert {ask(f"ks{n}", country="DE") for n in range(20)} == {1}
server.run("endpoint", "abort", "m")
assert ask("after", country="DE") == 1 and "rules" not in show(), show()
for wrong in [{"rules": [{}]}, {"rules": [{"attribute": "a", "values": []}]}, {"rules": [{"attribute": "", "values": ["x"]}]}]:
    assert server.request("POST", "/api/gyre/v1/endpoints/m/rules", wrong)[0] == 400, wrong

# Each bandit finds the version whose answers are rewarded.
luck = random.Random(7)
for algorithm in ["epsilon-greedy", "thompson", "exp3"]:
    server.run("endpoint", "bandit", "start", "m", "--versions", "2,3", "--algorithm", algorithm, "--exploration", "0.2", "--reason", "which sells")
    assert "bandit" in server.run("endpoint", "deploy", "m", "--version", "2", "--strategy", "canary", status=4).stderr
    assert server.run("endpoint", "bandit", "start", "m", "--versions", "2", status=4)
    chosen = []
    for turn in range(30):
        ids = [f"{algorithm}-{turn}-{n}" for n in range(20)]
        versions = [ask(id) for id in ids]
        chosen += versions
        labels = [{"id": id, "label": float(luck.random() < {1: 0.1, 2: 0.8, 3: 0.2}[version])} for id, version in zip(ids, versions)]
        assert server.api("POST", "/endpoints/m/labels", {"labels": labels})["counted_for_rollout"] == 20
        if turn == 15:
            server.kill()
            server.start()
            learned = {arm["version"]: arm for arm in show()["learned"]}
            assert sum(arm["requests"] for arm in learned.values()) == sum(arm["rewards"] for arm in learned.values()) == 320, learned
    late = chosen[300:].count(2) / 300
    assert late > 0.5, (algorithm, late, show()["learned"])
    how = why(f"{algorithm}-29-0")
    assert how["by"] == "bandit" and (algorithm == "thompson" or 0 < how["p"] <= 1), how
    assert algorithm in server.run("endpoint", "show", "m").stdout and algorithm in server.run("endpoint", "list").stdout
    shown = server.request("GET", "/metrics")[1].decode()
    assert 'version="3",variant="arm"' in shown and "gyre_endpoint_traffic_ratio{" not in shown, shown
    server.run("endpoint", "bandit", "stop", "m", "--version", "9", status=3)
    for tried in [server.request("DELETE", "/api/gyre/v1/endpoints/m/bandit", {"dry_run": True}), server.request("DELETE", "/api/gyre/v1/endpoints/m/bandit?dry_run=true")]:
        assert tried[0] == 200 and tried[1]["dry_run"] and server.api("GET", "/endpoints/m")["bandit"], tried
    server.run("endpoint", "bandit", "stop", "m", *(["--version", "2"] if algorithm == "exp3" else []))
    assert show()["stable"]["version"] == (2 if algorithm == "exp3" else 1) and ask(f"{algorithm}-end") in (1, 2)
server.run("endpoint", "bandit", "stop", "m", status=4)
fact = [fact for fact in server.api("GET", "/ledger?limit=500")["facts"] if fact["kind"] == "rollout.bandit.stopped"][0]
assert fact["body"]["version"] in (1, 2) and len(fact["body"]["arms"]) == 3, fact

# A sample of the log: all are answered, some are kept.
server.run("endpoint", "log", "m", "--sample", "0.2", "--reason", "too many")
before = sum(row["predictions"] for row in show()["counts"])
for n in range(200):
    ask(f"sampled-{n}")
kept = sum(row["predictions"] for row in show()["counts"]) - before
assert 15 < kept < 80, kept
server.kill()
server.start()
assert show()["log_share"] == 0.2
server.run("endpoint", "log", "m", "--sample", "2", status=64)
server.run("endpoint", "log", "m", "--sample", "1")

# What is no bandit.
for wrong in [{"versions": []}, {"versions": ["1"], "algorithm": "luck"}, {"versions": ["1"], "reward": "fame"}, {"versions": ["1"], "exploration": 2}]:
    assert server.request("POST", "/api/gyre/v1/endpoints/m/bandit", wrong)[0] == 400, wrong
assert server.request("POST", "/api/gyre/v1/endpoints/none/bandit", {"versions": ["1"]})[0] == 404
assert server.request("POST", "/api/gyre/v1/endpoints/m/bandit", {"versions": ["17"]})[0] == 404

# A bandit goes on after a stop.
server.run("endpoint", "bandit", "start", "m", "--versions", "1")
server.stop()
assert "bandit" in server.start().run("endpoint", "show", "m", "--format", "json").stdout
print("bandits and flags shared the traffic")
