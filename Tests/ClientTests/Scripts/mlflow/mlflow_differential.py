# SPDX-License-Identifier: Apache-2.0
"""The real mlflow client against the real mlflow server, then against Gyre: the same calls, the same answers.

    mlflow_differential.py GYRE_BINARY EMPTY_FOLDER [--seed N] [--calls N] [--only NAME] [--recorded FILE]

--only runs the steps whose area/name contains NAME; --recorded keeps the real server's answers in FILE and takes them from there
the next time, so that only Gyre runs (for work on one difference; the answers hold for one seed and one set of steps).
"""
import argparse
import difflib
import fnmatch
import json
import os
import signal
import socket
import subprocess
import sys
import time

# What differs on purpose: the place (area/step: call), and the reason. A call listed here is made all the same.
LENIENT = "a body is read as JSON whatever its type, a member may come in the query too, and camelCase counts like snake_case"
PATHS = "a path with a backslash or an empty part is refused"
PARTLY = "the real server's parser stops at a member it cannot read and goes on with those before it; Gyre refuses the whole call"
DOCUMENTED = [
    ("probes/*: (partly parsed)*", PARTLY),
    ('probes/odd_members: POST */runs/log-metric * "value": true*', PARTLY),
    ('probes/odd_members: POST */runs/log-metric * "timestamp": [1t]*', PARTLY),
    ('probes/odd_members: POST */runs/log-metric * "step": [1t]*', PARTLY),
    ("probes/pages: GET */metrics/get-history*max_results=[x1]*", PARTLY),
    ("probes/pages: GET */metrics/get-history*max_results=", PARTLY),
    ('probes/pages: POST */runs/search *"page_token": 5}', PARTLY),
    ("probes/bodies: *", LENIENT), ("probes/camel_case_and_unknown: *", LENIENT),
    ("probes/missing_members: GET */experiments/search*", "max_results may be left out"),
    ("probes/pages: * */experiments/search*", "max_results may be left out"),
    ("probes/pages: * */logged-models/search *\"max_results\": -1*", "a page of less than nothing is refused"),
    ("probes/pages: GET */registered-models/search?max_results=[-0]*", "a page of nothing is refused"),
    ("registry/model_search: search_registered_models(*, 0)", "a page of nothing is refused"),
    ("registry/model_search: search_registered_models(*, -1)", "a page of less than nothing is refused"),
    ("probes/pages: POST */runs/search *page_token*", "a page token is opaque, and holds where the next page begins instead of an offset"),
    ("probes/artifact_proxy: *a%5C..%5Cx*", PATHS), ("probes/artifact_proxy: *a//b*", PATHS), ("probes/artifact_proxy: *a*..*b", PATHS),
    ("search/run_search: search_runs(*'metrics. score > 1')", "a blank after the dot is overlooked"),
    ("search/run_search: search_runs(*order_by=*run name*", "an order takes every name of an attribute that a filter takes"),
    ("search/run_search: search_runs(*order_by=[[]' metrics*", "blanks around an order are overlooked"),
    ("search/logged_model_search: *status *'*", "the status of a logged model is compared by its name, not by its stored number"),
    ("search/logged_model_search: *name = \"a\"*", "double quotes hold texts here as everywhere else"),
    ("search/logged_model_search: *dataset_name*", "a dataset without a digest stands for any digest"),
    ("search/logged_model_search: *page_token*", "a page token does not know the filter it was made for"),
    ("genai/trace_search: *timestamp > '5'*", "a number in quotes is a number"),
    ("genai/trace_search: *\"text LIKE*", "the text of a trace may be asked for by its bare name"),
    ("genai/trace_search: *span.attributes.*", "an attribute of a span can be compared with ="),
    ("genai/trace_search: *end_time*", "traces can be ordered by their end"),
    ("genai/otlp: POST /api/3.0/mlflow/traces *", "the answer has the tags that were merged"),
    ("genai/otlp: DELETE */tags[?]key=*", "a trace's tag may be named in the query too"),
    ("genai/otlp: GET */traces/<id 15>*", "follows from the line above"), ("genai/otlp: search_traces(*order_by=*timestamp ASC*", "as above"),
    ("genai/dataset_search: *name > 'a'*", "names are not ordered by a filter"),
    ("search/logged_model_search: *max_results=-1*", "a page of less than nothing is refused"),
    ("probes/answers: PATCH */model-versions/update *", "a description that is not there is an empty text"),
    ("probes/answers: * */logged-models/*", "the model's id in the address is enough"),
    ("probes/answers: GET */runs/get*", "the history of a run's models holds what the client sent"),
    ("genai/mcp_servers: *", "MLflow's registry of MCP servers is not spoken"),
]
PAGES = "the real server refuses without an error code (an HTML page, or FastAPI's detail); Gyre with the same status and an error code"
FAILURES = "the real server fails (5xx, or an error of its database as 400 BAD_REQUEST); Gyre refuses with 400, 404 or 409"

# Public functions that no step calls.
UNCALLED = {
    "runs models or programs, not calls": ["mlflow.autolog", "mlflow.evaluate", "mlflow.run", "mlflow.test",
        "mlflow.validate_evaluation_results"],
    "no server is asked": ["mlflow.context", "mlflow.doctor", "mlflow.login", "mlflow.set_registry_uri", "mlflow.set_tracking_uri"],
    "called as a decorator": ["mlflow.trace"],
    "numbers of the machine itself": ["mlflow.enable_system_metrics_logging"],
    "needs checkpoints in a Unity Catalog volume": ["mlflow.import_checkpoints"],
    "switches all later calls": ["mlflow.set_workspace"],
    "matplotlib may be absent": ["client.log_figure", "mlflow.log_figure"],
}

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_TRACKING_URI": "", "PYTHONHASHSEED": "0", "TQDM_DISABLE": "1", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PYTHONWARNINGS": "ignore",
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gyre")
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--only", default="")
    parser.add_argument("--recorded")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        return work(given)
    os.makedirs(given.folder, exist_ok=True)
    print(f"seed {given.seed}")
    if given.recorded and os.path.exists(given.recorded):
        real = json.load(open(given.recorded))
    else:
        real = against_real(given)
        if given.recorded:
            json.dump(real, open(given.recorded, "w"))
    sys.exit(compare(real, against_gyre(given), given))


def against_real(given):
    import ports
    import server  # sets signals right for what is started from here

    assert server.Server
    home = os.path.abspath(f"{given.folder}/real")
    os.makedirs(home)
    port = ports.free_port()
    program = os.path.join(os.path.dirname(sys.executable), "mlflow")
    command = [program, "server", "--backend-store-uri", f"sqlite:///{home}/mlflow.db", "--artifacts-destination", f"{home}/artifacts",
               "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    log = open(f"{home}.log", "w")
    process = subprocess.Popen(command, cwd=home, env={**os.environ, **QUIET}, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.time() + 600
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.time() > deadline:
                    sys.exit("the real server did not start: " + open(f"{home}.log").read()[-1000:])
                time.sleep(0.2)
        return run_worker(given, "real", f"http://127.0.0.1:{port}")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its answers are here; how it ends is its own affair
            process.wait()


def against_gyre(given):
    from server import Server

    server = Server(os.path.abspath(given.gyre), os.path.abspath(given.folder), "gyre").start()
    try:
        return run_worker(given, "gyre", server.url)
    finally:
        server.stop()


def run_worker(given, name, url):
    """A fresh interpreter for each server: the client keeps much state."""
    home = os.path.abspath(f"{given.folder}/{name}-client")
    os.makedirs(home)
    command = [sys.executable, os.path.abspath(__file__), given.gyre, home, "--worker", url, "--seed", str(given.seed),
               "--calls", str(given.calls), "--only", given.only]
    environment = {**os.environ, **QUIET, "MLFLOW_TRACKING_URI": url, "HOME": home, "TMPDIR": home}
    began = time.time()
    with open(f"{home}.log", "w") as log:
        done = subprocess.run(command, cwd=home, env=environment, stdout=log, stderr=log)
    if done.returncode != 0:
        sys.exit(f"the calls to {name} ended with {done.returncode}: {open(f'{home}.log').read()[-2000:]}")
    answers = json.load(open(f"{home}/answers.json"))
    count = sum(len(records) for records in answers["steps"].values())
    print(f"{name}: {count} calls in {len(answers['steps'])} steps, {time.time() - began:.0f} s")
    return answers


def work(given):
    """Makes all calls to one server."""
    import logging
    import traceback

    import mlflow

    import differential_genai, differential_probes, differential_random, differential_registry  # noqa: E401,F401
    import differential_search, differential_tracking  # noqa: E401,F401
    from differential_harness import STEPS, Broken, Recorder

    logging.disable(logging.WARNING)
    order = ("tracking", "search", "registry", "genai", "probes", "random")
    recorder = Recorder(given.worker, os.path.abspath(given.folder), given.seed, mlflow, mlflow.MlflowClient())
    recorder.calls = given.calls
    answers = {}
    for area, name, function in sorted(STEPS, key=lambda s: order.index(s[0])):
        if given.only not in f"{area}/{name}":
            continue
        recorder.begin(f"{area}-{name}")
        try:
            os.makedirs(recorder.step_folder)
            function(recorder)
        except Broken as error:
            recorder.records.append(["(the step ended early)", str(error)[:200]])
        except Exception as error:  # also a difference: the other server's answers got through this
            traceback.print_exc()
            place = traceback.extract_tb(error.__traceback__)[1]
            recorder.records.append(["(the step failed)", f"{type(error).__name__}: {str(error)[:200]} at line {place.lineno}"])
        finally:
            while mlflow.active_run():
                mlflow.end_run()
        try:
            answers[f"{area}/{name}"] = recorder.finish()
        except Exception as error:
            answers[f"{area}/{name}"] = [["(not comparable)", repr(error)]]
        print(f"{time.time():.1f} {area}/{name}: {len(answers[f'{area}/{name}'])}", flush=True)
    json.dump({"steps": answers, "uncalled": [] if given.only else uncalled(recorder.called, mlflow)}, open(f"{given.folder}/answers.json",
        "w"))
    os._exit(0)  # threads of the client do not hold this up


def pageless(answer):
    """The status of a refusal that carries no error code."""
    return answer["status"] if isinstance(answer, dict) and answer.get("refused") == "HTTP" and not answer["error_code"] else None


def uncalled(called, mlflow):
    """The public functions that no step has called, and that UNCALLED does not excuse."""
    functions = {f"client.{n}" for n in dir(mlflow.MlflowClient) if n[0] != "_" and callable(getattr(mlflow.MlflowClient, n))}
    functions |= {f"mlflow.{n}" for n in mlflow.__all__ if callable(getattr(mlflow, n)) and not isinstance(getattr(mlflow, n), type)}
    return sorted(functions - called - {name for names in UNCALLED.values() for name in names})


def comparable(answer):
    """An answer without what clients do not branch on."""
    if isinstance(answer, dict):
        without = ("message",) if "refused" in answer else ()
        return {k: comparable(v) for k, v in answer.items() if k not in without}
    if isinstance(answer, list):
        return [comparable(v) for v in answer]
    if isinstance(answer, (int, float)) and not isinstance(answer, bool):
        return float(f"{answer:.12g}")
    return answer


def fails(answer):
    """Whether the real server did not refuse but fail: there any refusal is as good."""
    return isinstance(answer, dict) and "refused" in answer and (
        (answer["status"] or 0) >= 500 or "IntegrityError" in answer["message"] or "sqlite3." in answer["message"])


def compare(real, gyre, given):
    agreed, documented, differences, differing = 0, {}, 0, []
    for place, expected in real["steps"].items():
        found = gyre["steps"].get(place, [])
        for index in range(max(len(expected), len(found))):
            left = expected[index] if index < len(expected) else ["(no call)", None]
            right = found[index] if index < len(found) else ["(no call)", None]
            same_call = left[0].split("(")[0].split(" ")[0] == right[0].split("(")[0].split(" ")[0]
            if left[0].startswith("(the step"):
                print(f"\n== {place} #{index}: a step must get through on the real server: {left[0]} {left[1]}")
                differences += 1
                break
            if same_call and comparable(left[1]) == comparable(right[1]):
                agreed += 1
                continue
            if same_call and fails(left[1]) and isinstance(right[1], dict) and right[1].get("status") in (400, 404, 409):
                documented[-1] = documented.get(-1, 0) + 1
                continue
            if same_call and pageless(left[1]) and isinstance(right[1], dict) and pageless(left[1]) == right[1].get("status"):
                documented[-2] = documented.get(-2, 0) + 1
                continue
            where = f"{place}: {left[0]}"
            reason = next((i for i, (pattern, _) in enumerate(DOCUMENTED) if fnmatch.fnmatchcase(where, pattern)), None)
            if reason is not None:
                documented[reason] = documented.get(reason, 0) + 1
                continue
            differences += 1
            differing.append((f"{place} #{index}: {left[0]}"[:300], json.dumps(left[1], ensure_ascii=False)[:500], json.dumps(right[1], ensure_ascii=False)[:500]))
            print(f"\n== {place} #{index}: {left[0]}" + ("" if same_call else f"   (Gyre's side: {right[0]})"))
            show(left[1], right[1])
            if not same_call:
                print("   (the two sides went different ways: the rest of this step is not compared)")
                break
    print(f"\n{agreed} calls agreed, {sum(documented.values())} differ as documented, {differences} differ")
    for index, count in sorted(documented.items()):
        pattern, reason = DOCUMENTED[index] if index >= 0 else ("any call", FAILURES if index == -1 else PAGES)
        print(f"  {count} x {pattern}: {reason}")
    for name in real["uncalled"]:
        print(f"no step calls {name}")
    # Once more at the end, which is all that a runner may show.
    for call, left, right in differing[:5]:
        print(f"differs: {call}\n  real {left}\n  gyre {right}")
    return 1 if differences or not agreed or real["uncalled"] else 0


def show(left, right):
    if isinstance(left, dict) and "refused" in left or isinstance(right, dict) and "refused" in right or len(json.dumps([left,
        right])) < 220:
        print(f"   real: {json.dumps(left, ensure_ascii=False)[:1500]}\n   gyre: {json.dumps(right, ensure_ascii=False)[:1500]}")
        return
    lines = [json.dumps(comparable(v), indent=1, sort_keys=True, ensure_ascii=False).split("\n") for v in (left, right)]
    for line in list(difflib.unified_diff(*lines, "real", "gyre", lineterm="", n=2))[2:70]:
        print("   " + line[:200])


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
