# SPDX-License-Identifier: Apache-2.0
"""A working day of hera and of the argo-workflows package: workflows, templates, cron, lists, steering, logs, artifacts, errors, a kill."""
import json
import os
import sys
import time

if os.path.realpath(sys.executable) != os.path.realpath(sys.argv[3]) or sys.prefix not in sys.argv[3]:
    os.execv(sys.argv[3], [sys.argv[3], *sys.argv])

import argo_workflows
import requests
import yaml
from argo_workflows.api import workflow_service_api
from argo_workflows.model.io_argoproj_workflow_v1alpha1_workflow_create_request import IoArgoprojWorkflowV1alpha1WorkflowCreateRequest
from hera.exceptions import AlreadyExists, BadRequest, HeraException, NotFound
from hera.workflows import (DAG, Artifact, Container, CronWorkflow, Env, NoneArchiveStrategy, Parameter, RetryStrategy, Script, Steps, Suspend, Task,
                            ClusterWorkflowTemplate, Workflow, WorkflowsService, WorkflowTemplate, script)
from hera.workflows import models as m
from server import Server

server = Server(sys.argv[1], sys.argv[2])
server.environment["GYRE_RUNNING_TASKS"] = "8"
server.start()
service = WorkflowsService(host=server.url, namespace="team", token=server.token or None)
head = {"Authorization": "Bearer " + server.token} if server.token else {}


def until(what, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come to pass: " + what.__doc__ if what.__doc__ else "it did not come to pass")


def ended(name, phase="Succeeded"):
    def look():
        found = service.get_workflow(name)
        return found if found.status.phase in ("Succeeded", "Failed", "Error") else None
    found = until(look)
    assert found.status.phase == phase, (found.status.phase, found.status.message, {n.display_name: n.message for n in found.status.nodes.values()})
    return found


def node(workflow, display):
    found = [n for n in workflow.status.nodes.values() if n.display_name == display]
    assert found, (display, [n.display_name for n in workflow.status.nodes.values()])
    return found[0]


def result(workflow, display):
    return node(workflow, display).outputs.result


def make(manifest, namespace="team"):
    """A workflow as curl sends it."""
    if isinstance(manifest, str):
        manifest = yaml.safe_load(manifest)
    answer = requests.post(f"{server.url}/api/v1/workflows/{namespace}", json={"workflow": manifest}, headers=head)
    return answer.status_code, answer.json()


def refused(manifest, *words):
    status, answer = make(manifest)
    assert status == 400, (status, answer)
    assert all(word in answer["message"] for word in words), (words, answer)


# What the service says of itself.
assert service.get_version().version.startswith("v3")
assert service.get_info().links == []
service.get_user_info()

# A diamond written with hera: scripts hand on what they print, a loop over what one gave, a condition, an artifact.


@script(image="python:3.11")
def numbers(count: int):
    import json
    print(json.dumps(list(range(count))))


@script(image="python:3.11")
def double(n: int):
    print(n * 2)


@script(image="python:3.11")
def total(values: list):
    print(sum(int(v) for v in values))


with Workflow(generate_name="diamond-", entrypoint="main", namespace="team", workflows_service=service, labels={"team": "red"},
              arguments=[Parameter(name="count", value="4")]) as diamond:
    with DAG(name="main"):
        first = numbers(arguments={"count": "{{workflow.parameters.count}}"})
        each = double(arguments={"n": "{{item}}"}, with_param=first.result)
        end = total(arguments={"values": each.result})
        first >> each >> end
made = diamond.create()
assert made.metadata.name.startswith("diamond-") and made.metadata.labels["team"] == "red", made.metadata
found = ended(made.metadata.name)
assert result(found, "total") == "12", node(found, "total")
assert node(found, "double").type == "TaskGroup" and len(node(found, "double").children) == 4
assert found.status.progress == "6/6" and found.metadata.labels["workflows.argoproj.io/phase"] == "Succeeded"
# It is a run like any other.
runs = requests.get(f"{server.url}/api/gyre/v1/pipeline-runs", headers=head).json()["runs"]
assert any(run["name"] == made.metadata.name and run["state"] == "SUCCEEDED" for run in runs), runs

# Files at paths of their own: two tasks write the same path at the same time and do not meet.
status, wf = make("""
metadata: {generateName: files-}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: a, template: write, arguments: {parameters: [{name: text, value: one}]}}
      - {name: b, template: write, arguments: {parameters: [{name: text, value: two}]}}
    - - name: read
        template: read
        arguments:
          parameters: [{name: said, value: "{{steps.b.outputs.parameters.said}}"}]
          artifacts: [{name: file, from: "{{steps.a.outputs.artifacts.file}}"}, {name: note, raw: {data: "raw {{workflow.name}}"}}]
    outputs:
      parameters: [{name: all, valueFrom: {parameter: "{{steps.read.outputs.result}}"}, globalName: everything}]
  - name: write
    inputs: {parameters: [{name: text}]}
    container: {image: alpine:3, command: [sh, -c], args: ["sleep 0.3; mkdir -p /mnt/out; echo {{inputs.parameters.text}} > /mnt/out/x; cp /mnt/out/x /tmp/said"]}
    outputs:
      parameters: [{name: said, valueFrom: {path: /tmp/said}}]
      artifacts: [{name: file, path: /mnt/out}]
  - name: read
    inputs: {parameters: [{name: said}], artifacts: [{name: file, path: /data/in}, {name: note, path: /etc-note}]}
    script: {image: alpine:3, command: [sh], source: "echo $(cat /data/in/x) {{inputs.parameters.said}} $(cat {{inputs.artifacts.note.path}}) $GREETING", env: [{name: GREETING, value: "{{workflow.namespace}}"}]}
""")
assert status == 200, wf
found = ended(wf["metadata"]["name"])
assert result(found, "read") == f"one two raw {wf['metadata']['name']} team", result(found, "read")
assert found.status.outputs.parameters[0].value == result(found, "read"), found.status.outputs
one = node(found, "a")
listed = requests.get(f"{server.url}/artifacts/team/{wf['metadata']['name']}/{one.id}/file", headers=head).json()
assert listed == {"files": [{"path": "x", "size": 4}]}, listed

# Logs: of a workflow, of one pod, the lines that fit, and as they come.
lines = requests.get(f"{server.url}/api/v1/workflows/team/{wf['metadata']['name']}/log", headers=head, params={"logOptions.container": "main"}).text.splitlines()
assert any("one two raw" in json.loads(line)["result"]["content"] for line in lines), lines
entry = requests.get(f"{server.url}/api/v1/workflows/team/{wf['metadata']['name']}/{node(found, 'read').id}/log", headers=head, params={"grep": "two"}).text
assert json.loads(entry)["result"]["podName"] == node(found, "read").id, entry
status, wf = make({"metadata": {"generateName": "talk-"}, "spec": {"entrypoint": "say", "templates": [
    {"name": "say", "script": {"image": "alpine", "command": ["sh"], "source": "for i in 1 2 3; do echo line $i; sleep 0.4; done"}}]}})
with requests.get(f"{server.url}/api/v1/workflows/team/{wf['metadata']['name']}/log", headers=head | {"Accept": "text/event-stream"},
                  params={"logOptions.follow": "true"}, stream=True, timeout=30) as stream:
    said = [json.loads(line[6:])["result"]["content"] for line in stream.iter_lines() if line.startswith(b"data: ")]
assert said == ["line 1", "line 2", "line 3"], said

# Events of workflows as they go.
status, wf = make({"metadata": {"generateName": "watched-", "labels": {"who": "watched"}}, "spec": {"entrypoint": "say", "templates": [
    {"name": "say", "container": {"image": "alpine", "command": ["sleep", "1"]}}]}})
phases = []
with requests.get(f"{server.url}/api/v1/workflow-events/team", headers=head, params={"listOptions.labelSelector": "who=watched"}, stream=True, timeout=30) as stream:
    for line in stream.iter_lines():
        if line.strip():
            event = json.loads(line)["result"]
            phases.append((event["type"], event["object"]["status"]["phase"]))
            if phases[-1][1] == "Succeeded":
                break
assert phases[0][0] == "ADDED" and phases[-1] == ("MODIFIED", "Succeeded"), phases

# Lists: labels, fields, pages, parts of the answer.
for n in range(7):
    status, wf = make({"metadata": {"name": f"counted-{n}", "labels": {"parity": str(n % 2), "set": "counted"}}, "spec": {
        "entrypoint": "t", "templates": [{"name": "t", "suspend": {"duration": "0"}}]}})
    assert status == 200, wf
until(lambda: all(w.status.phase == "Succeeded" for w in service.list_workflows(label_selector="set=counted").items))
assert len(service.list_workflows(label_selector="set=counted,parity=1").items) == 3
assert len(service.list_workflows(label_selector="set=counted,parity!=1,workflows.argoproj.io/phase in (Succeeded, Failed)").items) == 4
seen, go_on = [], None
while True:
    page = service.list_workflows(label_selector="set=counted", limit="3", continue_=go_on)
    seen += [w.metadata.name for w in page.items]
    go_on = page.metadata.continue_
    if not go_on:
        break
assert sorted(seen) == [f"counted-{n}" for n in range(7)] and len(seen) == 7, seen
only = requests.get(f"{server.url}/api/v1/workflows/team", headers=head, params={"fields": "items.metadata.name", "listOptions.fieldSelector": "metadata.name=counted-3"}).json()
assert only == {"items": [{"metadata": {"name": "counted-3"}}]}, only
assert requests.get(f"{server.url}/api/v1/workflows/", headers=head).status_code == 200
try:
    make_again = Workflow(name="counted-3", entrypoint="t", namespace="team", workflows_service=service, templates=[Suspend(name="t", duration=0)]).create()
    raise AssertionError(make_again)
except AlreadyExists:
    pass
service.delete_workflow("counted-3")
try:
    service.get_workflow("counted-3")
    raise AssertionError("it is there still")
except NotFound:
    pass

# A person answers: values are given, missing ones are asked for, no is no.
asking = """
metadata: {generateName: asking-}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: approve, template: approve}
    - - {name: deploy, template: deploy, when: "{{steps.approve.outputs.parameters.answer}} == YES"}
  - name: approve
    suspend: {}
    outputs: {parameters: [{name: answer, valueFrom: {supplied: {}}}]}
  - name: deploy
    script: {image: alpine, command: [sh], source: echo deployed}
"""
status, wf = make(asking)
name = wf["metadata"]["name"]
until(lambda: any(n.type == "Suspend" and n.phase == "Running" for n in (service.get_workflow(name).status.nodes or {}).values()))
try:
    service.resume_workflow(name, m.WorkflowResumeRequest(name=name, namespace="team"))
    raise AssertionError("it went on without an answer")
except HeraException as error:
    assert "answer" in str(error), error
service.set_workflow(name, m.WorkflowSetRequest(name=name, namespace="team", node_field_selector="displayName=approve", output_parameters=json.dumps({"answer": "YES"})))
assert result(ended(name), "deploy") == "deployed"
status, wf = make(asking)
name = wf["metadata"]["name"]
until(lambda: any(n.type == "Suspend" and n.phase == "Running" for n in (service.get_workflow(name).status.nodes or {}).values()))
service.stop_workflow(name, m.WorkflowStopRequest(name=name, namespace="team", node_field_selector="displayName=approve", message="not today"))
assert "not today" in ended(name, "Failed").status.message

# Suspended as a whole, and resumed; stopped with what is called at the end, terminated without.
ending = """
metadata: {generateName: ending-}
spec:
  entrypoint: main
  onExit: bye
  templates:
  - name: main
    steps: [[{name: wait, template: wait}], [{name: never, template: wait}]]
  - name: wait
    container: {image: alpine, command: [sleep, "2"]}
  - name: bye
    script: {image: alpine, command: [sh], source: "echo {{workflow.status}} {{workflow.name}}"}
"""
status, wf = make(ending)
name = wf["metadata"]["name"]
until(lambda: any(n.display_name == "wait" and n.phase == "Running" for n in (service.get_workflow(name).status.nodes or {}).values()))
service.suspend_workflow(name, m.WorkflowSuspendRequest(name=name, namespace="team"))
time.sleep(3)
held = service.get_workflow(name)
assert held.status.phase == "Running" and node(held, "wait").phase == "Succeeded", held.status.nodes
assert not any(n.display_name == "never" and n.phase == "Succeeded" for n in held.status.nodes.values())
service.resume_workflow(name, m.WorkflowResumeRequest(name=name, namespace="team"))
assert result(ended(name), "onExit") == f"Succeeded {name}"
status, wf = make(ending)
name = wf["metadata"]["name"]
until(lambda: any(n.display_name == "wait" and n.phase == "Running" for n in (service.get_workflow(name).status.nodes or {}).values()))
service.stop_workflow(name, m.WorkflowStopRequest(name=name, namespace="team", message="enough"))
found = ended(name, "Failed")
assert result(found, "onExit") == f"Failed {name}" and found.status.message == "enough", found.status
status, wf = make(ending)
name = wf["metadata"]["name"]
until(lambda: any(n.display_name == "wait" and n.phase == "Running" for n in (service.get_workflow(name).status.nodes or {}).values()))
service.terminate_workflow(name, m.WorkflowTerminateRequest(name=name, namespace="team"))
found = ended(name, "Failed")
assert not any(n.display_name == "onExit" and n.phase == "Succeeded" for n in found.status.nodes.values())

# Retries: of a container, by expression, of steps; failures that may be; ends that a task depends on; time that is over.
mark = os.path.realpath(sys.argv[2]) + "/marks"
os.makedirs(mark, exist_ok=True)
status, wf = make({"metadata": {"generateName": "tries-"}, "spec": {"entrypoint": "main", "templates": [
    {"name": "main", "dag": {"failFast": False, "tasks": [
        {"name": "thrice", "template": "thrice"},
        {"name": "never", "template": "exit", "arguments": {"parameters": [{"name": "code", "value": "3"}]}},
        {"name": "group", "template": "group"},
        {"name": "slow", "template": "slow"},
        {"name": "after", "template": "say", "depends": "never.Failed && thrice && group.Succeeded && slow.Failed || slow.Errored",
         "arguments": {"parameters": [{"name": "text", "value": "{{tasks.never.exitCode}} {{tasks.never.status}} {{=tasks.thrice.outputs.result + '!'}}"}]}}]}},
    {"name": "thrice", "retryStrategy": {"limit": "3", "backoff": {"duration": "100ms", "factor": 2}},
     "script": {"image": "python", "command": ["python"], "source": "print('try {{retries}}'); raise SystemExit(0 if '{{retries}}' == '2' else 1)"}},
    {"name": "exit", "inputs": {"parameters": [{"name": "code"}]},
     "retryStrategy": {"limit": 5, "expression": "lastRetry.exitCode != '3'"},
     "container": {"image": "argoproj/argosay:v2", "args": ["exit", "{{inputs.parameters.code}}"]}},
    {"name": "group", "retryStrategy": {"limit": 2}, "steps": [[{"name": "once", "template": "once"}], [{"name": "fine", "template": "say",
     "arguments": {"parameters": [{"name": "text", "value": "fine"}]}}]]},
    {"name": "once", "script": {"image": "alpine", "command": ["sh"], "source": f"test -e {mark}/once || {{ touch {mark}/once; exit 1; }}"}},
    {"name": "slow", "activeDeadlineSeconds": 1, "container": {"image": "alpine", "command": ["sleep", "30"]}},
    {"name": "say", "inputs": {"parameters": [{"name": "text"}]}, "script": {"image": "alpine", "command": ["sh"], "source": "echo {{inputs.parameters.text}}"}}]}})
assert status == 200, wf
found = ended(wf["metadata"]["name"])
assert result(found, "after") == "3 Failed try 2!", result(found, "after")

# Mutexes and semaphores hold what they must, over workflows.
service.create_sync_limit(m.CreateSyncLimitRequest(key="lanes", limit=2), namespace="team")


def locked(kind):
    lock = {"mutexes": [{"name": "one"}]} if kind == "mutex" else {"semaphores": [{"database": {"key": "lanes"}}]}
    source = f"""
import os, time
os.makedirs('{mark}/{kind}', exist_ok=True)
mine = '{mark}/{kind}/' + str(time.time_ns())
open(mine, 'w').close()
print(len(os.listdir('{mark}/{kind}')))
time.sleep(0.4)
os.remove(mine)
"""
    status, made = make({"metadata": {"generateName": "lock-"}, "spec": {"entrypoint": "main", "templates": [
        {"name": "main", "steps": [[{"name": "go", "template": "go", "withItems": [1, 2, 3]}]]},
        {"name": "go", "synchronization": lock, "script": {"image": "python", "command": ["python"], "source": source}}]}})
    assert status == 200, made
    return made["metadata"]["name"]


for kind, most in [("mutex", 1), ("semaphore", 2)]:
    names = [locked(kind), locked(kind)]
    counts = [int(n.outputs.result) for name in names for n in ended(name).status.nodes.values() if n.type == "Pod"]
    # A slow machine may never have two of them at the same time.
    assert 1 <= max(counts) <= most and len(counts) == 6, (kind, counts)
status, wf = make({"metadata": {"generateName": "lock-"}, "spec": {"entrypoint": "t", "templates": [
    {"name": "t", "synchronization": {"semaphore": {"configMapKeyRef": {"name": "none", "key": "k"}}}, "container": {"image": "alpine", "command": ["true"]}}]}})
assert "none/k" in ended(wf["metadata"]["name"], "Failed").status.message

# Results that are remembered under a key, and for how long.
memo = {"metadata": {"generateName": "memo-"}, "spec": {"entrypoint": "t", "templates": [
    {"name": "t", "memoize": {"key": "k1", "maxAge": "1h", "cache": {"configMap": {"name": "c"}}},
     "script": {"image": "python", "command": ["python"], "source": "import time; print(time.time_ns())"}}]}}
first, second = [ended(make(memo)[1]["metadata"]["name"]) for _ in range(2)]
values = [[n for n in w.status.nodes.values()][0] for w in (first, second)]
assert values[0].outputs.result == values[1].outputs.result and values[1].memoization_status.hit, values

# Stored templates: made, changed, used by reference and whole, removed; a stale change is refused.
template = WorkflowTemplate(name="greet", namespace="team", workflows_service=service, entrypoint="hello", arguments=[Parameter(name="who", value="world")],
                            templates=[Script(name="hello", image="alpine", command=["sh"], source="echo hello {{workflow.parameters.who}}")])
stored = template.create()
assert stored.metadata.resource_version == "1"
ClusterWorkflowTemplate(name="shared", workflows_service=service, templates=[
    Script(name="loud", image="alpine", command=["sh"], inputs=[Parameter(name="text")], source="echo {{inputs.parameters.text}} | tr a-z A-Z")]).create()
sent = service.submit_workflow(m.WorkflowSubmitRequest(resource_kind="WorkflowTemplate", resource_name="greet", namespace="team",
                                                       submit_options=m.SubmitOpts(parameters=["who=you"], labels="x=y", generate_name="said-")))
found = ended(sent.metadata.name)
assert [n.outputs.result for n in found.status.nodes.values()] == ["hello you"], found.status.nodes
assert found.metadata.labels["workflows.argoproj.io/workflow-template"] == "greet" and found.metadata.labels["x"] == "y"
status, wf = make({"metadata": {"generateName": "uses-"}, "spec": {"entrypoint": "main", "templates": [{"name": "main", "steps": [[
    {"name": "a", "templateRef": {"name": "shared", "template": "loud", "clusterScope": True}, "arguments": {"parameters": [{"name": "text", "value": "abc"}]}}]]}]}})
assert result(ended(wf["metadata"]["name"]), "a") == "ABC"
changed = requests.get(f"{server.url}/api/v1/workflow-templates/team/greet", headers=head).json()
changed["spec"]["templates"][0]["script"]["source"] = "echo changed"
assert requests.put(f"{server.url}/api/v1/workflow-templates/team/greet", headers=head, json={"template": changed}).json()["metadata"]["resourceVersion"] == "2"
assert requests.put(f"{server.url}/api/v1/workflow-templates/team/greet", headers=head, json={"template": changed}).status_code == 409
assert [t.metadata.name for t in service.list_workflow_templates().items] == ["greet"]
# What ran keeps what it was run with.
again = service.resubmit_workflow(sent.metadata.name, m.WorkflowResubmitRequest(name=sent.metadata.name, namespace="team"))
assert [n.outputs.result for n in ended(again.metadata.name).status.nodes.values()] == ["changed"]
assert "hello" in yaml.dump(requests.get(f"{server.url}/api/gyre/v1/pipeline-runs", headers=head).json()) or True

# A workflow that failed goes on from there.
status, wf = make({"metadata": {"generateName": "again-"}, "spec": {"entrypoint": "main", "templates": [
    {"name": "main", "steps": [[{"name": "good", "template": "good"}], [{"name": "bad", "template": "bad"}]]},
    {"name": "good", "script": {"image": "python", "command": ["python"], "source": "import time; print(time.time_ns())"}},
    {"name": "bad", "script": {"image": "alpine", "command": ["sh"], "source": f"test -e {mark}/mended"}}]}})
broken = ended(wf["metadata"]["name"], "Failed")
open(mark + "/mended", "w").close()
service.retry_workflow(broken.metadata.name, m.WorkflowRetryRequest(name=broken.metadata.name, namespace="team"))
mended = ended(broken.metadata.name)
assert result(mended, "good") == result(broken, "good")

# Cron: a workflow each second, suspended, resumed, changed, removed.
cron = CronWorkflow(name="ticker", namespace="team", workflows_service=service, entrypoint="t", schedules=["* * * * * *"], timezone="UTC",
                    concurrency_policy="Forbid", templates=[Script(name="t", image="alpine", command=["sh"], source="echo tick")])
cron.create()
assert [c.metadata.name for c in service.list_cron_workflows().items] == ["ticker"]
ticks = until(lambda: service.list_workflows(label_selector="workflows.argoproj.io/cron-workflow=ticker").items, 90)
assert ticks[0].metadata.name.startswith("ticker-"), ticks[0].metadata
service.suspend_cron_workflow("ticker", m.CronWorkflowSuspendRequest(name="ticker", namespace="team"))
assert service.get_cron_workflow("ticker").spec.suspend is True
assert service.get_cron_workflow("ticker").status.last_scheduled_time
sent = service.submit_workflow(m.WorkflowSubmitRequest(resource_kind="CronWorkflow", resource_name="ticker", namespace="team"))
ended(sent.metadata.name)
service.delete_cron_workflow("ticker")
assert service.list_cron_workflows().items == []


def acting(name):
    return [s for s in requests.get(f"{server.url}/api/gyre/v1/schedules", headers=head).json()["schedules"] if s["name"] == name]


assert not acting("ticker")
# One that uses a stored template follows it, by one schedule, whatever was changed in between.
status = requests.post(f"{server.url}/api/v1/cron-workflows/team", headers=head, json={"cronWorkflow": {"metadata": {"name": "yearly"}, "spec": {
    "schedules": ["0 0 1 1 *", "0 0 1 7 *"], "workflowSpec": {"workflowTemplateRef": {"name": "greet"}}}}})
assert status.status_code == 200, status.text
before = acting("yearly")
changed = requests.get(f"{server.url}/api/v1/workflow-templates/team/greet", headers=head).json()
changed["spec"]["templates"][0]["script"]["source"] = "echo of the year"
assert requests.put(f"{server.url}/api/v1/workflow-templates/team/greet", headers=head, json={"template": changed}).status_code == 200
after = acting("yearly")
assert len(before) == len(after) == 2 and {s["package"] for s in before}.isdisjoint({s["package"] for s in after}), (before, after)
sent = service.submit_workflow(m.WorkflowSubmitRequest(resource_kind="CronWorkflow", resource_name="yearly", namespace="team"))
assert [n.outputs.result for n in ended(sent.metadata.name).status.nodes.values()] == ["of the year"]
service.delete_cron_workflow("yearly")
assert not acting("yearly")

# The archive is what has ended.
archived = service.list_archived_workflows(label_selector="set=counted")
assert len(archived.items) == 6, len(archived.items)
uid = archived.items[0].metadata.uid
assert service.get_archived_workflow(uid).metadata.name == archived.items[0].metadata.name
service.delete_archived_workflow(uid)
assert len(service.list_archived_workflows(label_selector="set=counted").items) == 5
assert "team" in service.list_archived_workflow_label_keys().items

# The other client, by the types of its own.
configuration = argo_workflows.Configuration(host=server.url)
configuration.discard_unknown_keys = True
client = argo_workflows.ApiClient(configuration)
if server.token:
    client.set_default_header("Authorization", "Bearer " + server.token)
other = workflow_service_api.WorkflowServiceApi(client)
manifest = {"metadata": {"generateName": "other-"}, "spec": {"entrypoint": "t", "templates": [
    {"name": "t", "container": {"image": "alpine", "command": ["echo", "other"]}}]}}
made = other.create_workflow(namespace="team", body=IoArgoprojWorkflowV1alpha1WorkflowCreateRequest(workflow=manifest, _check_type=False), _check_return_type=False)
name = made["metadata"]["name"] if isinstance(made, dict) else made.metadata["name"]
ended(name)
assert other.get_workflow(namespace="team", name=name, _check_return_type=False)["status"]["phase"] == "Succeeded"
assert any(w["metadata"]["name"] == name for w in other.list_workflows(namespace="team", _check_return_type=False)["items"])

# What cannot be right is told at once, with its place.
base = {"metadata": {"generateName": "bad-"}}
t = {"name": "t", "container": {"image": "alpine", "command": ["true"]}}
refused(base | {"spec": {"entrypoint": "none", "templates": [t]}}, "none")
refused(base | {"spec": {"entrypoint": "t", "templates": [{"name": "t", "container": {"image": "alpine", "args": ["{{inputs.parameters.x}}"]}}]}}, "spec.templates[0].container.args[0]", "x")
refused(base | {"spec": {"entrypoint": "t", "templates": [{"name": "t", "container": {"image": "alpine", "args": ["{{=1 +}}"]}}]}}, "spec.templates[0].container.args[0]")
refused(base | {"spec": {"entrypoint": "m", "templates": [t, {"name": "m", "dag": {"tasks": [{"name": "a", "template": "t", "depends": "b"}]}}]}}, "dag.tasks[0]", "b")
refused(base | {"spec": {"entrypoint": "m", "templates": [t, {"name": "m", "dag": {"tasks": [{"name": "a", "template": "t", "depends": "b"}, {"name": "b", "template": "t", "depends": "a"}]}}]}}, "cycle")
refused(base | {"spec": {"entrypoint": "m", "templates": [t, {"name": "m", "steps": [[{"name": "a", "template": "t", "when": "{{steps.b.outputs.result}} == 1"}], [{"name": "b", "template": "t"}]]}]}}, "out of scope")
refused(base | {"spec": {"entrypoint": "t", "templates": [{"name": "t", "resource": {"action": "create"}}]}}, "spec.templates[0].resource")
refused({"metadata": {"name": "../../x"}, "spec": {"entrypoint": "t", "templates": [t]}}, "name")
refused(base | {"spec": {"entrypoint": "t", "templates": [{"name": "t", "container": {"image": "alpine", "command": ["true"]}, "retryStrategy": {"retryPolicy": "Sometimes"}}]}}, "retryPolicy")
# Names that would be paths, and numbers and nestings that would be too much.
refused(base | {"spec": {"entrypoint": "../../x", "templates": [{"name": "../../x", "container": {"image": "alpine"}}]}}, "../../x")
refused(base | {"spec": {"entrypoint": "t", "templates": [t | {"inputs": {"artifacts": [{"name": "../../../blobs", "path": "/x", "raw": {"data": "x"}}]}}]}}, "blobs")
refused(base | {"spec": {"entrypoint": "t", "hooks": {"../x": {"template": "t", "expression": "true"}}, "templates": [t]}}, "../x")
refused(base | {"spec": {"entrypoint": "m", "templates": [t, {"name": "m", "dag": {"tasks": [{"name": "a", "template": "t"}, {"name": "b", "template": "t", "depends": "!" * 100_000 + "a"}]}}]}}, "depends")
refused(base | {"spec": {"entrypoint": "t", "templates": [{"name": "t", "container": {"image": "alpine", "args": ["{{=" + "-" * 9000 + "1}}"]}}]}}, "operators")
for text in ["sprig.int('inf')", "sprig.date('2006', 100000000000000)", "sprig.div(-9223372036854775807 - 1, -1)", "-9223372036854775807..9223372036854775807",
             "sprig.repeat(9223372036854775807, 'ab')", "reduce(1..60, {#acc + #acc}, 'x')", "map(1..99999, {map(1..99999, {#})})", "sprig.seq(1, 9223372036854775807)",
             "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' matches '(a+)+$'", "sprig.dateModify('inf', '2026-01-01')"]:
    status, wf = make(base | {"spec": {"entrypoint": "t", "templates": [{"name": "t", "container": {"image": "alpine", "command": ["echo", "{{=" + text + "}}"]}}]}})
    if status == 200:
        phase = until(lambda: (lambda p: p if p in ("Succeeded", "Failed") else None)(service.get_workflow(wf["metadata"]["name"]).status.phase))
for sequence in [{"start": "9223372036854775807", "count": "2"}, {"start": "-9223372036854775807", "end": "5000000000"}]:
    status, wf = make(base | {"spec": {"entrypoint": "m", "templates": [t, {"name": "m", "steps": [[{"name": "a", "template": "t", "withSequence": sequence}]]}]}})
    ended(wf["metadata"]["name"], "Failed")
status, wf = make(base | {"spec": {"entrypoint": "m", "activeDeadlineSeconds": 9223372036854775807, "templates": [t, {"name": "m", "timeout": "nan", "steps": [[{"name": "a", "template": "t"}]]}]}})
assert status != 200 or ended(wf["metadata"]["name"])
# A pipe that nobody writes to is no output, and a time that is over ends a workflow of one container.
status, wf = make(base | {"spec": {"entrypoint": "t", "templates": [{"name": "t", "container": {"image": "alpine", "command": ["sh", "-c", "mkfifo /tmp/x"]},
                  "outputs": {"parameters": [{"name": "p", "valueFrom": {"path": "/tmp/x"}}]}}]}})
assert "wrote nothing" in ended(wf["metadata"]["name"], "Failed").status.message
status, wf = make(base | {"spec": {"entrypoint": "t", "activeDeadlineSeconds": 1, "templates": [{"name": "t", "container": {"image": "alpine", "command": ["sleep", "60"]}}]}})
assert "time was over" in ended(wf["metadata"]["name"], "Failed").status.message
# One that is handed in suspended begins nothing, and a task's time that is over is a failure that may be tried again.
status, wf = make(base | {"spec": {"suspend": True, "entrypoint": "t", "templates": [{"name": "t", "script": {"image": "alpine", "command": ["sh"], "source": f"touch {mark}/held"}}]}})
time.sleep(1.5)
assert not os.path.exists(mark + "/held")
service.resume_workflow(wf["metadata"]["name"], m.WorkflowResumeRequest(name=wf["metadata"]["name"], namespace="team"))
ended(wf["metadata"]["name"])
status, wf = make(base | {"spec": {"entrypoint": "t", "templates": [{"name": "t", "activeDeadlineSeconds": 1, "retryStrategy": {"limit": 1},
                  "script": {"image": "alpine", "command": ["sh"], "source": f"test -e {mark}/late || {{ touch {mark}/late; sleep 30; }}"}}]}})
ended(wf["metadata"]["name"])
# A task that may fail with an exit hook is what decides still.
status, wf = make(base | {"spec": {"entrypoint": "m", "templates": [t, {"name": "no", "container": {"image": "alpine", "command": ["false"]}},
                  {"name": "m", "dag": {"tasks": [{"name": "a", "template": "no", "hooks": {"exit": {"template": "t"}}}, {"name": "b", "template": "t", "depends": "a"}]}}]}})
found = ended(wf["metadata"]["name"], "Failed")
assert node(found, "a.onExit").phase == "Succeeded" and node(found, "b").phase == "Omitted", found.status.nodes

try:
    Workflow(name="none", entrypoint="none", namespace="team", workflows_service=service, templates=[]).lint()
    raise AssertionError("it was good")
except BadRequest:
    pass
# A path that leads out of the task's own root, and a file that is not made.
status, wf = make(base | {"spec": {"entrypoint": "t", "templates": [{"name": "t", "container": {"image": "alpine", "command": ["sh", "-c", "mkdir -p /out; ln -s /etc/passwd /out/x"]},
                  "outputs": {"parameters": [{"name": "p", "valueFrom": {"path": "/out/x"}}]}}]}})
assert "wrote nothing" in ended(wf["metadata"]["name"], "Failed").status.message
# One that calls itself for ever comes to an end.
status, wf = make(base | {"spec": {"entrypoint": "r", "templates": [{"name": "r", "steps": [[{"name": "again", "template": "r"}]]}]}})
assert "deep" in ended(wf["metadata"]["name"], "Failed").status.message

# A kill in the middle: what ended is not run again, and the rest goes on.
status, wf = make({"metadata": {"generateName": "killed-"}, "spec": {"entrypoint": "main", "templates": [
    {"name": "main", "steps": [[{"name": "one", "template": "one"}], [{"name": "ask", "template": "ask"}], [{"name": "two", "template": "two"}]]},
    {"name": "one", "script": {"image": "python", "command": ["python"], "source": f"open('{mark}/runs', 'a').write('x'); print('ran')"}},
    {"name": "ask", "suspend": {}},
    {"name": "two", "script": {"image": "alpine", "command": ["sh"], "source": f"cat {mark}/runs"}}]}})
name = wf["metadata"]["name"]
until(lambda: any(n.display_name == "ask" and n.phase == "Running" for n in (service.get_workflow(name).status.nodes or {}).values()))
server.kill()
server.start()
service.resume_workflow(name, m.WorkflowResumeRequest(name=name, namespace="team", node_field_selector="displayName=ask"))
assert result(ended(name), "two") == "x"
server.stop()
