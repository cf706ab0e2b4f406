# SPDX-License-Identifier: Apache-2.0
"""The command line as a person uses it: with and without a server, tables, JSON, ids, exit statuses."""
import json
import os
import sqlite3
import subprocess
import sys

from server import Server, onnx_model

server = Server(sys.argv[1], sys.argv[2])
work = sys.argv[2]
os.makedirs(f"{work}/d")
open(f"{work}/d/a.csv", "w").write("id,x\n1,2\n2,3\n")


def help_of(*words):
    text = server.run(*words, "--help").stdout
    assert "USAGE" in text
    return text


nouns = "up apply data check feature pipeline run experiment model endpoint release monitor lineage ledger doctor".split()
top = help_of()
for noun in nouns:
    assert f"\n  {noun}" in top, noun
    text = help_of(noun)
    verbs = [line.split()[0] for line in text.split("SUBCOMMANDS:")[1].splitlines()[1:] if line.startswith("  ") and line[2:3].islower()] if "SUBCOMMANDS:" in text else []
    for verb in verbs:
        verb_text = help_of(noun, verb)
        assert "Example:" in verb_text or verb == "help", (noun, verb)
        assert sum(line.startswith("  --version") for line in verb_text.splitlines()) <= 1, verb_text
for shell in ["bash", "zsh", "fish"]:
    assert "gyre" in server.run("--generate-completion-script", shell).stdout
assert server.run("nonsense", status=64).stderr
assert server.run("--version").stdout.startswith("gyre ")

# A mistyped word, at every level, is told with the one that was meant, on standard error.
for words, meant in [(["modle", "list"], "gyre model list"), (["model", "lsit"], "gyre model list"), (["help", "edpoint"], "gyre endpoint"),
                     (["endpoint", "bandit", "strat", "d", "--versions", "2"], "gyre endpoint bandit start d --versions 2"),
                     (["run", "list", "--experimnt", "x"], "--experiment")]:
    done = server.run(*words, status=64)
    assert meant in done.stderr and not done.stdout, done

# What reads, and what needs something that is there, makes no home: a mistyped path is an error.
nowhere = f"{work}/no such home"
reading = ["data list", "data log d", "data diff d", "data checkout d --to x", "feature list", "feature get v 1", "pipeline list", "pipeline show 1",
           "pipeline logs 1 t", "run list", "run show 1", "run compare 1 2", "run best --metric m", "experiment list", "model list", "model show m",
           "model card m", "model served", "model history m", "model alias m a --version 1", "model undo m 1", "endpoint list", "endpoint show e",
           "endpoint deploy e", "endpoint promote e", "endpoint explain e 1", "release list", "release show e@1", "release rollback e@1 --dry-run",
           "monitor e", "lineage run/1", "ledger log", "ledger head", "ledger verify", "ledger export", "ledger rollback --to 1 --dry-run",
           "blob verify", "gc --dry-run", "get isvc", "delete isvc i"]
for line in reading:
    done = server.run(*line.split(), "--home", nowhere, status=3)
    assert "There is no Gyre home at" in done.stderr and not os.path.exists(nowhere), (line, done)
json.dump({"name": "s", "expectations": []}, open(f"{work}/empty.json", "w"))
server.run("check", f"{work}/empty.json", "d", "--home", nowhere, status=3)
assert not os.path.exists(nowhere)
assert "ok  DuckDB" in server.run("doctor").stdout and not os.path.exists(server.home), "looking at the machine makes no home either"

# Without a server the home folder is opened; with one it is asked; the answers are the same.
for phase in ["alone", "served"]:
    if phase == "served":
        server.start()
    added = server.run("data", "add", f"{work}/d", "--name", f"d-{phase}").stdout
    assert f"dataset/d-{phase}@" in added and "1 files" in added, added
    if phase == "alone":
        assert server.run("data", "diff", f"d-{phase}", status=3).stderr.count("only version") == 1
    assert "(nothing changed)" in server.run("data", "add", f"{work}/d", "--name", f"d-{phase}").stdout
    open(f"{work}/d/a.csv", "a").write("3,4\n" if phase == "alone" else "4,5\n")
    head = server.run("ledger", "head").stdout
    tried = server.run("data", "add", f"{work}/d", "--name", f"d-{phase}", "--dry-run", "--quiet").stdout
    assert server.run("ledger", "head").stdout == head, "a dry run changes nothing"
    added = server.run("data", "add", f"{work}/d", "--name", f"d-{phase}", "-m", "a row more", "--quiet").stdout
    assert tried == added, "a dry run tells the version that the command then makes"
    assert "newest version already" in server.run("data", "add", f"{work}/d", "--name", f"d-{phase}", "--dry-run").stdout
    diff = json.loads(server.run("data", "diff", f"d-{phase}", "--format", "json").stdout)
    assert diff["added_rows"] == 1 and diff["removed_rows"] == 0, diff
    refs = server.run("data", "log", f"d-{phase}", "--quiet").stdout.split()
    assert len(refs) == 2 and all(r.startswith(f"dataset/d-{phase}@") for r in refs), refs
    old = refs[1].split("/")[1]
    server.run("data", "checkout", old, "--to", f"{work}/out-{phase}")
    assert open(f"{work}/out-{phase}/a.csv").read().count("\n") == (3 if phase == "alone" else 4)
    open(f"{work}/out-{phase}/a.csv", "w").write("mine")
    assert "--force" in server.run("data", "checkout", old, "--to", f"{work}/out-{phase}", status=4).stderr
    json.dump(
        {"name": "s", "expectations": [{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}}]}, open(f"{work}/good.json", "w"))
    json.dump(
        {"name": "s", "expectations": [{"type": "expect_column_values_to_be_between", "kwargs": {"column": "x", "max_value": 2}}]},
        open(f"{work}/bad.json", "w"))
    assert server.run("check", f"{work}/good.json", f"d-{phase}").stdout.startswith("passed: 1")
    assert server.run("check", f"{work}/bad.json", f"d-{phase}", status=1).stdout.startswith("FAILED")
    # What only warns has one name, on the command line, in the answer and in the ledger.
    warning = json.load(open(f"{work}/bad.json"))
    warning["expectations"][0]["severity"] = "warning"
    warning["name"] = "w"
    json.dump(warning, open(f"{work}/warning.json", "w"))
    assert server.run("check", f"{work}/warning.json", f"d-{phase}").stdout.startswith("passed with warnings: 1")
    assert "check/d-" in server.run("ledger", "log", "--kind", "quality.check.warned").stdout
    result = json.loads(server.run("check", f"{work}/bad.json", f"d-{phase}", "--format", "json", status=1).stdout)
    assert result["results"][0]["exception_info"]["raised_exception"] is False and result["statistics"]["evaluated_expectations"] == 1
    assert "fix:" in server.run("data", "log", "nothing", status=3).stderr
    # Names, whole and short ids, and refs as they are printed are all taken; what is unknown is told with the nearest name.
    for text in [f"d-{phase}", refs[0].split("/")[1], refs[0], refs[0][:-6]]:
        server.run("check", f"{work}/good.json", text)
    assert f'Did you mean "d-{phase}"' in server.run("data", "log", f"d-{phase}x", status=3).stderr
    for text in [f"dataset/d-{phase}", refs[0], refs[0][:-6], f"dataset/d-{phase}@latest"]:
        assert "quality.check.passed" in server.run("lineage", text, "--direction", "down").stdout, text
        assert "quality.check.passed" in server.run("ledger", "log", "--ref", text).stdout, text
    for text in ["dataset/nothing", "run/0000", "model/nothing@3", "release/nothing@1", "endpoint/nothing", "datsaet/d@1", "check/nothing"]:
        server.run("lineage", text, status=3)
        server.run("ledger", "log", "--ref", text, status=3)
    assert '"dataset"' in server.run("lineage", "datsaet/d@1", status=3).stderr
    assert server.run("ledger", "verify").stdout.startswith("intact")
    head = server.run("ledger", "head").stdout.strip()
    assert server.run("ledger", "verify", "--head", head).stdout.startswith("intact")
    lines = server.run("ledger", "export").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert "versioning.dataset.added" in server.run("ledger", "log", "--kind", "versioning").stdout
    check = next(json.loads(line) for line in lines if json.loads(line)["kind"] == "quality.check.passed")
    assert check["inputs"][0] in server.run("lineage", check["subject"]).stdout
    assert "Nothing moved since then" in server.run("ledger", "rollback", "--to", str(len(lines)), "--dry-run").stdout
    for empty in [["model", "list"], ["endpoint", "list"], ["release", "list"], ["pipeline", "list"], ["feature", "list"]]:
        assert len(server.run(*empty).stdout.strip().splitlines()) == 1, empty
    assert server.run("endpoint", "show", "nothing", status=3).stderr.startswith("error: No endpoint")
assert "ok  DuckDB" in server.run("doctor").stdout

# Runs and experiments, by name, by id, by the first digits; the advice names the server that was asked.
assert f"MLFLOW_TRACKING_URI={server.url}" in server.run("run", "list").stdout
experiment = server.request("POST", "/api/2.0/mlflow/experiments/create", {"name": "a&b=c/d e"})[1]["experiment_id"]
other = server.request("POST", "/api/2.0/mlflow/experiments/create", {"name": "other"})[1]["experiment_id"]
runs = []
for name, where, value in [("one", experiment, 1e-7), ("two", experiment, 1.00001e-7), ("twin", other, 1.0), ("twin", other, 2.0)]:
    run = server.request("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": where, "run_name": name})[1]["run"]["info"]["run_id"]
    server.request("POST", "/api/2.0/mlflow/runs/log-metric", {"run_id": run, "key": "loss", "value": value, "timestamp": 1, "step": 0})
    runs.append(run)
for text in [experiment, "a&b=c/d e"]:
    assert server.run("run", "list", "--experiment", text, "-q").stdout.split() == [runs[1], runs[0]], text
    assert server.run("run", "best", "--metric", "loss", "--smallest", "--experiment", text, "-q").stdout.split()[0] == runs[0]
assert 'Did you mean "other"' in server.run("run", "list", "--experiment", "othr", status=3).stderr
server.run("run", "best", "--metric", "loss", "--experiment", "999", status=3)
for text in [runs[0], runs[0][:8], "one", f"run/{runs[0][:8]}"]:
    assert server.run("run", "show", text, "-q").stdout.strip() == runs[0], text
    assert server.request("GET", f"/api/gyre/v1/runs/{text.removeprefix('run/')}/history?metric=loss")[1]["points"][0]["value"] == 1e-7
done = server.run("run", "show", "twin", status=4)
assert runs[2] in done.stderr and runs[3] in done.stderr, done
assert 'Did you mean "twin"' in server.run("run", "show", "twni", status=3).stderr
compared = server.run("run", "compare", "one", runs[1][:8]).stdout
assert "metrics.loss" in compared and "1.00001e-07" in compared, compared
assert "The runs are the same." in server.run("run", "compare", "one", runs[0]).stdout
assert '"one"' in server.run("run", "compare", "one", "oen", status=3).stderr

# Each changing command tells what it would do, refuses what it would refuse, and does nothing.
onnx_model(f"{work}/m.onnx")


def dry(*words, says, status=0):
    head = server.api("GET", "/ledger/head")["seq"]
    done = server.run(*words, "--dry-run", status=status)
    assert says in done.stdout + done.stderr, (words, done)
    # The judge of a rollout under way goes on meanwhile.
    facts = [fact for fact in server.api("GET", f"/ledger?after={head}")["facts"] if not fact["actor"].startswith("policy/")]
    assert not facts, (words, facts)


dry("model", "import", f"{work}/m.onnx", "--name", "m", says="next version of m, a new model")
for _ in range(3):
    server.run("model", "import", f"{work}/m.onnx", "--name", "m")
dry("model", "alias", "m", "best", "--version", "latest", says="m@best would be version 3 now")
server.run("model", "alias", "m", "best", "--version", "2")
dry("model", "alias", "m", "best", "--version", "3", says="version 3 now; it was 2")
for version in ["2", "best", "model/m@best"]:
    assert "model/m@2" in server.run("lineage", version if "/" in version else f"model/m@{version}", "--format", "json").stdout
assert '"best"' in server.run("model", "card", "m", "--version", "bset", status=3).stderr
changed = server.run("ledger", "log", "--kind", "registry.alias.set", "--limit", "1", "-q").stdout.strip()
dry("model", "undo", "m", changed, says="would be taken back")
dry("model", "undo", "m", "1", says="no fact 1", status=3)
dry("model", "configure", "m", says="would be served so")
dry("endpoint", "deploy", "m", "--version", "1", says="with all traffic at once, since nothing is served there yet")
dry("endpoint", "deploy", "mm", says='Did you mean "m"', status=3)
server.run("endpoint", "deploy", "m", "--version", "1")
assert "stable 100 %" in server.run("endpoint", "list").stdout and "stable 100 %" in server.run("endpoint", "show", "m").stdout
dry("endpoint", "deploy", "m", "--version", "best", says="model/m@2 would go out on m beside version 1 in the steps 10 %")
dry("endpoint", "deploy", "m", "--version", "2", "--strategy", "all-at-once", says="in place of version 1")
dry("endpoint", "promote", "m", says="No rollout", status=4)
server.run("endpoint", "deploy", "m", "--version", "2", "--steps", "10,50,100")
for verb in ["list", "show"]:
    assert "stable 90 %, canary 10 %" in server.run("endpoint", verb, *(["m"] if verb == "show" else [])).stdout
dry("endpoint", "promote", "m", says="would be promoted")
dry("endpoint", "abort", "m", says="would be aborted")
dry("endpoint", "pause", "m", says="would be paused")
dry("endpoint", "resume", "m", says="would be running")
dry("endpoint", "traffic", "m", "--canary", "30", says="would have 30 % and stay there")
dry("endpoint", "flag", "m", "--attribute", "country", "--values", "DE,FR", says="DE, FR")
dry("endpoint", "log", "m", "--sample", "0.5", says="would keep 50 %")
dry("endpoint", "freeze", "m", "--hours", "1", says="would be frozen until")
server.run("endpoint", "freeze", "m", "--hours", "1", "--reason", "sale")
dry("endpoint", "promote", "m", says="is frozen", status=4)
dry("endpoint", "unfreeze", "m", says="would end: sale")
server.run("endpoint", "unfreeze", "m")
assert "stable 90 %, canary 10 %" in server.run("endpoint", "list").stdout
server.run("endpoint", "abort", "m")
dry("endpoint", "bandit", "start", "m", "--versions", "best", says="would choose among the versions 1, 2")
server.run("endpoint", "bandit", "start", "m", "--versions", "best")
assert "shared by a bandit, thompson" in server.run("endpoint", "list").stdout
dry("endpoint", "bandit", "stop", "m", "--version", "2", says="Version 2 of m would have all traffic")
dry("endpoint", "bandit", "stop", "m", "--version", "3", says="no arm", status=3)
server.run("endpoint", "bandit", "stop", "m")
dry("release", "rollback", "m@latest", says="m would serve model/m@2")
assert "model/m@1" in server.run("release", "show", "release/m@1").stdout
assert 'Did you mean "m"' in server.run("release", "show", "mx@1", status=3).stderr
assert "It has" in server.run("release", "show", "m@99", status=3).stderr

# What is in no place of gyre.yaml is refused, with what was meant; what would change is told.
open(f"{work}/train.yaml", "w").write("pipelineInfo: {name: p}\nroot: {dag: {tasks: {}}}\n")
project = "project: p\nmodel: m\npipeline: {file: train.yaml}\n"
open(f"{work}/gyre.yaml", "w").write(project + "rollout: {stpes: [10, 100]}\n")
assert 'Did you mean "steps"' in server.run("apply", "-f", f"{work}/gyre.yaml", status=64).stderr
open(f"{work}/gyre.yaml", "w").write(project)
dry("apply", "-f", f"{work}/gyre.yaml", says='would make the project "p"')
server.run("apply", "-f", f"{work}/gyre.yaml")
open(f"{work}/gyre.yaml", "w").write(project + "rollout: {steps: [1, 100]}\n")
dry("apply", "-f", f"{work}/gyre.yaml", says="would change rollout")
document = server.api("GET", "/openapi.json")
assert document["openapi"].startswith("3.1") and len(document["paths"]) > 25

# An exported ledger can be checked by anybody: canonical JSON and SHA-256 are all it takes.
import hashlib
previous = bytes(32)
for line in server.run("ledger", "export").stdout.splitlines():
    fact = json.loads(line)
    stored = bytes.fromhex(fact.pop("hash"))
    assert bytes.fromhex(fact.pop("prev_hash")) == previous
    canonical = json.dumps(fact, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(previous + canonical).digest() == stored, fact
    previous = stored
server.stop()

# Somebody changes a byte: the command says where, and exits with 1, with and without a server.
database = sqlite3.connect(f"{server.home}/gyre.db")
database.executescript("DROP TRIGGER ledger_no_update; UPDATE ledger SET actor = 'nobody' WHERE seq = 3;")
database.close()
assert "fact 3:" in server.run("ledger", "verify", status=1).stdout
server.start()
assert "fact 3:" in server.run("ledger", "verify", status=1).stdout
server.stop()
print("commands: all done")
