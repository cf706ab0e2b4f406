# SPDX-License-Identifier: Apache-2.0
"""Says how many lines of each module the fast tests run: python coverage.py CODECOV.json [--file PART]...

Exits with 1 where a module is below its goal. --file prints the lines of a file that no test runs.
"""
import argparse
import collections
import json
import os
import sys

GOALS = {"Core": 90, "Areas": 90, "Joints/Delivery": 80, "Joints/Loop": 80, "Joints/Upkeep": 80}
ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def goal(module):
    """The share of lines, in percent, that the tests of a module must run."""
    return GOALS.get(module, GOALS.get(module.split("/")[0], 0))


def uncovered(segments):
    """The ranges of lines that were never run.

    A segment is [line, column, count, hasCount, isRegionEntry, isGap] and reaches to the next one.
    """
    ranges = []
    for start, end in zip(segments, segments[1:]):
        if not start[3] or start[2] or start[5]:
            continue
        if ranges and start[0] <= ranges[-1][1] + 1:
            ranges[-1][1] = max(ranges[-1][1], end[0])
        else:
            ranges.append([start[0], end[0]])
    return ranges


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codecov")
    parser.add_argument("--file", action="append", default=[], help="a part of a path; its lines that no test runs")
    parser.add_argument("--files", action="store_true", help="each file below the goal of its module")
    options = parser.parse_args()

    modules = collections.defaultdict(lambda: [0, 0])
    with open(options.codecov) as file:
        files = json.load(file)["data"][0]["files"]
    for file in files:
        path = os.path.relpath(os.path.realpath(file["filename"]), ROOT)
        parts = path.split("/")
        if parts[0] != "Sources" or parts[1] in ("Generated", "Shims"):
            continue
        module = "/".join(parts[1:2] if parts[1] == "App" else parts[1:3])
        lines = file["summary"]["lines"]
        for name in (module, parts[1] + " in all"):
            modules[name][0] += lines["covered"]
            modules[name][1] += lines["count"]
        if options.files and lines["percent"] < goal(module):
            print(f"{path:60} {lines['count'] - lines['covered']:5} lines not run  {lines['percent']:5.1f} %")
        if any(part in path for part in options.file):
            print(path)
            for first, last in uncovered(file["segments"]):
                print(f"    {first}-{last}" if first < last else f"    {first}")

    below = []
    for name, (covered, count) in sorted(modules.items()):
        percent = 100 * covered / max(1, count)
        wanted = 0 if name.endswith(" in all") else goal(name)
        if percent < wanted:
            below.append(name)
        note = f"goal {wanted} %" + (", below" if percent < wanted else "") if wanted else ""
        print(f"{name:28} {covered:6} of {count:6} lines  {percent:5.1f} %  {note}".rstrip())
    if below:
        sys.exit(f"Below the goal: {', '.join(below)}.")


if __name__ == "__main__":
    main()
