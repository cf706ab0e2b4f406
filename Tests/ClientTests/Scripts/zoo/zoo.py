# SPDX-License-Identifier: Apache-2.0
"""Everyday models, logged by the real mlflow client, asked in every form and held against their own pyfunc and mlflow's scoring server.

After the server and the folder comes the Python that has the models' libraries, and then the names of models, or --all; without either a
part of the zoo is asked, one of each kind.
"""
import collections
import json
import os
import sys
import traceback
import warnings

if os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(sys.argv[3]))):
    os.execv(sys.argv[3], [sys.argv[3], *sys.argv])

warnings.simplefilter("ignore")
os.environ["ZOO_WORK"] = sys.argv[2]

import mlflow
import zoo_forms
from mlflow.pyfunc import scoring_server
from server import Server
from zoo_models import MODELS

# One of each kind: converted, by its own library, in Python beside the server's packages, in an environment of its own.
USUAL = [
    "pipeline_of_texts_and_numbers", "missing_values", "words_without_signature", "xgboost_classifier", "xgboost_early", "lightgbm_booster",
    "catboost_classifier", "onnx", "parameters", "answers_dicts", "kinds", "optional_columns", "objects", "type_hints", "named_tensors", "chat"]
WANTED = list(MODELS) if "--all" in sys.argv else sys.argv[4:] or USUAL
server = Server(sys.argv[1], sys.argv[2], options=["--trust-models"]).start()
mlflow.set_tracking_uri(server.url)
score = collections.Counter()
problems = []


def judge(real, made):
    """What mlflow's own scoring server answers; None where it refuses, and where it has no such address."""
    path, headers, body, read = made
    if not path.endswith("/invocations"):
        return None
    try:
        answer = scoring_server.invocations(body.decode(), headers["content-type"], real, real.metadata.get_input_schema())
        return read(json.loads(answer.response)) if answer.status == 200 else None
    except Exception:
        return None


def ask(name, form, real, rows, expected):
    made = form(name, rows)
    if made is None:
        return None
    path, headers, body, read = made
    status, content, _ = server.exchange("POST", path, body, headers)
    theirs = judge(real, made)
    if status != 200:
        verdict = "REFUSED" if theirs is not None else "refused by both" if path.endswith("/invocations") else "refused"
        return f"{verdict} {status}: {content[:400].decode(errors='replace')}"
    try:
        found = read(json.loads(content))
    except Exception as error:
        found = f"unreadable: {error!r}: {content[:300]}"
    if theirs is not None:
        # What mlflow's server says of the same request, in its form.
        return "right" if zoo_forms.alike(found, theirs) else f"WRONG: {str(found)[:300]} and not {str(theirs)[:300]}"
    if zoo_forms.alike(found, expected) or zoo_forms.alike(zoo_forms.bare(found), zoo_forms.bare(expected)):
        return "right"
    return f"WRONG: {str(found)[:300]} and not {str(expected)[:300]}"


for name in WANTED:
    try:
        rows = MODELS[name](name)
    except Exception as error:
        problems.append((name, "", f"not logged: {traceback.format_exc()[-600:]}"))
        continue
    real = mlflow.pyfunc.load_model(f"models:/{name}/1")
    expected = zoo_forms.result(real.predict(rows))
    expected = expected["choices"][0]["message"]["content"] if name == "chat" else expected
    status, answer = server.request("POST", f"/api/gyre/v1/endpoints/{name}/deploy", {"version": "1"})
    if status != 200:
        problems.append((name, "", f"not deployed: {answer}"))
        score["not deployed"] += 1
        continue
    line = []
    for form in zoo_forms.FORMS:
        said = ask(name, form, real, rows, expected)
        if said is None:
            continue
        word = said.split(" ")[0].rstrip(":")
        score[said.split(" ")[0].rstrip(":") if not said.startswith("refused by both") else "refused by both"] += 1
        if said != "right":
            problems.append((name, form.__name__, said))
        line.append(f"{form.__name__} {word}")
    print(f"{name}: {', '.join(line)}", flush=True)
print()
for problem in problems:
    print(*problem, flush=True)
print(", ".join(f"{count} {word}" for word, count in sorted(score.items())))
if any(score[word] for word in ("WRONG", "REFUSED", "not deployed")) or any("not logged" in problem[2] for problem in problems):
    sys.exit(1)

# Parameters are checked against the model's schema and used, through every protocol.
if "parameters" in WANTED:
    rows = [[1.0, 2], [3.0, 4]]
    asked = {
        "/endpoints/parameters/invocations": ({"dataframe_split": {"columns": ["price", "age"], "data": rows}}, "params", lambda answer: zoo_forms.bare(answer["predictions"])),
        "/v1/models/parameters:predict": ({"instances": rows}, "parameters", lambda answer: zoo_forms.bare(answer["predictions"])),
        "/v2/models/parameters/infer": ({"inputs": [{"name": "x", "datatype": "FP64", "shape": [2, 2], "data": [1.0, 2, 3.0, 4]}]}, "parameters", lambda answer: answer["outputs"][0]["data"])}
    for path, (body, member, read) in asked.items():
        for k, factor in [(None, 3), (5, 5), (10, 10)]:
            status, answer = server.request("POST", path, {**body, **({member: {"k": k}} if k else {})})
            assert status == 200 and read(answer) == [3 * factor, 7 * factor], (path, k, answer)
        status, answer = server.request("POST", path, {**body, member: {"k": "many"}})
        assert status == 400 and "k" in str(answer), (path, answer)
        if not path.startswith("/v2"):
            status, answer = server.request("POST", path, {**body, member: {"q": 1}})
            assert status == 400 and "no parameter q" in str(answer), (path, answer)

# What a model was released with says where it runs.
if "catboost_classifier" in WANTED:
    pins = server.api("GET", "/releases/catboost_classifier/1")["pins"]["environment"]["model"]
    assert not pins["shared"] and any(line.startswith("catboost==") for line in pins["requirements"]), pins
    # A package that cannot be had is told before anything goes out.
    import mlflow.pyfunc

    class Nothing(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input):
            return model_input

    mlflow.pyfunc.log_model(
        name="model", python_model=Nothing(), registered_model_name="impossible",
        pip_requirements=["mlflow", "no-such-package-of-anybody==1.0"])
    status, answer = server.request("POST", "/api/gyre/v1/endpoints/impossible/deploy", {})
    assert status == 503 and "impossible@1" in answer["error"]["what"] and "no-such-package-of-anybody" in answer["error"]["why"], answer
    assert server.request("GET", "/api/gyre/v1/endpoints/impossible")[0] == 404
server.stop()
