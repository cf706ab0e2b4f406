# SPDX-License-Identifier: Apache-2.0
"""Everyday models, logged by the real mlflow client, asked in every form and held against their own pyfunc and mlflow's scoring server."""
import collections
import json
import os
import sys
import traceback
import warnings

warnings.simplefilter("ignore")
os.environ["ZOO_WORK"] = sys.argv[2]
os.environ["MLFLOW_DISABLE_SCHEMA_DETAILS"] = ""

import mlflow
import zoo_forms
from mlflow.pyfunc import scoring_server
from server import Server
from zoo_models import MODELS

WANTED = sys.argv[3:] or list(MODELS)
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
        # To the letter what mlflow's server says of the same request.
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
print(dict(score))
