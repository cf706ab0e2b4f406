# SPDX-License-Identifier: Apache-2.0
"""The signed ledger against somebody who rewrites the whole database: signed states, a key kept elsewhere, places outside that were told, and a
program that signs in place of a key."""
import base64
import hashlib
import http.server
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

from server import Server

gyre, work = sys.argv[1], sys.argv[2]
told = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        told.append(self.rfile.read(int(self.headers["content-length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
os.makedirs(f"{work}/anchor")
subprocess.run(["git", "init", "--quiet", f"{work}/anchor"], check=True)
os.environ["GYRE_LEDGER_ANCHORS"] = f"file:{work}/notes.txt,git:{work}/anchor,http://127.0.0.1:{receiver.server_port}/"
server = Server(gyre, work).start()
home = server.home


def verify(*options, status=0, of=home):
    done = subprocess.run([gyre, "ledger", "verify", "--home", of, *options], env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == status, (options, done.returncode, done.stdout)
    return done.stdout


for number in range(20):
    server.request("POST", "/api/2.0/mlflow/experiments/create", {"name": f"experiment {number}"})
first = server.api("POST", "/ledger/checkpoints")["checkpoint"]
assert first == server.api("POST", "/ledger/checkpoints")["checkpoint"], "what was signed is not signed again"
for number in range(20, 30):
    server.request("POST", "/api/2.0/mlflow/experiments/create", {"name": f"experiment {number}"})
second = server.api("POST", "/ledger/checkpoints")["checkpoint"]
key = server.run("ledger", "key").stdout.strip()
deadline = time.time() + 60
while len(told) < 2 or subprocess.run(["git", "-C", f"{work}/anchor", "rev-list", "--count", "HEAD"], stdout=subprocess.PIPE, text=True).stdout.strip() != "2":
    assert time.time() < deadline, (told, open(home + ".log").read()[-1000:])
    time.sleep(0.2)
assert told == [first, second] and open(f"{work}/anchor/ledger.note").read() == second
assert open(f"{work}/notes.txt").read() == first + "\n" + second + "\n"

# An acknowledged signature survives a kill, and the next start goes on.
third = server.request("POST", "/api/2.0/mlflow/experiments/create", {"name": "last"})
last = server.api("POST", "/ledger/checkpoints")["checkpoint"]
server.kill()
assert "3 signed states fit" in verify("--key", key)
server.start()
assert server.api("POST", "/ledger/checkpoints")["checkpoint"].split("\n")[1] >= last.split("\n")[1]
server.stop()
assert "signed states fit" in verify("--key", key, "--checkpoints", f"{work}/notes.txt")


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def rewrite(folder, change):
    """Rewrites the chain from its first fact on, so that every hash fits again."""
    database = sqlite3.connect(f"{folder}/gyre.db")
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f"DROP TRIGGER {name}")
    previous = bytes(32)
    columns = "seq, at_us, actor, kind, subject, inputs, outputs, body"
    for row in database.execute(f"SELECT {columns} FROM ledger ORDER BY seq").fetchall():
        seq, at, actor, kind, subject, inputs, outputs, body = row
        actor = change(seq, actor)
        fact = {"actor": actor, "at": at, "kind": kind, "seq": seq, "subject": subject, "inputs": json.loads(inputs), "outputs": json.loads(outputs),
                "body": json.loads(body)}
        hash = hashlib.sha256(previous + canonical(fact)).digest()
        database.execute("UPDATE ledger SET actor = ?, prev_hash = ?, hash = ? WHERE seq = ?", (actor, previous, hash, seq))
        previous = hash
    database.commit()
    seq = database.execute("SELECT max(seq) FROM ledger").fetchone()[0]
    database.close()
    open(f"{folder}/ledger.head", "w").write(f"{seq}:{previous.hex()}")


def copy(name):
    shutil.copytree(home, f"{work}/{name}")
    return f"{work}/{name}"


same = copy("same")
rewrite(same, lambda seq, actor: actor)
assert "signed states fit" in verify("--key", key, of=same), "the rewriting itself changes nothing"
forged = copy("forged")
rewrite(forged, lambda seq, actor: "somebody else" if seq == 5 else actor)
found = verify("--key", key, of=forged, status=1)
assert found.count("signed in another state") >= 3, found
# Without the signed states the forged chain is whole; those that were told elsewhere show it.
shutil.rmtree(f"{forged}/checkpoints")
assert "0 signed states" in verify(of=forged)
assert "signed in another state" in verify("--key", key, "--checkpoints", f"{work}/notes.txt", of=forged, status=1)
open(f"{work}/from-git.txt", "w").write(subprocess.run(["git", "-C", f"{work}/anchor", "show", "HEAD~1:ledger.note"], stdout=subprocess.PIPE, text=True).stdout)
assert "signed in another state" in verify("--key", key, "--checkpoints", f"{work}/from-git.txt", of=forged, status=1)
# Somebody who signs the forged chain anew has another key.
resigned = copy("resigned")
rewrite(resigned, lambda seq, actor: "somebody else" if seq == 5 else actor)
shutil.rmtree(f"{resigned}/checkpoints")
os.remove(f"{resigned}/ledger.key")
environment = {**server.environment, "GYRE_LEDGER_ANCHORS": ""}
subprocess.run([gyre, "ledger", "sign", "--home", resigned], env=environment, check=True, stdout=subprocess.DEVNULL)
assert "1 signed states fit" in verify(of=resigned)
assert "not signed by the ledger's key" in verify("--key", key, of=resigned, status=1)
# A tail that was cut, and a note that was changed.
cut = copy("cut")
database = sqlite3.connect(f"{cut}/gyre.db")
for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
    database.execute(f"DROP TRIGGER {name}")
database.execute("DELETE FROM ledger WHERE seq > 10")
database.commit()
database.close()
os.remove(f"{cut}/ledger.head")
assert "facts were signed: the tail was cut off" in verify("--key", key, of=cut, status=1)
changed = copy("changed")
note = sorted(os.listdir(f"{changed}/checkpoints"))[0]
text = open(f"{changed}/checkpoints/{note}").read()
open(f"{changed}/checkpoints/{note}", "w").write(text.replace("\nat 2", "\nat 1"))
assert "not signed by" in verify("--key", key, of=changed, status=1)
assert "cannot be read" in verify("--checkpoints", f"{work}/none.txt", status=1)

# A program has the key.
open(f"{work}/sign.py", "w").write('''
import base64, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
sys.stdout.write(base64.b64encode(Ed25519PrivateKey.from_private_bytes(b"k" * 32).sign(sys.stdin.buffer.read())).decode())
''')
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

public = Ed25519PrivateKey.from_private_bytes(b"k" * 32).public_key().public_bytes_raw()
number = hashlib.sha256(b"vault\n\x01" + public).digest()[:4].hex()
theirs = f"vault+{number}+{base64.b64encode(bytes([1]) + public).decode()}"
os.environ.update(GYRE_LEDGER_ANCHORS="", GYRE_LEDGER_SIGN_COMMAND=f"{sys.executable} {work}/sign.py", GYRE_LEDGER_PUBLIC_KEY=theirs)
signed = Server(gyre, work, "signed").start()
assert signed.run("ledger", "key").stdout.strip() == theirs
proof = signed.run("ledger", "prove", "1").stdout
open(f"{work}/proof.json", "w").write(proof)
script = __file__.split("/Tests/")[0] + "/Docs/formats/check_proof.py"
assert subprocess.run([sys.executable, script, f"{work}/proof.json", theirs]).returncode == 0
assert not os.path.exists(f"{signed.home}/ledger.key")
signed.stop()
assert "signed states fit" in verify("--key", theirs, of=signed.home)
