# SPDX-License-Identifier: Apache-2.0
"""The compiled pipelines that kubeflow/pipelines tests its own backend with, each held to the end that its name and source say.

After the server and the folder comes a checkout's `test_data/sdk_compiled_pipelines/valid`; then parts of names, to run those alone.
What asks for a cluster, or for an image that is no host image, must be refused before anything runs, and name what it asks for.
"""
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kfp import Client
from kfp_server_api.exceptions import ApiException
from server import Server

root = Path(sys.argv[3])
names = sorted(str(path.relative_to(root)) for path in root.rglob("*.yaml"))
if sys.argv[4:]:
    names = [name for name in names if any(part in name for part in sys.argv[4:])]
work = os.path.realpath(sys.argv[2])

# Values of the parameters that have no default.
PARAMETERS = {
    "arguments_parameters.yaml": {"param2": "two"},
    "component_with_task_final_status_GH-12033.yaml": {"status": {"state": "SUCCEEDED", "error": {}, "pipelineJobResourceName": "a", "pipelineTaskName": "b"}},
    "container_io.yaml": {"text": "hello"},
    "container_with_concat_placeholder.yaml": {"text1": "hello"},
    "critical/add_numbers.yaml": {"a": 3, "b": 4},
    "env-var.yaml": {"env_var": "PATH"},
    "essential/concat_message.yaml": {"message1": "one", "message2": "two"},
    "essential/dict_input.yaml": {"struct": {"a": 1}},
    "essential/lightweight_python_functions_pipeline.yaml": {"message": "hello"},
    "essential/lightweight_python_functions_with_outputs.yaml": {"first_message": "a", "first_number": 1, "second_message": "b", "second_number": 2},
    "identity.yaml": {"value": "the same"},
    "local_execution/local_execution_pipeline_with_ignore_upstream_failure.yaml": {"marker_path": f"{work}/marker"},
    "local_execution/local_execution_pipeline_with_retry.yaml": {"counter_path": f"{work}/counter"},
    "upload_download_compiled.yaml": {"bucket_name": "b", "mlpipeline_minio_artifact_secret": "s"},
    "pipeline_with_metadata_fields.yaml": {"string": "hello"},
    "pipeline_with_parallelfor_parallelism.yaml": {"loop_parameter": ["a", "b"]},
    "pipeline_with_parallelfor_pipeline_param.yaml": {"loop_parameter": ["a", "b"], "prefix": "p"},
    "preprocess.yaml": {"input_list_parameter": ["a"], "input_dict_parameter": {"a": 1}, "message": "m"},
    "sequential_v1.yaml": {"param1": "1", "param2": "2"},
}

# What must fail, and why.
FAILING = {
    "failing/fail_v2.yaml": "its task exits with 1",
    "failing/pipeline_with_exit_handler.yaml": "a guarded task exits with 1",
    "failing/pipeline_with_multiple_exit_handlers.yaml": "a guarded task exits with 1",
    "pipeline_as_exit_task.yaml": "a guarded task exits with 1",
    "pipeline_with_task_final_status.yaml": "a guarded task exits with 1",
    "pipeline_with_task_using_ignore_upstream_failure.yaml": "a task exits with 1; the one after it runs all the same",
    "local_execution/local_execution_pipeline_with_ignore_upstream_failure.yaml": "a task raises; the one after it runs all the same",
    "container_io.yaml": "my_program is no program",
    "container_with_concat_placeholder.yaml": "my_program is no program",
    "container_with_if_placeholder.yaml": "my_program is no program",
    "container_with_placeholder_in_fstring.yaml": "my_program is no program",
    "component_with_metadata_fields.yaml": "artifacts that nobody gives",
    "pipeline_with_metadata_fields.yaml": "artifacts that nobody gives",
    "input_artifact.yaml": "an artifact that nobody gives",
    "essential/embedded_artifact.yaml": "the kfp that it pins has no EmbeddedInput",
    "critical/pipeline_with_artifact_custom_path.yaml": "the kfp that it pins has no set_path",
    "critical/pipeline_with_input_status_state.yaml": "it asks for the word COMPLETE, where kfp's documentation and kfp.local have SUCCEEDED",
    "critical/modelcar.yaml": "a model in an image of a registry",
    "critical/pipeline_with_artifact_upload_download.yaml": "a dataset of a hub",
    "integration/ray_integration_compiled.yaml": "a Ray cluster on Kubernetes",
    "pipeline_with_google_artifact_type.yaml": "packages that PyPI does not have",
    "pipeline_with_importer.yaml": "a file of a Google bucket",
    "pythonic_artifact_with_single_return.yaml": "a file of a Google bucket",
    "upload_download_compiled.yaml": "a bucket of MinIO",
    "pipeline_with_concat_placeholder.yaml": "the [[ of busybox's shell, where the host's has none",
}

# What waits for longer than this script does: it must be running, and stop when it is told to.
LONG = {"long-running.yaml", "take_nap_compiled.yaml", "take_nap_pipeline_root_compiled.yaml"}

server = Server(sys.argv[1], sys.argv[2])
# Whether or not there is something that makes containers.
server.environment["GYRE_TASK_EXECUTOR"] = "process"
server.start()
client = Client(host=server.url)


def run(name):
    try:
        made = client.create_run_from_pipeline_package(str(root / name), arguments=PARAMETERS.get(name, {}), enable_caching=False)
    except ApiException as error:
        return "REFUSED", error.body
    if name in LONG:
        client.terminate_run(made.run_id)
        return client.get_run(made.run_id).state, ""
    deadline = time.time() + 600
    while not (ended := client.get_run(made.run_id)).finished_at:
        if time.time() > deadline:
            return "STUCK", str([(t.display_name, t.state) for t in ended.run_details.task_details])
        time.sleep(0.5)
    return ended.state, ended.error.message if ended.error else ""


def judge(name):
    text = (root / name).read_text()
    state, why = run(name)
    if name in LONG:
        return name, state, why, state == "CANCELED"
    if state == "REFUSED":
        # It names the field of the platform, or the image.
        named = "platforms.kubernetes" in why or any(f'image \\"{line.split(":", 1)[1].strip()}' in why for line in text.splitlines() if line.strip().startswith("image:"))
        return name, state, why, named
    return name, state, why, state == ("FAILED" if name in FAILING else "SUCCEEDED")


import contextlib


with contextlib.redirect_stdout(open(work + "/client.txt", "w", buffering=1)), ThreadPoolExecutor(4) as pool:
    results = list(pool.map(judge, names))
wrong = [result for result in results if not result[3]]
for name, state, why, _ in wrong:
    print(f"{state:10} {name} {why[:400]}")
counts = {state: sum(1 for r in results if r[1] == state) for state in sorted({r[1] for r in results})}
print(f"{len(results)} compiled pipelines: {counts}; {len(wrong)} did not end as they say")
server.stop()
sys.exit(bool(wrong))
