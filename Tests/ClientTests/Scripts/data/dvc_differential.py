# SPDX-License-Identifier: Apache-2.0
"""Random days in two copies of one repository, dvc in one and gyre in the other: after each command both have the same files.

Compared byte for byte: the workspace, .dvc files, .gitignore, dvc.lock, the cache with its modes, the remote, and exit statuses; of the answers
what programs read (`--json`). Usage: dvc_differential.py GYRE FOLDER DVC [--seed N] [--steps N]
"""
import argparse
import json
import os
import random
import shutil
import stat
import subprocess
import sys

ENVIRONMENT = dict(
    os.environ, DVC_NO_ANALYTICS="1", GIT_AUTHOR_DATE="2026-01-01T00:00:00Z", GIT_COMMITTER_DATE="2026-01-01T00:00:00Z",
    GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b.c", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b.c")
NAMES = ["a.txt", "b.csv", "data", "model.bin", "ünï.txt", "with space", "d-b", "d.b", "#odd", "x!y", "[z]", "run.sh"]


class Side:
    def __init__(self, name, command, folder):
        self.name, self.command, self.root = name, command, os.path.join(folder, name)
        self.environment = dict(
            ENVIRONMENT, HOME=os.path.join(folder, name + "-home"), DVC_SITE_CACHE_DIR=os.path.join(folder, name + "-site"),
            DVC_GLOBAL_CONFIG_DIR=os.path.join(folder, name + "-config"))
        os.makedirs(self.root)
        os.makedirs(self.environment["HOME"])

    def run(self, *arguments, where="."):
        done = subprocess.run(
            self.command + list(arguments), cwd=os.path.join(self.root, where), env=self.environment, capture_output=True, text=True,
            stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def git(self, *arguments):
        subprocess.run(["git", *arguments], cwd=self.root, env=self.environment, check=True, capture_output=True)


def state(root):
    """What is there, without what each tool keeps for itself."""
    found = {}
    for folder, folders, files in os.walk(root):
        place = os.path.relpath(folder, root)
        if place == ".":
            folders[:] = [name for name in folders if name != ".git"]
        if place == ".dvc":
            folders[:] = [name for name in folders if name != "tmp"]
        for name in files:
            path = os.path.join(folder, name)
            relative = os.path.normpath(os.path.join(place, name))
            if ".writing" in relative or relative.endswith(".dvcignore"):
                continue
            mode = oct(stat.S_IMODE(os.lstat(path).st_mode) & 0o555) if "files/md5" in relative else ""
            kind = ("link to " + os.readlink(path).replace(root, "")) if os.path.islink(path) else ""
            executable = bool(os.stat(path).st_mode & 0o100) if os.path.exists(path) else None
            found[relative] = (mode, kind, executable, open(path, "rb").read() if os.path.exists(path) else None)
    return found


def plain(entry):
    return [line for line in (entry[3] if entry else b"").split(b"\n") if line and b"\\" not in line]


def differences(one, other):
    lines = []
    for path in sorted(set(one) | set(other)):
        # dvc does not find the lines again that it wrote with backslashes.
        if path.endswith(".gitignore") and plain(one.get(path)) == plain(other.get(path)):
            continue
        if one.get(path) != other.get(path):
            lines.append(f"  {path}:\n    dvc  {one.get(path)!r:.600}\n    gyre {other.get(path)!r:.600}")
    return lines


class Day:
    def __init__(self, gyre, folder, dvc, seed):
        self.random = random.Random(seed)
        self.seed, self.log = seed, []
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.folder = folder
        self.sides = [Side("dvc", [dvc], folder), Side("gyre", [gyre, "dvc"], folder)]
        for side in self.sides:
            side.git("init", "-q", "-b", "main")
        self.both("init", "-q")
        links = self.random.choice([None, None, "hardlink,copy", "symlink", "copy"])
        # With links dvc's push takes the right to run a file away again.
        self.makes_programs = links in (None, "copy")
        if links:
            self.both("config", "cache.type", links)
        for side in self.sides:
            side.run("remote", "add", "-d", "store", os.path.join(folder, side.name + "-remote"))
        self.write("params.yaml", "seed: 1\n")
        self.commit()

    # What is done to both copies alike

    def write(self, path, text, executable=False):
        for side in self.sides:
            whole = os.path.join(side.root, path)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            if os.path.lexists(whole):
                os.unlink(whole)
            with open(whole, "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode())
            os.chmod(whole, 0o755 if executable else 0o644)
        self.log.append(f"write {path}")

    def delete(self, path):
        for side in self.sides:
            whole = os.path.join(side.root, path)
            shutil.rmtree(whole) if os.path.isdir(whole) and not os.path.islink(whole) else os.path.lexists(whole) and os.unlink(whole)
        self.log.append(f"delete {path}")

    def commit(self):
        for side in self.sides:
            side.git("add", "-A", ".")
            side.git("commit", "-q", "--allow-empty", "-m", "step")
        self.log.append("git commit")

    def checkout(self, revision):
        for side in self.sides:
            side.git("checkout", "-q", "-f", revision)
        self.log.append(f"git checkout {revision}")

    # What the two tools do

    def both(self, *arguments, where=".", compares=None):
        self.log.append("dvc " + " ".join(arguments) + (f"  (in {where})" if where != "." else ""))
        answers = [side.run(*arguments, where=where) for side in self.sides]
        if (answers[0][0] == 0) != (answers[1][0] == 0):
            self.fail([f"  exit: dvc {answers[0][0]}, gyre {answers[1][0]}", answers[0][2][-600:], answers[1][2][-600:]])
        if compares and answers[0][0] == 0:
            one, other = compares(answers[0][1]), compares(answers[1][1])
            if one != other:
                self.fail([f"  answers differ:\n    dvc  {one}\n    gyre {other}"])
        self.compare()
        return answers

    def compare(self):
        lines = differences(state(self.sides[0].root), state(self.sides[1].root))
        remotes = [os.path.join(self.folder, side.name + "-remote") for side in self.sides]
        if all(os.path.isdir(remote) for remote in remotes):
            lines += differences(state(remotes[0]), state(remotes[1]))
        elif os.path.isdir(remotes[0]) != os.path.isdir(remotes[1]):
            lines.append("  one side has a remote, the other has not")
        # Each side names its own remote in its settings.
        lines = [line for line in lines if not line.startswith("  .dvc/config:")]
        if lines:
            self.fail(lines)

    def fail(self, lines):
        print(f"seed {self.seed}, after:\n  " + "\n  ".join(self.log[-25:]))
        print("\n".join(lines))
        sys.exit(1)

    # Steps

    def tracked(self):
        found = []
        for folder, folders, files in os.walk(self.sides[0].root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [os.path.relpath(os.path.join(folder, name), self.sides[0].root) for name in files if name.endswith(".dvc")]
        return sorted(found)

    def content(self):
        kind = self.random.randrange(4)
        if kind == 0:
            return b""
        if kind == 1:
            return self.random.randbytes(self.random.choice([1, 100, 5000]))
        return ("line\r\n" * self.random.randrange(20) + str(self.random.randrange(8))).encode()

    def step(self):
        choice = self.random.random()
        tracked = self.tracked()
        one = self.random.choice(tracked) if tracked else None
        data = one[:-4] if one else None
        if choice < 0.22 or not one:
            name = self.random.choice(NAMES)
            where = self.random.choice([".", ".", "sub", "sub/deep"])
            path = os.path.normpath(os.path.join(where, name))
            if path + ".dvc" in tracked or any(path.startswith(other[:-4] + "/") for other in tracked):
                return
            if os.path.isdir(os.path.join(self.sides[0].root, path)):
                return
            if name in ("data", "d-b", "d.b"):
                for _ in range(self.random.randrange(1, 6)):
                    inner = "/".join(self.random.choice(NAMES) for _ in range(self.random.choice([1, 1, 2])))
                    try:
                        self.write(f"{path}/{inner}", self.content())
                    except OSError:
                        pass
            else:
                self.write(path, self.content(), executable=name == "run.sh" and self.makes_programs)
            self.both("add", path)
        elif choice < 0.34:
            whole = os.path.join(self.sides[0].root, data)
            if os.path.isdir(whole):
                try:
                    self.write(f"{data}/{self.random.choice(NAMES)}", self.content())
                except OSError:
                    return
            else:
                self.write(data, self.content())
            self.both("status", "--json", compares=json.loads)
            self.both(*self.random.choice([("add", data), ("commit", "-f", one), ("commit", "-f")]))
        elif choice < 0.42:
            self.delete(data)
            self.both("status", "--json", compares=json.loads)
            self.both("checkout", *self.random.choice([(), (one,), (data,)]))
        elif choice < 0.50:
            self.both("push", compares=lambda text: text.strip())
            self.both("status", "-c", "--json", compares=json.loads)
        elif choice < 0.58:
            self.both("push")
            self.delete(".dvc/cache")
            if self.random.random() < 0.5:
                self.delete(data)
            self.both(*self.random.choice([("pull",), ("fetch",), ("pull", one)]))
            self.both("pull")
        elif choice < 0.64:
            self.commit()
            self.both("diff", "--json", *self.random.choice([("HEAD~1",), ("HEAD~1", "HEAD"), ()]), compares=same_diff)
        elif choice < 0.70:
            self.commit()
            self.checkout("HEAD~1")
            # What is tracked no longer goes, unless it may have been changed: there dvc looks at times, and gyre at contents.
            for side in self.sides:
                side.run("checkout", "-f")
                side.git("clean", "-q", "-f", "-d", "-x", "-e", ".dvc")
            self.compare()
            self.checkout("main")
            self.both("checkout", "-f")
        elif choice < 0.76:
            target = os.path.normpath(os.path.join(os.path.dirname(data), self.random.choice(["moved", "sub/moved", "other name"])))
            if os.path.exists(os.path.join(self.sides[0].root, target)) or target + ".dvc" in tracked:
                return
            if not os.path.isdir(os.path.join(self.sides[0].root, os.path.dirname(target))):
                return
            self.both("move", data, target)
        elif choice < 0.81:
            self.both("remove", *self.random.choice([(one,), (one, "--outs")]))
            self.delete(data)
        elif choice < 0.85:
            self.both("gc", "-w", "-f")
        elif choice < 0.89:
            self.both("unprotect", data) if os.path.exists(os.path.join(self.sides[0].root, data)) else None
        elif choice < 0.93:
            if self.cached():
                # dvc 3.67 leaves a slash out before a name with a "#".
                self.both("list", ".", "-R", "--dvc-only", compares=lambda text: sorted(text.replace("/#", "#").splitlines()))
        elif choice < 0.97:
            self.both("status", "--json", compares=json.loads)
        else:
            self.write(".dvcignore", self.random.choice(["*.csv\n", "!x\n/data/a*\n", "# nothing\n"]))
            self.both("status", "--json", compares=json.loads)
            self.write(".dvcignore", "")

    def cached(self):
        answer = self.sides[0].run("status", "--json")[1]
        return "not in cache" not in answer


def same_diff(text):
    """Of a file that came at two places at once, either may be the one that was moved."""
    found = json.loads(text)
    moved = sorted(entry["path"]["old"] for entry in found.get("renamed", []))
    both = sorted(
        [entry["path"] for entry in found.get("added", [])] + [entry["path"]["new"] for entry in found.get("renamed", [])])
    return {kind: found[kind] for kind in found if kind not in ("added", "renamed")}, moved, both


def main(kind=Day, steps=12):
    arguments = argparse.ArgumentParser()
    arguments.add_argument("gyre")
    arguments.add_argument("folder")
    arguments.add_argument("dvc")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--days", type=int, default=1)
    arguments.add_argument("--steps", type=int, default=steps)
    options = arguments.parse_args()
    for seed in range(options.seed, options.seed + options.days):
        day = kind(os.path.abspath(options.gyre), os.path.join(os.path.abspath(options.folder), "day"), options.dvc, seed)
        for _ in range(options.steps):
            day.step()
        print(f"seed {seed}: {len(day.log)} steps alike")


if __name__ == "__main__":
    main()
