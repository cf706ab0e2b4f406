# SPDX-License-Identifier: Apache-2.0
"""Tasks in containers of real podman: what goes in and comes out, an image that is not to be had, stopped, killed, and what is left then."""
import json
import os
import subprocess
import sys
import time

from server import Server

work = os.path.realpath(sys.argv[2])
# A small image out of Debian's static busybox.
os.makedirs(f"{work}/root/bin")
subprocess.run(["cp", "/bin/busybox", f"{work}/root/bin/busybox"], check=True)
for program in "sh ls cat echo sleep mkdir dirname test env id".split():
    os.symlink("busybox", f"{work}/root/bin/{program}")
IMAGE = "localhost/gyre-test-small:1"
subprocess.run(f"tar -C {work}/root -c . | podman import --quiet - {IMAGE}", shell=True, check=True, stdout=subprocess.DEVNULL)

server = Server(sys.argv[1], work)
# What a confined machine needs.
server.environment |= {
    "GYRE_CONTAINER_ENGINE": "podman", "GYRE_CONTAINER_PULL": "missing",
    "GYRE_CONTAINER_OPTIONS": "--runtime runc --network host --ulimit nofile=1024 --ulimit nproc=1024"}
server.start()


def package(image=IMAGE, **scripts):
    """Shell tasks, each after the one before it, which gets what that one made."""
    executors, components, tasks, before = {}, {}, {}, None
    text = {"parameterType": "STRING"}
    artifact = {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}
    for name, script in scripts.items():
        words = ["sh", "-c", script, "{{$.outputs.parameters['out'].output_file}}", "{{$.outputs.artifacts['made'].path}}"]
        components[f"comp-{name}"] = {"executorLabel": f"exec-{name}", "outputDefinitions": {"parameters": {"out": text}, "artifacts": {"made": artifact}}}
        tasks[name] = {"componentRef": {"name": f"comp-{name}"}}
        if before:
            words.append("{{$.inputs.artifacts['given'].path}}")
            components[f"comp-{name}"]["inputDefinitions"] = {"artifacts": {"given": artifact}}
            tasks[name] |= {"dependentTasks": [before], "inputs": {"artifacts": {"given": {"taskOutputArtifact": {"producerTask": before, "outputArtifactKey": "made"}}}}}
        executors[f"exec-{name}"] = {"container": {"image": image, "command": words, "env": [{"name": "GREETING", "value": "hello there"}]}}
        before = name
    return json.dumps({
        "pipelineInfo": {"name": "contained"}, "deploymentSpec": {"executors": executors}, "components": components,
        "root": {"dag": {"tasks": tasks}}, "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.17.0"})


def start(text):
    return server.api("POST", "/pipeline-runs", {"package": text, "cache": False})["id"]


def wait(id):
    deadline = time.time() + 180
    while not (found := server.api("GET", f"/pipeline-runs/{id}"))["ended_at"]:
        assert time.time() < deadline, found
        time.sleep(0.1)
    return found, {task["path"]: task for task in found["tasks"]}


def containers():
    return subprocess.run(["podman", "ps", "--all", "--quiet", "--filter", "label=gyre.task"], capture_output=True, text=True).stdout.split()


# --- parameters, artifacts, variables, an own /tmp; the image's files and not the machine's
ended, tasks = wait(start(package(
    first="mkdir -p $(dirname $0) $(dirname $1); echo $GREETING > $0; echo from first > $1; echo kept > /tmp/x; test ! -e /etc/passwd; ls /bin",
    second="mkdir -p $(dirname $0) $(dirname $1); cat $2 > $0; echo made > $1; test ! -e /tmp/x")))
assert ended["state"] == "SUCCEEDED", ended["message"]
assert tasks["first"]["outputs"]["parameters"]["out"] == "hello there\n" and tasks["second"]["outputs"]["parameters"]["out"] == "from first\n", tasks
assert {task["executor"] for task in tasks.values()} == {"container"}
assert "busybox" in server.api("GET", f"/pipeline-runs/{ended['id']}/logs?task=first")["log"]
assert not containers()

# --- an end by itself, and an image that is not to be had
ended, tasks = wait(start(package(fails="echo it is over; exit 7")))
assert "exit status 7" in tasks["fails"]["message"] and "it is over" in tasks["fails"]["message"], tasks
ended, tasks = wait(start(package("localhost:1/not/there:1", pulls="true")))
assert ended["state"] == "FAILED" and "125" in ended["message"] and "localhost:1/not/there" in ended["message"], ended["message"]
assert server.request("POST", "/api/gyre/v1/pipeline-runs", {"package": package("--privileged", wrong="true")})[0] == 200
time.sleep(1)
assert not containers()

# --- stopped, though it does not want to; and what a killed server left is taken away before it is tried again
stubborn = package(stubborn="trap '' TERM; echo up; while :; do sleep 0.2; done")
for how in ["cancel", "kill"]:
    id = start(stubborn)
    log = f"{server.home}/tasks/{id}/stubborn/log.txt"
    deadline = time.time() + 60
    while not os.path.exists(log) or "up" not in open(log).read():
        assert time.time() < deadline, "the container does not begin"
        time.sleep(0.1)
    if how == "kill":
        before = containers()
        server.kill()
        server.start()
        while before[0] in containers():
            assert time.time() < deadline + 60, "what a killed server left goes on"
            time.sleep(0.2)
    server.api("POST", f"/pipeline-runs/{id}/cancel", {})
    ended, tasks = wait(id)
    assert ended["state"] == "CANCELED", ended
    deadline = time.time() + 20
    while containers():
        assert time.time() < deadline, containers()
        time.sleep(0.2)

# --- everything in containers, and nothing
server.stop()
server.environment["GYRE_TASK_EXECUTOR"] = "container"
server.start()
subprocess.run(["podman", "tag", IMAGE, "localhost/alpine:1"], check=True)
ended, tasks = wait(start(package("localhost/alpine:1", inside="mkdir -p $(dirname $0); echo x > $0; test ! -e /etc/passwd")))
assert ended["state"] == "SUCCEEDED" and tasks["inside"]["executor"] == "container", ended
server.stop()
server.environment["GYRE_TASK_EXECUTOR"] = "process"
server.start()
status, answer = server.request("POST", "/api/gyre/v1/pipeline-runs", {"package": package(none="true")})
assert status == 501 and IMAGE in answer["error"]["what"], answer
server.stop()
subprocess.run(["podman", "rmi", "--force", IMAGE, "localhost/alpine:1"], stdout=subprocess.DEVNULL)
print("containers: all done")
