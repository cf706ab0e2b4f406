# SPDX-License-Identifier: Apache-2.0
"""A working day of the unmodified kfp.Client: experiments, pipelines and versions, runs, recurring runs, lists, errors, a restart."""
import json
import sys
import tarfile
import time
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor

import kfp_server_api
from kfp import Client, compiler, dsl
from kfp_server_api.exceptions import ApiException
from server import Server

warnings.simplefilter("ignore")
server = Server(sys.argv[1], sys.argv[2]).start()
work = sys.argv[2]


@dsl.component(base_image="python:3.11")
def add(a: float, b: float) -> float:
    return a + b


@dsl.component(base_image="python:3.11")
def rest(seconds: float) -> str:
    import time
    time.sleep(seconds)
    return "rested"


@dsl.component(base_image="python:3.11")
def once(path: str) -> str:
    import os
    if not os.path.exists(path):
        open(path, "w").write("")
        raise RuntimeError("the first time it fails")
    return "well"


@dsl.pipeline(name="addition")
def addition(a: float = 1.0, b: float = 7.0) -> float:
    first = add(a=a, b=4.0)
    return add(a=first.output, b=b).output


@dsl.pipeline(name="patience", description="waits")
def patience(seconds: float = 0.0, path: str = "-"):
    rest(seconds=seconds)


@dsl.pipeline(name="second-try")
def second_try(path: str):
    first = add(a=1.0, b=1.0)
    once(path=path).after(first)


packages = {}
for pipeline in [addition, patience, second_try]:
    packages[pipeline.name] = f"{work}/{pipeline.name}.yaml"
    compiler.Compiler().compile(pipeline, packages[pipeline.name])


def refused(status, call, *arguments, **named):
    """The call fails with this status and says why."""
    try:
        call(*arguments, **named)
    except ApiException as error:
        body = json.loads(error.body)
        assert error.status == status, (status, error.status, body)
        assert body["message"] and isinstance(body["code"], int), body
        return body["message"]
    raise AssertionError(f"{call} was not refused")


def filtered(key, operation, **value):
    return json.dumps({"predicates": [{"key": key, "operation": operation, **value}]})


client = Client(host=server.url)
with ThreadPoolExecutor(4) as pool:
    assert len({made.experiment_id for made in pool.map(client.create_experiment, ["Default"] * 8)}) == 1

# --- the quick start
run = client.create_run_from_pipeline_package(packages["addition"], arguments={"a": 3.0, "b": 5.0}, run_name="quick", enable_caching=False)
ended = client.wait_for_run_completion(run.run_id, timeout=300, sleep_duration=1)
assert ended.state == "SUCCEEDED", ended
assert ended.display_name == "quick" and ended.runtime_config.parameters == {"a": 3.0, "b": 5.0}
details = {task.display_name: task for task in ended.run_details.task_details}
assert set(details) == {"add", "add-2"} and all(t.state == "SUCCEEDED" and t.end_time >= t.start_time for t in details.values()), details
assert [h.state for h in ended.state_history] == ["PENDING", "RUNNING", "SUCCEEDED"]
assert ended.pipeline_spec["pipelineInfo"]["name"] == "addition"
assert client.get_experiment(experiment_name="Default").experiment_id == ended.experiment_id

# --- experiments
names = [f"trial {n:02}" for n in range(25)]
made = {name: client.create_experiment(name, description="about " + name) for name in names}
assert client.create_experiment(names[3]).experiment_id == made[names[3]].experiment_id, "it is made once"
refused(409, client._experiment_api.experiment_service_create_experiment, experiment=kfp_server_api.V2beta1Experiment(display_name=names[0]))
refused(400, client._experiment_api.experiment_service_create_experiment, experiment=kfp_server_api.V2beta1Experiment(display_name="  "))
seen, token = [], ""
while True:
    page = client.list_experiments(page_token=token, page_size=7, sort_by="display_name desc")
    seen += [e.display_name for e in page.experiments]
    assert page.total_size == 26
    token = page.next_page_token
    if not token:
        break
assert seen == sorted(names + ["Default"], reverse=True), seen
assert client.list_experiments(filter=filtered("display_name", "IS_SUBSTRING", stringValue="RIAL 1")).total_size == 10
assert client.list_experiments(filter=filtered("display_name", "IN", stringValues={"values": names[:2]})).total_size == 2
refused(400, client.list_experiments, sort_by="colour")
refused(400, client.list_experiments, filter=filtered("colour", "EQUALS", stringValue="red"))
refused(400, client.list_experiments, page_token="nonsense")
client.archive_experiment(made[names[1]].experiment_id)
assert client.get_experiment(made[names[1]].experiment_id).storage_state == "ARCHIVED"
assert client.list_experiments(page_size=100, filter=filtered("storage_state", "NOT_EQUALS", stringValue="ARCHIVED")).total_size == 25
client.unarchive_experiment(made[names[1]].experiment_id)
client.delete_experiment(made[names[2]].experiment_id)
refused(404, client.get_experiment, made[names[2]].experiment_id)

# --- pipelines and versions
pipeline = client.upload_pipeline(packages["addition"], pipeline_name="Addition of numbers", description="adds")
refused(409, client.upload_pipeline, packages["addition"], pipeline_name="Addition of numbers")
assert client.get_pipeline_id("Addition of numbers") == pipeline.pipeline_id
assert client.get_pipeline_id("none of these") is None
assert client.get_pipeline(pipeline.pipeline_id).description == "adds"
assert client._pipelines_api.pipeline_service_get_pipeline_by_name("Addition of numbers").pipeline_id == pipeline.pipeline_id
second = client.upload_pipeline_version(packages["addition"], "second", pipeline_id=pipeline.pipeline_id, description="again")
refused(409, client.upload_pipeline_version, packages["addition"], "second", pipeline_id=pipeline.pipeline_id)
refused(404, client.upload_pipeline_version, packages["addition"], "third", pipeline_id="0" * 32)
versions = client.list_pipeline_versions(pipeline.pipeline_id, sort_by="created_at desc")
assert [v.display_name for v in versions.pipeline_versions] == ["second", "Addition of numbers"]
version = client.get_pipeline_version(pipeline.pipeline_id, second.pipeline_version_id)
assert version.pipeline_spec["root"]["dag"]["tasks"].keys() == {"add", "add-2"} and version.description == "again"
with tarfile.open(f"{work}/packed.tar.gz", "w:gz") as tar:
    tar.add(packages["patience"], "pipeline.yaml")
with zipfile.ZipFile(f"{work}/packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.write(packages["patience"], "pipeline.yaml")
patient = client.upload_pipeline(f"{work}/packed.tar.gz", pipeline_name="patience")
client.upload_pipeline_version(f"{work}/packed.zip", "zipped", pipeline_id=patient.pipeline_id)
open(f"{work}/wrong.yaml", "w").write("a: 1\n")
assert "pipelineInfo" in refused(400, client.upload_pipeline, f"{work}/wrong.yaml", pipeline_name="wrong")
assert client.list_pipelines(page_size=1, sort_by="created_at desc").pipelines[0].display_name == "patience"

# --- runs of versions, and what is wrong with runs
experiment = made[names[4]].experiment_id
named = client.run_pipeline(experiment, "by version", params={"a": 1, "b": 2}, pipeline_id=pipeline.pipeline_id, version_id=second.pipeline_version_id)
assert client.wait_for_run_completion(named.run_id, 300, 1).state == "SUCCEEDED"
told = client.get_run(named.run_id)
assert told.pipeline_version_reference.pipeline_version_id == second.pipeline_version_id and told.experiment_id == experiment
assert "no parameter" in refused(400, client.run_pipeline, experiment, "wrong", pipeline_package_path=packages["addition"], params={"c": 1})
assert "needs the parameter" in refused(400, client.run_pipeline, experiment, "wrong", pipeline_package_path=packages["second-try"])
refused(404, client.run_pipeline, "0" * 32, "lost", pipeline_package_path=packages["addition"])
refused(404, client.get_run, "0" * 32)
refused(400, client._run_api.run_service_create_run, run=kfp_server_api.V2beta1Run(display_name="nothing"))

# --- many at once, listed page by page
with ThreadPoolExecutor(8) as pool:
    many = list(pool.map(lambda n: client.run_pipeline(experiment, f"many {n:02}", pipeline_package_path=packages["addition"]), range(20)))
for one in many:
    assert client.wait_for_run_completion(one.run_id, 300, 1).state == "SUCCEEDED"
seen, token = [], ""
while True:
    page = client.list_runs(page_token=token, page_size=6, experiment_id=experiment, sort_by="display_name")
    seen += [r.display_name for r in page.runs]
    assert page.total_size == 21
    token = page.next_page_token
    if not token:
        break
assert seen == ["by version"] + [f"many {n:02}" for n in range(20)], seen
assert client.list_runs(filter=filtered("state", "EQUALS", stringValue="SUCCEEDED"), page_size=3).total_size == 22
client.archive_run(many[0].run_id)
assert client.get_run(many[0].run_id).storage_state == "ARCHIVED"
assert client.list_runs(experiment_id=experiment, filter=filtered("storage_state", "EQUALS", stringValue="AVAILABLE")).total_size == 20
client.unarchive_run(many[0].run_id)
client.delete_run(many[1].run_id)
refused(404, client.get_run, many[1].run_id)

# --- stopped, and let go on from where it failed
long = client.run_pipeline(experiment, "long", pipeline_package_path=packages["patience"], params={"seconds": 600})
refused(409, client.delete_run, long.run_id)
client.terminate_run(long.run_id)
assert client.get_run(long.run_id).state == "CANCELED"
failing = client.run_pipeline(experiment, "failing", pipeline_package_path=packages["second-try"], params={"path": f"{work}/mark"})
failed = client.wait_for_run_completion(failing.run_id, 300, 1)
assert failed.state == "FAILED" and "the first time it fails" in failed.error.message, failed
before = {t.display_name: t.end_time for t in failed.run_details.task_details}
client._run_api.run_service_retry_run(failing.run_id)
again = client.wait_for_run_completion(failing.run_id, 300, 1)
assert again.state == "SUCCEEDED" and again.error is None, again
after = {t.display_name: t.end_time for t in again.run_details.task_details}
assert after["add"] == before["add"] and after["once"] > before["once"], "what succeeded is not run again"
refused(409, client._run_api.run_service_retry_run, failing.run_id)

# --- recurring runs
every = client.create_recurring_run(experiment, "every second", interval_second=1, max_concurrency=2, no_catchup=True,
                                    pipeline_id=pipeline.pipeline_id, version_id=second.pipeline_version_id,
                                    params={"a": 1.0})
nightly = client.create_recurring_run(experiment, "nightly", cron_expression="0 30 2 * * *", start_time="2026-01-01T00:00:00Z",
                                      pipeline_package_path=packages["patience"], enabled=False, params={"path": "[[ScheduledTime]]"})
assert nightly.status == "DISABLED" and nightly.trigger.cron_schedule.cron == "0 30 2 * * *"
refused(400, client.create_recurring_run, experiment, "wrong", cron_expression="61 * * * *", pipeline_package_path=packages["patience"])
refused(400, client.create_recurring_run, experiment, "wrong", cron_expression="* * *", pipeline_package_path=packages["patience"])
refused(400, client.create_recurring_run, experiment, "over", cron_expression="0 0 * * *", end_time="2020-01-01T00:00:00Z", pipeline_package_path=packages["patience"])
deadline = time.time() + 120
while client.list_runs(filter=filtered("recurring_run_id", "EQUALS", stringValue=every.recurring_run_id)).total_size < 3:
    assert time.time() < deadline, "the schedule starts nothing"
    time.sleep(0.3)
client.disable_recurring_run(every.recurring_run_id)
assert client.get_recurring_run(every.recurring_run_id).status == "DISABLED"
client.enable_recurring_run(every.recurring_run_id)
listed = client.list_recurring_runs(experiment_id=experiment, sort_by="display_name")
assert [r.display_name for r in listed.recurring_runs] == ["every second", "nightly"]

# --- killed and started again: nothing is lost, and no time of the schedule starts two runs
server.kill()
server.start()
client = Client(host=server.url)
time.sleep(2)
client.delete_recurring_run(every.recurring_run_id)
refused(404, client.get_recurring_run, every.recurring_run_id)
runs = client.list_runs(page_size=200, filter=filtered("recurring_run_id", "EQUALS", stringValue=every.recurring_run_id)).runs
times = [r.scheduled_at for r in runs]
assert len(set(times)) == len(times), times
for one in runs:
    assert client.wait_for_run_completion(one.run_id, 300, 1).state == "SUCCEEDED"
assert client.get_run(named.run_id).state == "SUCCEEDED" and client.get_pipeline(pipeline.pipeline_id).display_name == "Addition of numbers"

# --- taken away
client.delete_pipeline_version(pipeline.pipeline_id, second.pipeline_version_id)
refused(404, client.get_pipeline_version, pipeline.pipeline_id, second.pipeline_version_id)
refused(409, client.delete_pipeline, pipeline.pipeline_id)
client._pipelines_api.pipeline_service_delete_pipeline(pipeline.pipeline_id, cascade=True)
refused(404, client.get_pipeline, pipeline.pipeline_id)
assert client.get_run(named.run_id).state == "SUCCEEDED", "the runs of a pipeline stay"

server.stop()
print("ok")
