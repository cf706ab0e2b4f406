# SPDX-License-Identifier: Apache-2.0
"""Runs the scripts that test serving against a gyre built with a sanitizer, and fails for what the sanitizer found.

    python sanitize.py thread|address GYRE [script ...]
"""
import collections
import glob
import os
import re
import subprocess
import sys
import tempfile

kind, gyre, chosen = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3:]
tools = os.environ.get("GYRE_TOOLS") or (os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) + "/gyre"
scripts = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Tests/ClientTests/Scripts/serving")
usual = ["serving_clients", "serving_grpc", "serving_runtimes", "bandits_day", "compositions", "serving_fuzz", "serving_soak"]


def protected(report):
    """Whether both sides of a race hold a mutex: the sanitizer does not see the standard library's when threads wait for it. A closure that a
    lock is given takes what the lock protects as `inout sending`, which stands in its symbol."""
    sides = re.split(r"\n  (?:Previous |)(?:[Mm]odifying|[Aa]tomic|[Rr]ead|[Ww]rite)[^\n]*\n", report)[1:3]
    return len(sides) == 2 and all("zYu" in side.split("\n\n")[0] for side in sides)


found, failed = collections.Counter(), []
with tempfile.TemporaryDirectory() as work:
    for name in chosen or usual:
        logs = f"{work}/{name}.sanitizer"
        options = f"halt_on_error=0:exitcode=0:log_path={logs}"
        environment = {
            **os.environ, "PYTHONPATH": f"{scripts}/../harness", "SOAK_SECONDS": "20", "SANITIZED": kind, "TSAN_OPTIONS": options + ":report_thread_leaks=0:report_signal_unsafe=0",
            "ASAN_OPTIONS": options + ":detect_leaks=0:allocator_may_return_null=1"}
        os.makedirs(f"{work}/{name}")
        done = subprocess.run(
            [f"{tools}/python/bin/python", f"{scripts}/{name}.py", gyre, f"{work}/{name}", f"{tools}/serving/bin/python"],
            env=environment, cwd=scripts, capture_output=True, text=True, timeout=600)
        reports = [report for log in glob.glob(logs + "*") for report in open(log, errors="replace").read().split("==================") if "WARNING: ThreadSanitizer" in report or "ERROR: AddressSanitizer" in report]
        real = [report for report in reports if not (kind == "thread" and protected(report))]
        print(f"{name}: status {done.returncode}, {len(reports)} reports, {len(reports) - len(real)} of them about what a mutex protects", flush=True)
        if done.returncode != 0:
            failed.append((name, done.stdout[-500:] + done.stderr[-1500:]))
        for report in real:
            found[re.sub(r"0x[0-9a-f]+|pid=\d+|BuildId: \w+|T\d+|=+\d+=+", "", report)[:6000]] += 1
for report, count in found.most_common(int(os.environ.get("SHOW", "10"))):
    print(f"--- {count} times\n{report}")
for name, text in failed:
    print(f"--- {name} failed\n{text}")
sys.exit(1 if found or failed else 0)
