# SPDX-License-Identifier: Apache-2.0
"""The workflows of a folder of Argo's examples end as their labels say; what needs a cluster is refused with the place where it stands.

As argo_examples.py GYRE FOLDER EXAMPLES [--only NAME,...]: EXAMPLES is the folder examples of a checkout of argoproj/argo-workflows.
"""
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import yaml
from server import Server

examples = sys.argv[3]
only = sys.argv[sys.argv.index("--only") + 1].split(",") if "--only" in sys.argv else None
server = Server(sys.argv[1], sys.argv[2])
server.environment["GYRE_RUNNING_TASKS"] = "24"
server.start()
root = server.url + "/api/v1"


def ask(method, path, body=None):
    request = urllib.request.Request(root + path, method=method, data=None if body is None else json.dumps(body, default=str).encode(),
                                     headers={"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


class Loader(yaml.SafeLoader):
    pass


Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.construct_yaml_str)
documents = []
for folder, _, names in sorted(os.walk(examples)):
    for name in sorted(names):
        if not name.endswith((".yaml", ".yml")):
            continue
        path = os.path.join(folder, name)
        for document in yaml.load_all(open(path), Loader):
            if isinstance(document, dict) and str(document.get("apiVersion", "")).startswith("argoproj.io"):
                documents.append((os.path.relpath(path, examples), document))

refused, stored = [], 0
for kind, path in [("ClusterWorkflowTemplate", "/cluster-workflow-templates"), ("WorkflowTemplate", "/workflow-templates/argo")]:
    # A template may name another that comes later.
    left = [(name, document) for name, document in documents if document["kind"] == kind]
    for attempt in range(4):
        again = []
        for name, document in left:
            status, answer = ask("POST", path, {"template": document})
            if status == 200 or status == 409:
                stored += 1
            elif "There is no" in answer.get("message", "") and attempt < 3:
                again.append((name, document))
            else:
                refused.append((name, answer.get("message", "")))
        left = again
for name, document in documents:
    if document["kind"] == "CronWorkflow":
        status, answer = ask("POST", "/cron-workflows/argo/lint", {"cronWorkflow": document})
        if status != 200:
            refused.append((name, answer.get("message", "")))
for key in ("workflow", "template"):
    ask("POST", "/sync/argo", {"cmName": "my-config", "key": key, "limit": 2})
    ask("POST", "/sync/argo", {"key": key, "limit": 2})

# What a person answers, and what is stopped after a while since it would go on for ever.
ANSWERED = {"suspend-template.yaml", "suspend-template-outputs.yaml", "intermediate-parameters.yaml"}
ENDLESS = {"forever.yaml"}
# What fails as its source says: by chance, on purpose, or for want of an image from elsewhere.
FAILS = {
    "exit-handler-slack.yaml", "hello-hybrid.yaml", "hello-windows.yaml", "http-hello-world.yaml", "life-cycle-hooks-tmpl-level.yaml",
    "life-cycle-hooks-wf-level.yaml", "loops-arbitrary-sequential-steps.yaml", "pod-gc-strategy-with-label-selector.yaml",
    "conditionals.yaml", "pod-gc-strategy.yaml", "resubmit.yaml", "retry-conditional.yaml", "retry-on-error.yaml", "scripts-javascript.yaml", "step-level-timeout.yaml",
    "timeouts-workflow.yaml", "volumes-emptydir.yaml",
}


def run(case):
    name, document = case
    status, made = ask("POST", "/workflows/argo", {"workflow": document})
    if status != 200:
        return name, "refused", made.get("message", "")
    workflow = made["metadata"]["name"]
    end = time.time() + 400
    while True:
        status, found = ask("GET", f"/workflows/argo/{workflow}")
        phase = found["status"]["phase"]
        if phase not in ("Pending", "Running"):
            break
        if name in ANSWERED:
            values = {p["name"]: (p.get("valueFrom", {}).get("default") or "YES")
                      for t in document["spec"]["templates"] if "suspend" in t for p in t.get("outputs", {}).get("parameters", [])}
            if ask("PUT", f"/workflows/argo/{workflow}/set", {"outputParameters": json.dumps(values)})[0] != 200:
                ask("PUT", f"/workflows/argo/{workflow}/resume", {})
        if name in ENDLESS or time.time() > end:
            ask("PUT", f"/workflows/argo/{workflow}/terminate", {})
        time.sleep(0.2)
    message = found["status"].get("message") or ""
    if phase != "Succeeded":
        bad = [(n["displayName"], n["phase"], n.get("message", "")) for n in found["status"]["nodes"].values()
               if n["phase"] in ("Failed", "Error") and n["type"] == "Pod"]
        message = str(bad[:2])[:700] or message
    return name, phase, message


cases = [(name, document) for name, document in documents if document["kind"] == "Workflow" and (only is None or os.path.basename(name) in only)]
ends, wrong = {}, []
with ThreadPoolExecutor(8) as pool:
    for (name, document), (_, phase, message) in zip(cases, pool.map(run, cases)):
        label = (document["metadata"].get("labels") or {}).get("workflows.argoproj.io/no-test", "")
        ends.setdefault(phase, []).append(name)
        fits = phase == "Succeeded" or phase == "refused" or label in ("expected-failure", "flaky") or name in ENDLESS | FAILS
        line = f"{'  ' if fits else '!!'} {phase:10} {label:18} {name}: {message[:400]}"
        print(line, flush=True)
        if not fits:
            wrong.append(line)
print({phase: len(names) for phase, names in ends.items()}, f"{stored} templates stored, {len(refused)} objects refused")
for name, message in refused:
    print("   object", name, message[:300])
server.stop()
assert not wrong, "\n" + "\n".join(wrong)
