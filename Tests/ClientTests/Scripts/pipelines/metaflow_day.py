# SPDX-License-Identifier: Apache-2.0
"""A working day of unmodified Metaflow against the metadata service: run, foreach, retry, catch, a failure resumed, tags, the Client, a kill."""
import json
import os
import subprocess
import sys
import textwrap

from server import Server

work, python = os.path.realpath(sys.argv[2]), sys.argv[3]
server = Server(sys.argv[1], work).start()
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": work, "USER": "ann", "METAFLOW_USER": "ann", "METAFLOW_SERVICE_URL": server.url + "/metaflow",
    "METAFLOW_DEFAULT_METADATA": "service", "METAFLOW_DEFAULT_DATASTORE": "local", "METAFLOW_DATASTORE_SYSROOT_LOCAL": work + "/store",
    "METAFLOW_SERVICE_RETRY_COUNT": "2"}
if server.token:
    ENVIRONMENT["METAFLOW_SERVICE_HEADERS"] = json.dumps({"Authorization": "Bearer " + server.token})


def write(name, text):
    open(f"{work}/{name}.py", "w").write(textwrap.dedent(text))


def flow(name, *words, status=0):
    done = subprocess.run([python, f"{work}/{name}.py", "--no-pylint", *words], env=ENVIRONMENT, cwd=work, capture_output=True, text=True)
    assert (done.returncode == 0) == (status == 0), done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def client(text):
    """What a script with Metaflow's Client says, as JSON."""
    head = "import json\nfrom metaflow import Flow, Metaflow, Run, Step, Task, DataArtifact, namespace\nnamespace(None)\n"
    done = subprocess.run([python, "-c", head + textwrap.dedent(text)], env=ENVIRONMENT, cwd=work, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


write("numbers", """
    from metaflow import FlowSpec, Parameter, catch, retry, step, current

    class Numbers(FlowSpec):
        count = Parameter("count", default=3)

        @step
        def start(self):
            self.items = list(range(self.count))
            self.next(self.square, foreach="items")

        @retry(times=2, minutes_between_retries=0)
        @step
        def square(self):
            if current.retry_count == 0 and self.input == 1:
                raise RuntimeError("the first time")
            self.squared = self.input ** 2
            self.next(self.join)

        @step
        def join(self, inputs):
            self.total = sum(i.squared for i in inputs)
            self.next(self.risky)

        @catch(var="problem")
        @step
        def risky(self):
            raise ValueError("caught")
            self.next(self.end)

        @step
        def end(self):
            print("the total is", self.total)

    if __name__ == "__main__":
        Numbers()
    """)
write("twice", """
    import os
    from metaflow import FlowSpec, step

    class Twice(FlowSpec):
        @step
        def start(self):
            self.x = 5
            self.next(self.middle)

        @step
        def middle(self):
            assert os.path.exists("ready"), "it is not ready"
            self.y = self.x + 1
            self.next(self.end)

        @step
        def end(self):
            pass

    if __name__ == "__main__":
        Twice()
    """)

# --- a run, and what the Client reads of it
flow("numbers", "run", "--count", "4", "--tag", "nightly", "--run-id-file", "id")
first = open(f"{work}/id").read()
told = client(f"""
    run = Run("Numbers/{first}")
    print(json.dumps({{
        "ok": run.successful, "finished": run.finished, "tags": sorted(run.tags), "user": "user:ann" in run.system_tags,
        "steps": sorted(step.id for step in run), "total": run.data.total, "problem": str(run["risky"].task.data.problem.exception),
        "squares": sorted(task.data.squared for task in run["square"]), "attempts": sorted(task.current_attempt for task in run["square"]),
        "log": run["end"].task.stdout, "count": run.data.count}}))
    """)
assert told["ok"] and told["finished"] and "nightly" in told["tags"] and told["user"], told
assert told["steps"] == ["end", "join", "risky", "square", "start"] and told["total"] == 14 and told["count"] == 4, told
assert "caught" in told["problem"] and told["squares"] == [0, 1, 4, 9] and told["attempts"] == [0, 0, 0, 1], told
assert "the total is 14" in told["log"], told

# --- a failure, resumed from where it failed
flow("twice", "run", "--run-id-file", "id", status=1)
failed = open(f"{work}/id").read()
assert client(f"""
    run = Run("Twice/{failed}")
    print(json.dumps([run.successful, run["middle"].task.exception.exception if run["middle"].task.exception else None]))
    """)[0] is False
open(f"{work}/ready", "w").close()
flow("twice", "resume", "--origin-run-id", failed, "--run-id-file", "id")
resumed = open(f"{work}/id").read()
told = client(f"""
    run = Run("Twice/{resumed}")
    print(json.dumps([run.successful, run.data.y, [m.value for m in run["start"].task.metadata if m.name == "origin-run-id"]]))
    """)
assert told == [True, 6, [failed]], told

# --- numbers are global, lists are newest first, labels change on the run and show on its tasks
assert int(first) < int(failed) < int(resumed)
told = client(f"""
    run = Run("Numbers/{first}")
    run.add_tag("good")
    run.replace_tag("nightly", "monthly")
    again = Run("Numbers/{first}")
    try:
        again.remove_tag("user:ann")
        refused = False
    except Exception:
        refused = True
    print(json.dumps({{
        "tags": sorted(again.user_tags), "of task": sorted(again["end"].task.user_tags), "refused": refused,
        "flows": sorted(f.id for f in Metaflow()), "runs": [r.id for r in Flow("Twice")], "tagged": [r.id for r in Flow("Numbers").runs("good")],
        "latest": Flow("Twice").latest_successful_run.id}}))
    """)
assert told == {
    "tags": ["good", "monthly"], "of task": ["good", "monthly"], "refused": True, "flows": ["Numbers", "Twice"], "runs": [resumed, failed],
    "tagged": [first], "latest": resumed}, told

# --- errors as the client knows them
assert server.request("GET", "/metaflow/flows/None")[:2] == (404, {})
assert server.request("POST", "/metaflow/flows/Numbers", {"flow_id": "Numbers"})[0] == 409
assert server.request("PATCH", f"/metaflow/flows/Numbers/runs/{first}/tag/mutate", {"tags_to_add": "x", "tags_to_remove": []})[0] == 400
assert server.request("POST", "/metaflow/flows/Numbers/runs/none/steps/start/step", {})[0] == 404
assert server.request("POST", "/metaflow/flows/Numbers/run", {"run_number": "a/../b"})[0] == 400
named = server.request("POST", "/metaflow/flows/Numbers/run", {"run_number": "by-hand", "user_name": "ann", "tags": [], "system_tags": []})
assert named[0] == 200 and named[1]["run_number"] == "by-hand", named
assert server.request("POST", "/metaflow/flows/Numbers/run", {"run_number": "by-hand"})[0] == 409
paths = server.request("GET", f"/metaflow/flows/Numbers/runs/{first}/steps/square/filtered_tasks?metadata_field_name=attempt&pattern=%5E1%24")[1]
assert len(paths) == 1 and paths[0].startswith(f"Numbers/{first}/square/"), paths

# --- killed and started again
server.kill()
server.start()
ENVIRONMENT["METAFLOW_SERVICE_URL"] = server.url + "/metaflow"
assert client(f'print(json.dumps(Run("Numbers/{first}").data.total))') == 14
flow("numbers", "run", "--run-id-file", "id")
assert int(open(f"{work}/id").read()) > int(resumed)
facts = server.api("GET", "/ledger?limit=1000")["facts"]
kinds = [f["kind"] for f in facts if f["subject"].startswith(f"flow-run/Numbers/{first}")]
assert sorted(kinds) == ["pipelines.flow.started", "pipelines.flow.succeeded", "pipelines.flow.tagged", "pipelines.flow.tagged"], kinds
assert server.api("GET", "/ledger/verify")["intact"]
server.stop()
print("metaflow: all done")
