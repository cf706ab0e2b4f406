# SPDX-License-Identifier: Apache-2.0
"""Says how many lines of each module the fast tests run: python coverage.py CODECOV.json"""
import collections
import json
import os
import sys

root = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
lines = collections.defaultdict(lambda: [0, 0])
for file in json.load(open(sys.argv[1]))["data"][0]["files"]:
    path = os.path.relpath(os.path.realpath(file["filename"]), root)
    parts = path.split("/")
    if parts[0] != "Sources" or parts[1] in ("Generated", "Shims"):
        continue
    module = "/".join(parts[1:2] if parts[1] == "App" else parts[1:3])
    for name in (module, parts[1] + " in all"):
        lines[name][0] += file["summary"]["lines"]["covered"]
        lines[name][1] += file["summary"]["lines"]["count"]
for name, (covered, count) in sorted(lines.items()):
    print(f"{name:28} {covered:6} of {count:6} lines  {100 * covered / max(1, count):5.1f} %")
