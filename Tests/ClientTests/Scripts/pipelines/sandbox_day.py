# SPDX-License-Identifier: Apache-2.0
"""What the code of a task sees and reaches, in a Python that is up and in a process of its own; and tasks that misbehave."""
import json
import os
import subprocess
import sys
import time
import warnings

from kfp import compiler, dsl
from server import Server

warnings.simplefilter("ignore")
work = os.path.realpath(sys.argv[2])
server = Server(sys.argv[1], work)
# Somebody's home with a key in it, and a secret in the server's own environment.
os.makedirs(f"{work}/people/.ssh")
open(f"{work}/people/.ssh/id", "w").write("a private key")
server.environment |= {
    "HOME": f"{work}/people", "GYRE_TOOLS": os.environ.get("GYRE_TOOLS") or os.path.expanduser("~/.cache/gyre"), "GYRE_TASK_SANDBOX": "required",
    "WAREHOUSE_PASSWORD": "not for tasks"}
# Nothing beside its own folders is writable here.
del server.environment["GYRE_TASK_FOLDERS"]
server.start()
assert "ok  Sandbox of pipeline tasks" in server.run("doctor").stdout


def run(package, parameters={}):
    id = server.api("POST", "/pipeline-runs", {"package": package, "parameters": parameters, "cache": False})["id"]
    return wait(id)


def wait(id):
    deadline = time.time() + 120
    while not (found := server.api("GET", f"/pipeline-runs/{id}"))["ended_at"]:
        assert time.time() < deadline, found
        time.sleep(0.05)
    return found, {task["path"]: task for task in found["tasks"]}


def python(component):
    """A package of one Python component, run twice beside itself."""
    @dsl.pipeline(name="look")
    def look(home: str):
        component(home=home)
        component(home=home)
    compiler.Compiler().compile(look, f"{work}/look.yaml")
    return open(f"{work}/look.yaml").read()


def shell(**scripts):
    """Shell commands beside each other; {out} is an output parameter."""
    executors, components, tasks = {}, {}, {}
    for name, script in scripts.items():
        executors[f"exec-{name}"] = {"container": {
            "image": "debian", "command": ["sh", "-c", script, "{{$.outputs.parameters['out'].output_file}}", "{{$.outputs.artifacts['made'].path}}",
                                           "{{$.outputs.output_file}}"]}}
        components[f"comp-{name}"] = {
            "executorLabel": f"exec-{name}", "outputDefinitions": {
                "parameters": {"out": {"parameterType": "STRING"}},
                "artifacts": {"made": {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}}}}
        tasks[name] = {"componentRef": {"name": f"comp-{name}"}}
    return json.dumps({
        "pipelineInfo": {"name": "shells"}, "deploymentSpec": {"executors": executors}, "components": components,
        "root": {"dag": {"tasks": tasks}}, "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.17.0"})


@dsl.component(base_image="python:3.11")
def look(home: str) -> dict:
    import glob
    import os
    import socket
    import subprocess
    import time

    def names(path):
        return sorted(os.listdir(path)) if os.path.isdir(path) else None

    def refused(path):
        try:
            open(path, "w")
        except OSError as error:
            return type(error).__name__
        return "written"

    mark = os.urandom(4).hex()
    open("/tmp/out.txt", "w").write(mark)
    time.sleep(0.5)
    return {
        "home": names(home), "database": os.path.exists(f"{home}/gyre.db"), "key": glob.glob(os.path.dirname(home) + "/people/.ssh/*"),
        "others": [p for p in glob.glob(f"{home}/tasks/*/*") if not os.getcwd().startswith(p)],
        "own": open("/tmp/out.txt").read() == mark, "etc": refused("/etc/x"), "tools": refused(os.path.dirname(os.__file__) + "/x"),
        "processes": len([p for p in os.listdir("/proc") if p.isdigit()]), "password": "WAREHOUSE_PASSWORD" in os.environ,
        "capabilities": [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")],
        "after exec": subprocess.run(["grep", "CapEff", "/proc/self/status"], capture_output=True, text=True).stdout.split()[1],
        "space": subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "umount", "/tmp"], capture_output=True).returncode,
        "network": socket.create_connection(("127.0.0.1", int(os.environ["MLFLOW_TRACKING_URI"].split(":")[2].split("/")[0])), 5) is not None,
        "environment": sorted(name for name in os.environ if "GYRE" in name)}


# --- in a Python that is up, and in one of its own
package = python(look)
for environment in [{}, {"GYRE_WARM_PYTHON": "off"}]:
    if environment:
        server.stop()
        server.environment |= environment
        server.start()
    ended, tasks = run(package, {"home": server.home})
    assert ended["state"] == "SUCCEEDED", ended["message"]
    for task in tasks.values():
        seen = task["outputs"]["parameters"]["Output"]
        assert seen["home"] == ["tasks"] and not seen["database"] and not seen["key"] and not seen["others"], seen
        assert seen["own"], "two tasks share /tmp"
        assert seen["etc"] == seen["tools"] == "OSError", seen
        assert seen["processes"] <= 4 and not seen["password"] and not seen["environment"], seen
        assert set(seen["capabilities"]) | {seen["after exec"]} == {"0" * 16} and seen["space"] != 0, seen
        assert seen["network"], "tasks log to the server"

# --- commands: each has its own /tmp, what it made there is kept where it says so, and links lead nowhere
ended, tasks = run(shell(
    one="echo first > /tmp/out.txt; sleep 0.3; mkdir -p $(dirname $0); cat /tmp/out.txt > $0",
    two="echo second > /tmp/out.txt; sleep 0.3; mkdir -p $(dirname $0); cat /tmp/out.txt > $0",
    three="""mkdir -p $(dirname $0); echo here > /tmp/made; echo -n x > $0;
             echo '{"artifacts": {"made": {"artifacts": [{"uri": "/tmp/made"}]}}}' > $2"""))
assert [tasks[n]["outputs"]["parameters"]["out"].strip() for n in ["one", "two"]] == ["first", "second"], tasks
assert tasks["three"]["outputs"]["artifacts"]["made"][0]["tree"][0]["size"] == 5, tasks["three"]
ended, tasks = run(shell(
    linked="mkdir -p $(dirname $0) $(dirname $1); ln -s /etc/passwd $0; ln -s /etc/passwd $1",
    led="""mkdir -p $(dirname $0); echo -n x > $0; ln -s /etc /tmp/way; echo '{"artifacts": {"made": {"artifacts": [{"uri": "/tmp/way/passwd"}]}}}' > $2""",
    climbs="""mkdir -p $(dirname $0); echo -n x > $0; echo '{"artifacts": {"made": {"artifacts": [{"uri": "/tmp/../../../../../../../etc/passwd"}]}}}' > $2"""))
assert "root:" not in json.dumps(tasks)
assert all(task["state"] == "FAILED" and "its own folder" in task["message"] for task in tasks.values()), tasks

# --- an importer follows no link out of the run either
text = {"parameterType": "STRING"}
artifact = {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}
for lies in ["way/passwd", "straight"]:
    ended, tasks = run(json.dumps({
        "pipelineInfo": {"name": "brings"}, "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.17.0",
        "deploymentSpec": {"executors": {
            "exec-make": {"container": {"image": "debian", "command": [
                "sh", "-c", f"mkdir -p $(dirname $0) outputs; ln -s /etc outputs/way; ln -s /etc/passwd outputs/straight; echo -n $PWD/outputs/{lies} > $0",
                "{{$.outputs.parameters['out'].output_file}}"]}},
            "exec-bring": {"importer": {"artifactUri": {"runtimeParameter": "uri"}, "typeSchema": {"schemaTitle": "system.Artifact"}}}}},
        "components": {
            "comp-make": {"executorLabel": "exec-make", "outputDefinitions": {"parameters": {"out": text}}},
            "comp-bring": {"executorLabel": "exec-bring", "inputDefinitions": {"parameters": {"uri": text}}, "outputDefinitions": {"artifacts": {"artifact": artifact}}}},
        "root": {"dag": {"tasks": {
            "make": {"componentRef": {"name": "comp-make"}},
            "bring": {"componentRef": {"name": "comp-bring"}, "dependentTasks": ["make"], "inputs": {"parameters": {"uri": {
                "taskOutputParameter": {"producerTask": "make", "outputParameterKey": "out"}}}}}}}}}))
    assert tasks["make"]["state"] == "SUCCEEDED" and tasks["bring"]["state"] == "FAILED" and not tasks["bring"]["outputs"]["artifacts"], tasks["bring"]


# --- more environments than Pythons may be up, again and again
server.stop()
server.environment["GYRE_WARM_PYTHON"] = "on"
server.start()


def environments(count):
    @dsl.pipeline(name="environments")
    def pipeline():
        for number in range(count):
            @dsl.component(base_image="python:3.11", packages_to_install=[f"typing-extensions>=4.{number}"])
            def step() -> str:
                return "well"
            step()
    compiler.Compiler().compile(pipeline, f"{work}/environments.yaml")
    return open(f"{work}/environments.yaml").read()


package = environments(11)
for ended, tasks in map(wait, [server.api("POST", "/pipeline-runs", {"package": package, "cache": False})["id"] for _ in range(4)]):
    assert ended["state"] == "SUCCEEDED" and all(task["outputs"]["parameters"]["Output"] == "well" for task in tasks.values()), ended["message"]

# --- an absolute program, an end by a signal, one that is not there
ended, tasks = run(shell(killed="kill -SEGV $$"))
assert "exit status 139" in tasks["killed"]["message"], tasks
ended, tasks = run(shell(absent="exec /nowhere/program"))
assert tasks["absent"]["state"] == "FAILED" and "127" in tasks["absent"]["message"], tasks
ended, tasks = run(shell(good="true").replace('"sh", "-c"', '"/bin/sh", "-c"'))
assert ended["state"] == "SUCCEEDED", ended


# --- what does not want to end is ended with all that it began, where it runs in a Python that is up and where it does not
@dsl.component(base_image="python:3.11")
def stubborn():
    import os
    import signal
    import subprocess
    import time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # A process that leaves its group and its session.
    subprocess.Popen(["setsid", "sh", "-c", "trap '' TERM; while :; do sleep 17.25; done"])
    print("up", flush=True)
    time.sleep(600)


@dsl.pipeline(name="stubborn")
def stubborn_pipeline():
    stubborn()


def left(word):
    """Processes of the machine whose command has the word."""
    return subprocess.run(["pgrep", "-f", word], capture_output=True, text=True).stdout.split()


compiler.Compiler().compile(stubborn_pipeline, f"{work}/stubborn.yaml")
for package in [open(f"{work}/stubborn.yaml").read(), shell(stubborn="trap '' TERM; echo up; setsid sleep 17.25 & while :; do sleep 17.25; done")]:
    for warm in [True, False]:
        server.stop()
        server.environment["GYRE_WARM_PYTHON"] = "on" if warm else "off"
        server.start()
        for how in ["at once", "cancel", "kill"]:
            id = server.api("POST", "/pipeline-runs", {"package": package, "cache": False})["id"]
            deadline = time.time() + 60
            log = f"{server.home}/tasks/{id}/stubborn/log.txt"
            while how != "at once" and (not os.path.exists(log) or "up\n" not in open(log).read()):
                assert time.time() < deadline
                time.sleep(0.1)
            assert how == "at once" or left("sleep 17.25")
            if how == "kill":
                server.kill()
                server.start()
            server.api("POST", f"/pipeline-runs/{id}/cancel", {})
            assert wait(id)[0]["state"] == "CANCELED"
            deadline = time.time() + 20
            while left("sleep 17.25"):
                assert time.time() < deadline, (warm, how, left("sleep 17.25"))
                time.sleep(0.1)

# --- without a network, where that is wanted
server.stop()
server.environment["GYRE_TASK_NETWORK"] = "none"
server.start()
ended, tasks = run(shell(alone="mkdir -p $(dirname $0); ls /sys/class/net | tr '\\n' ' ' > $0; (exec 3<>/dev/tcp/127.0.0.1/1) 2>/dev/null || true; cat /proc/net/dev | wc -l > $0"))
assert ended["state"] == "SUCCEEDED" and int(tasks["alone"]["outputs"]["parameters"]["out"]) <= 3, tasks
server.stop()
print("sandbox: all done")
