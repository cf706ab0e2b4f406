# SPDX-License-Identifier: Apache-2.0
"""A day with a repository of DVC: the real `dvc` and `gyre dvc` push and pull to and from each other, over a Gyre server, a plain web server, a
bucket of a real object store; hostile and damaged things; commands killed at any point.

Usage: dvc_day.py GYRE FOLDER PYTHON, the Python that has dvc and seaweedfs.
"""
import filecmp
import http.server
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from ports import free_port
from server import Server

GYRE, FOLDER, PYTHON = sys.argv[1:4]
DVC = os.path.join(os.path.dirname(PYTHON), "dvc")
WEED = os.path.join(os.path.dirname(PYTHON), "weed")
ENVIRONMENT = dict(
    os.environ, DVC_NO_ANALYTICS="1", DVC_SITE_CACHE_DIR=FOLDER + "/site", HOME=FOLDER, AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secretsecret",
    AWS_EC2_METADATA_DISABLED="true", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b.c", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b.c")


def run(*command, where, status=0, **more):
    done = subprocess.run(command, cwd=where, env=dict(ENVIRONMENT, **more), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if status is not None and (done.returncode == 0) != (status == 0):
        raise AssertionError(f"{' '.join(command)} in {where}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def gyre(*arguments, where, status=0, **more):
    return run(GYRE, "dvc", *arguments, where=where, status=status, **more)


def dvc(*arguments, where, status=0, **more):
    return run(DVC, *arguments, where=where, status=status, **more)


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def same(one, other):
    compared = filecmp.dircmp(one, other)
    assert not compared.left_only and not compared.right_only and not compared.diff_files, compared.report()
    for name in compared.common_dirs:
        same(os.path.join(one, name), os.path.join(other, name))


def make(name):
    root = os.path.join(FOLDER, name)
    os.makedirs(root)
    run("git", "init", "-q", "-b", "main", where=root)
    gyre("init", "-q", where=root)
    for number in range(40):
        write(f"{root}/data/{number % 4}/ü {number}.txt", f"row {number}\n")
    write(f"{root}/big.bin", random.Random(7).randbytes(12 << 20))
    gyre("add", "data", "big.bin", where=root)
    return root


def both_ways(name, url, **settings):
    """Push with one, pull with the other, and back."""
    first, second = make(name + "-1"), os.path.join(FOLDER, name + "-2")
    gyre("remote", "add", "-d", "store", url, where=first)
    for key, value in settings.items():
        gyre("remote", "modify", "store", key, value, where=first)
    assert "42 files pushed" in gyre("push", where=first)
    assert "up to date" in gyre("push", where=first)
    assert "in sync" in gyre("status", "-c", where=first)
    run("git", "add", "-A", where=first)
    run("git", "commit", "-qm", "one", where=first)
    run("git", "clone", "-q", first, second, where=FOLDER)
    dvc("pull", where=second)
    same(first + "/data", second + "/data")
    assert "in sync" in dvc("status", "-c", where=second)
    write(f"{second}/data/new.txt", "new\n")
    write(f"{second}/big.bin", random.Random(8).randbytes(12 << 20))
    dvc("add", "-q", "data", "big.bin", where=second)
    assert "3 files pushed" in dvc("push", where=second)
    run("git", "commit", "-qam", "two", where=second)
    run("git", "pull", "-q", second, "main", where=first)
    gyre("pull", where=first)
    same(first + "/data", second + "/data")
    assert filecmp.cmp(first + "/big.bin", second + "/big.bin", shallow=False)
    shutil.rmtree(first + "/.dvc/cache")
    shutil.rmtree(first + "/data")
    gyre("pull", where=first)
    same(first + "/data", second + "/data")
    assert gyre("status", "--json", where=first) == "{}\n"
    return first


def with_gyre(server):
    """The server is a remote: for dvc, for gyre, with limits, errors and facts."""
    first = both_ways("server", server.url + "/dvc/team")
    time.sleep(6)
    facts = json.loads(run(GYRE, "ledger", "log", "--format", "json", "--server", server.url, where=FOLDER))["facts"]
    pushed = [fact for fact in facts if fact["kind"] == "versioning.objects.pushed"]
    assert sum(fact["body"]["objects"] for fact in pushed) == 45, pushed
    assert any(output.startswith("folder/team@") for fact in pushed for output in fact["outputs"]), pushed
    for path, body, status in [
        ("files/md5/ab/cdef0123456789abcdef0123456789", b"other", 400), ("files/md5/zz/nothing", b"x", 404),
        ("files/md5/d7/51713988987e9331980363e24189ce.dir", b"[]", 201),
        ("files/md5/7e/0a2ea2ed5d6a3c0b6f0ba9dbd4ed56.dir", b"[{", 400), ("runs/../../x", b"x", 405),
    ]:
        assert ask(server.url + "/dvc/team/" + path, body) == status, path
    listing = b'[{"md5": "00000000000000000000000000000001", "relpath": "a"}]'
    name = __import__("hashlib").md5(listing).hexdigest()
    assert ask(f"{server.url}/dvc/team/files/md5/{name[:2]}/{name[2:]}.dir", listing) == 409
    assert ask(server.url + "/dvc/team/-/objects", b"\0" * 10) == 400
    assert ask(server.url + "/dvc/team/-/missing", b"\0" * 16) == 400
    # Acknowledged objects survive a killed server, and the sweep of blobs.
    write(f"{first}/later.txt", "later")
    gyre("add", "later.txt", where=first)
    gyre("push", where=first)
    server.kill()
    server.start()
    run(GYRE, "gc", "--grace-seconds", "0", "--server", server.url, where=FOLDER, status=None)
    os.unlink(first + "/later.txt")
    shutil.rmtree(first + "/.dvc/cache")
    gyre("pull", where=first)
    assert open(first + "/later.txt").read() == "later"
    # What a stage did is shared over the server.
    gyre("stage", "add", "-n", "count", "-d", "data", "-o", "count.txt", "cat data/*/* | wc -l > count.txt", where=first)
    gyre("repro", where=first)
    gyre("push", "--run-cache", where=first)
    run("git", "add", "-A", where=first)
    run("git", "commit", "-qm", "three", where=first)
    third = FOLDER + "/server-3"
    run("git", "clone", "-q", first, third, where=FOLDER)
    gyre("fetch", "--run-cache", where=third)
    gyre("pull", where=third)
    run("git", "rm", "-q", "dvc.lock", where=third)
    os.unlink(third + "/count.txt")
    assert "is cached - skipping run" in gyre("repro", where=third)


def ask(url, body):
    try:
        return urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST")).status
    except urllib.error.HTTPError as error:
        return error.code


def with_token():
    """A server that asks who calls: dvc shows a token as its settings say, gyre the one of its surroundings."""
    os.environ["GYRE_TEST_ROLES"] = "writer"
    server = Server(GYRE, FOLDER, "guarded").start()
    del os.environ["GYRE_TEST_ROLES"]
    root = make("guarded-1")
    gyre("remote", "add", "-d", "team", server.url + "/dvc/team", where=root)
    told = gyre("push", where=root, status=1)
    assert "401" in told or "sign" in told, told
    assert "files pushed" in gyre("push", where=root, GYRE_SERVER=server.url, GYRE_TOKEN=server.token)
    gyre("remote", "modify", "team", "auth", "custom", where=root)
    gyre("remote", "modify", "team", "custom_auth_header", "Authorization", where=root)
    gyre("remote", "modify", "--local", "team", "password", "Bearer " + server.token, where=root)
    assert oct(os.stat(root + "/.dvc/config.local").st_mode & 0o777) == "0o600"
    for tool in (dvc, gyre):
        shutil.rmtree(root + "/.dvc/cache")
        tool("pull", where=root)
        assert "in sync" in tool("status", "-c", where=root)
    server.stop()


class PlainHandler(http.server.BaseHTTPRequestHandler):
    """A web server that keeps what is posted, and fails now and then."""
    kept, calls, cuts = {}, 0, []
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        PlainHandler.calls += 1
        if PlainHandler.calls % 17 == 0:
            return self.answer(503)
        body = self.kept.get(self.path)
        if body is None:
            return self.answer(404)
        start = int(self.headers.get("range", "bytes=0-")[6:].split("-")[0])
        if self.command == "GET" and len(body) > 1 << 20 and "python" not in self.headers.get("user-agent", "").lower() and len(self.cuts) < 3:
            # Breaks off in the middle, as often as a client may bear.
            self.cuts.append(start)
            self.send_response(206 if start else 200)
            self.send_header("content-length", str(len(body) - start))
            self.end_headers()
            self.wfile.write(body[start:start + (3 << 20)])
            self.close_connection = True
            return
        self.answer(206 if start else 200, body[start:])

    do_GET = do_HEAD

    def do_POST(self):
        if self.headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if "/-/" in self.path:
            return self.answer(404)
        self.kept[self.path] = body
        self.answer(200)

    def log_message(self, *_):
        pass


def with_web_server():
    port = free_port()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), PlainHandler)
    server.handle_error = lambda *_: None  # dvc goes away when it knows that something is there
    threading.Thread(target=server.serve_forever, daemon=True).start()
    first = both_ways("web", f"http://127.0.0.1:{port}/base")
    # What had come was not asked for again.
    assert PlainHandler.cuts[0] == 0 < PlainHandler.cuts[1] < PlainHandler.cuts[2], PlainHandler.cuts
    # A remote that lies: nothing of it comes into the cache.
    path = next(path for path in PlainHandler.kept if not path.endswith(".dir"))
    PlainHandler.kept[path] = b"something else"
    shutil.rmtree(first + "/.dvc/cache")
    told = gyre("fetch", where=first, status=1)
    assert "damaged" in told, told
    server.shutdown()


def with_bucket():
    port, folder = free_port(), FOLDER + "/weed"
    os.makedirs(folder)
    log = open(FOLDER + "/weed.log", "w")
    process = subprocess.Popen(
        [WEED, "mini", f"-dir={folder}", "-ip=127.0.0.1", f"-s3.port={port}", f"-master.port={free_port()}", f"-volume.port={free_port()}",
         f"-filer.port={free_port()}", f"-webdav.port={free_port()}", f"-admin.port={free_port()}"], env=ENVIRONMENT, stdout=log, stderr=log)
    try:
        made = f"""
import botocore.session, time
client = botocore.session.get_session().create_client("s3", endpoint_url="http://127.0.0.1:{port}", region_name="us-east-1")
for _ in range(120):
    try:
        client.create_bucket(Bucket="data"); break
    except Exception as error:
        last = error; time.sleep(0.5)
else:
    raise last
"""
        run(PYTHON, "-c", made, where=FOLDER)
        first = both_ways("bucket", "s3://data/some/prefix", endpointurl=f"http://127.0.0.1:{port}")
        # More than one page, and a file in parts.
        for number in range(1100):
            write(f"{first}/many/{number}", f"many {number}")
        write(f"{first}/large.bin", random.Random(3).randbytes(70 << 20))
        gyre("add", "many", "large.bin", where=first)
        gyre("push", where=first)
        assert "in sync" in dvc("status", "-c", where=first)
        shutil.rmtree(first + "/.dvc/cache")
        os.unlink(first + "/large.bin")
        gyre("pull", where=first)
        assert open(first + "/large.bin", "rb").read() == random.Random(3).randbytes(70 << 20)
        told = gyre("push", where=first, status=1, AWS_SECRET_ACCESS_KEY="wrong")
        assert "403" in told or "keys" in told, told
        gyre("gc", "-w", "-c", "-f", where=first)
        assert "in sync" in gyre("status", "-c", where=first)
    finally:
        process.kill()


def with_faults():
    """Damaged and hostile things get an error that says where, and nothing is lost."""
    root = make("faults")
    gyre("remote", "add", "-d", "store", FOLDER + "/faults-remote", where=root)
    listing = [name for folder, _, names in os.walk(root + "/.dvc/cache") for name in names if name.endswith(".dir")]
    assert len(listing) == 1
    path = next(os.path.join(folder, listing[0]) for folder, _, names in os.walk(root + "/.dvc/cache") if listing[0] in names)
    good = open(path, "rb").read()
    for bad in [b'[{"md5": "' + b"0" * 32 + b'", "relpath": "../../escaped"}]', b'[{"md5": "' + b"0" * 32 + b'", "relpath": "/tmp/escaped"}]', good[:100], b"{}"]:
        os.chmod(path, 0o644)
        write(path, bad)
        shutil.rmtree(root + "/data", ignore_errors=True)
        told = gyre("checkout", "-f", where=root, status=1)
        assert "damaged" in told or "not in the cache" in told or "does not have" in told, told
        assert not os.path.exists(FOLDER + "/escaped")
    write(path, good)
    gyre("checkout", "-f", where=root)
    for text, expected in [
        ("<<<<<<< HEAD\nouts:\n=======\n", "merge"), ("outs: [", "cannot be read"), ("outs:\n- md5: xyz\n  path: a\n", "hexadecimal"), ("outs:\n- md5: 5\n", "path")]:
        write(root + "/broken.dvc", text)
        told = gyre("status", where=root, status=1)
        assert "broken.dvc" in told and expected in told, told
    os.unlink(root + "/broken.dvc")
    # A repository from elsewhere writes nothing outside of itself, nor through links, nor among git's own files.
    tracked = open(root + "/big.bin.dvc").read()
    for path in ["../escaped", FOLDER + "/escaped", ".git/hooks/post-checkout", ".dvc/config.local"]:
        write(root + "/hostile.dvc", tracked.replace("path: big.bin", "path: " + path))
        assert "no place for what is tracked" in gyre("checkout", "hostile.dvc", where=root, status=1)
    os.unlink(root + "/hostile.dvc")
    assert not os.path.exists(FOLDER + "/escaped") and not os.path.exists(root + "/.git/hooks/post-checkout")
    os.makedirs(FOLDER + "/elsewhere")
    shutil.rmtree(root + "/data/0")
    os.symlink(FOLDER + "/elsewhere", root + "/data/0")
    assert "link to a folder" in gyre("checkout", "-f", where=root, status=1) and not os.listdir(FOLDER + "/elsewhere")
    os.unlink(root + "/data/0")
    gyre("checkout", "-f", where=root)
    os.symlink("nowhere", root + "/data/link")
    assert "link to nothing" in gyre("add", "data", where=root, status=1)
    os.unlink(root + "/data/link")
    open(root.encode() + b"/data/\xff", "wb").close()
    assert "UTF-8" in gyre("add", "data", where=root, status=1)
    os.unlink(root.encode() + b"/data/\xff")
    assert "outside" in gyre("add", "/etc/hostname", where=root, status=1)
    write(root + "/tracked.txt", "x")
    run("git", "add", "tracked.txt", where=root)
    assert "tracked by git" in gyre("add", "tracked.txt", where=root, status=1)
    write(root + "/data/0/changed.txt", "only here")
    os.unlink(root + "/data/1/ü 1.txt")
    told = gyre("checkout", where=root, status=1)
    assert "changed.txt" in told and os.path.exists(root + "/data/0/changed.txt"), told
    assert "did you mean" in gyre("status", "dataa", where=root, status=1).lower()
    # dvc holds the lock: gyre waits, then says who has it.
    holder = subprocess.Popen([PYTHON, "-c", f"import fcntl,time; f=open('{root}/.dvc/tmp/lock','a'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(20)"], stdout=subprocess.PIPE)
    holder.stdout.readline()
    assert "in use" in gyre("add", "data", where=root, status=1)
    holder.kill()


def with_kills():
    """Killed at any point, a second try finds everything whole."""
    root = os.path.join(FOLDER, "kills")
    os.makedirs(root)
    run("git", "init", "-q", where=root)
    gyre("init", "-q", where=root)
    gyre("remote", "add", "-d", "store", FOLDER + "/kills-remote", where=root)
    chance = random.Random(11)
    for number in range(3000):
        write(f"{root}/data/{number % 20}/{number}", f"{number}" * 40)
    gyre("add", "data", where=root)
    for round in range(12):
        for number in chance.sample(range(3000), 400):
            write(f"{root}/data/{number % 20}/{number}", f"{round} {number}" * 30)
        before = open(root + "/data.dvc").read()
        verb = chance.choice([["add", "data"], ["push"], ["commit"]])
        process = subprocess.Popen([GYRE, "dvc", *verb], cwd=root, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.02, 0.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        after = open(root + "/data.dvc").read()
        assert before == after or "nfiles: 3000" in after
        gyre("add", "data", where=root)
        gyre("push", where=root)
        assert gyre("status", "--json", where=root) == "{}\n"
        assert "in sync" in gyre("status", "-c", where=root)
        if chance.random() < 0.4:
            shutil.rmtree(root + "/data")
            process = subprocess.Popen([GYRE, "dvc", "checkout"], cwd=root, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.02, 0.3))
            process.send_signal(signal.SIGKILL)
            process.wait()
            gyre("checkout", "-f", where=root)
            assert gyre("status", "--json", where=root) == "{}\n"
    assert dvc("status", "--json", where=root).strip().endswith("{}")
    assert "in sync" in dvc("status", "-c", where=root)


def main():
    server = Server(GYRE, FOLDER).start()
    with_gyre(server)
    server.stop()
    with_token()
    with_web_server()
    with_bucket()
    with_faults()
    with_kills()
    print("all alike")


main()
