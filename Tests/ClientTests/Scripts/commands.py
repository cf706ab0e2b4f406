# SPDX-License-Identifier: Apache-2.0
"""The command line as a person uses it: with and without a server, tables, JSON, ids, exit statuses."""
import json
import os
import sqlite3
import subprocess
import sys

from server import Server

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
        assert "Example:" in help_of(noun, verb) or verb == "help", (noun, verb)
for shell in ["bash", "zsh", "fish"]:
    assert "gyre" in server.run("--generate-completion-script", shell).stdout
assert server.run("nonsense", status=64).stderr

# Without a server the home folder is opened; with one it is asked; the answers are the same.
for phase in ["alone", "served"]:
    if phase == "served":
        server.start()
    added = server.run("data", "add", f"{work}/d", "--name", f"d-{phase}").stdout
    assert f"dataset/d-{phase}@" in added and "1 files" in added, added
    assert "(nothing changed)" in server.run("data", "add", f"{work}/d", "--name", f"d-{phase}").stdout
    open(f"{work}/d/a.csv", "a").write("3,4\n" if phase == "alone" else "4,5\n")
    server.run("data", "add", f"{work}/d", "--name", f"d-{phase}", "-m", "a row more")
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
    result = json.loads(server.run("check", f"{work}/bad.json", f"d-{phase}", "--format", "json", status=1).stdout)
    assert result["results"][0]["exception_info"]["raised_exception"] is False and result["statistics"]["evaluated_expectations"] == 1
    assert "fix:" in server.run("data", "log", "nothing", status=3).stderr
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
