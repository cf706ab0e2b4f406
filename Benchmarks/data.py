# SPDX-License-Identifier: Apache-2.0
"""Data versions: `gyre dvc` and `dvc` over the same files one after the other, on the same disk, in one run. Part of `make bench`.

CPU is user and system time of the command and its children; the ratio is dvc's CPU over Gyre's. md5sum, cp and find show the limit.
"""
import argparse
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [f"{HERE}/../Tests/ClientTests/Scripts/harness"]
from ports import free_port
from server import Server

GOALS = {"add": 6, "status": 12, "push": 7, "checkout": 10, "status, one file changed": 20, "push to a server": 20, "pull from a server": 20}


def timed(command, where, environment):
    """CPU and wall seconds, and the most memory in MiB."""
    start = time.time()
    process = subprocess.Popen(command, cwd=where, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, (command, error.decode()[-800:])
    return used.ru_utime + used.ru_stime, time.time() - start, used.ru_maxrss / 1024


def fill(folder, files, size):
    blob = os.urandom(1 << 20)
    for number in range(files):
        if number % 1000 == 0:
            os.makedirs(f"{folder}/{number // 1000:04d}")
        with open(f"{folder}/{number // 1000:04d}/{number:07d}.bin", "wb") as file:
            file.write(number.to_bytes(8, "little") + blob[(number * 37) % 1_000_000:][:size - 8])


class Keeper(http.server.BaseHTTPRequestHandler):
    """The least that dvc takes for a remote over HTTP; it is not measured."""
    protocol_version = "HTTP/1.1"
    kept = {}

    def do_GET(self):
        body = self.kept.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("content-length", str(len(body or b"")))
        self.end_headers()
        if self.command != "HEAD" and body:
            try:
                self.wfile.write(body)
            except OSError:
                pass

    do_HEAD = do_GET

    def do_POST(self):
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        self.kept[self.path] = body
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def side(command, name, files, folder, environment, url, rows):
    root = f"{folder}/{name}"
    shutil.copytree(f"{folder}/source", root + "/data")
    def run(label, *arguments):
        rows.setdefault(label, {})[name] = timed([*command, *arguments], root, environment)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    timed([*command, "init", "-q"], root, environment)
    timed([*command, "remote", "add", "-d", "store", f"{folder}/{name}-remote"], root, environment)
    timed([*command, "remote", "add", "web", url], root, environment)
    run("add", "add", "data")
    run("status", "status")
    run("push", "push")
    run("status -c", "status", "-c")
    shutil.rmtree(root + "/data")
    run("checkout", "checkout")
    with open(f"{root}/data/0000/0000000.bin", "ab") as file:
        file.write(b"x")
    run("status, one file changed", "status")
    run("add, one file changed", "add", "data")
    if files <= 20_000:
        run("push to a server", "push", "-r", "web")
        shutil.rmtree(root + "/.dvc/cache")
        run("pull from a server", "fetch", "-r", "web")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--gyre", required=True)
    arguments.add_argument("--dvc", required=True)
    arguments.add_argument("--files", type=int, nargs="*", default=[10_000, 100_000])
    arguments.add_argument("--big-mib", type=int, default=1024)
    arguments.add_argument("--dir", default="/dev/shm", help="where; memory takes the disk, which makes files at its own pace, out of the comparison")
    options = arguments.parse_args()
    folder = tempfile.mkdtemp(prefix="data-", dir=options.dir)
    environment = dict(os.environ, DVC_NO_ANALYTICS="1", DVC_SITE_CACHE_DIR=folder + "/site", HOME=folder)
    keeper = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Keeper)
    keeper.handle_error = lambda *_: None
    threading.Thread(target=keeper.serve_forever, daemon=True).start()
    server = Server(options.gyre, folder).start()
    try:
        for files in options.files:
            os.makedirs(folder + "/source")
            fill(folder + "/source", files, 4096)
            rows = {}
            limits = {
                "add": "find . -type f -print0 | xargs -0 md5sum >/dev/null; cp -r . ../copy", "status": "find . -type f -printf '%s %T@ %i\\n' >/dev/null",
                "checkout": "rm -rf ../copy; cp -r . ../copy"}
            for label, command in limits.items():
                rows.setdefault(label, {})["limit"] = timed(["bash", "-c", command], folder + "/source", environment)
            shutil.rmtree(folder + "/copy")
            side([options.gyre, "dvc"], "gyre", files, folder, environment, server.url + f"/dvc/bench{files}", rows)
            side([options.dvc], "dvc", files, folder, environment, f"http://127.0.0.1:{keeper.server_port}/bench{files}", rows)
            print(f"\n{files} files of 4 KiB: CPU s (wall s)\n")
            print("| | Gyre | dvc | ratio | goal | bare | Gyre's memory |\n| --- | --- | --- | --- | --- | --- | --- |")
            for label, row in rows.items():
                ours, theirs, limit = row["gyre"], row["dvc"], row.get("limit")
                told = f"{limit[0]:.2f}" if limit else ""
                print(
                    f"| {label} | {ours[0]:.2f} ({ours[1]:.2f}) | {theirs[0]:.2f} ({theirs[1]:.2f}) | {theirs[0] / ours[0]:.1f} | {GOALS.get(label, '')} "
                    f"| {told} | {ours[2]:.0f} MiB |", flush=True)
            for name in ("source", "gyre", "dvc", "gyre-remote", "dvc-remote"):
                shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
        if options.big_mib:
            root = folder + "/big"
            os.makedirs(root)
            blob = os.urandom(64 << 20)
            with open(root + "/big.bin", "wb") as file:
                for number in range(options.big_mib // 64):
                    file.write(number.to_bytes(8, "little") + blob[8:])
            subprocess.run(["git", "init", "-q"], cwd=root, check=True)
            timed([options.gyre, "dvc", "init", "-q"], root, environment)
            bare = timed(["md5sum", "big.bin"], root, environment)
            ours = timed([options.gyre, "dvc", "add", "big.bin"], root, environment)
            print(f"\nadd of one file of {options.big_mib} MiB: {ours[1]:.2f} s wall, {ours[0]:.2f} s CPU; md5sum {bare[1]:.2f} s, ratio {ours[1] / bare[1]:.2f} (goal 1.2)")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
