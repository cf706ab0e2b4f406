# SPDX-License-Identifier: Apache-2.0
"""MLflow's published path, file-read and request-forgery holes, tried on a real server: refused, or nothing comes back and nothing is
written. Called as: mlflow_attacks.py GYRE EMPTY_FOLDER [--seed N]"""
import argparse
import io
import json
import os
import pickle
import random
import socket
import sys
import tarfile
import threading
import zipfile
from urllib.parse import quote

from server import Server

options = argparse.ArgumentParser()
options.add_argument("gyre")
options.add_argument("folder")
options.add_argument("--seed", type=int, default=20230324)
options = options.parse_args()
print(f"seed {options.seed}")
chance = random.Random(options.seed)
work = os.path.realpath(options.folder)
OUT, IN = f"canary-out-{chance.getrandbits(64):x}", f"canary-in-{chance.getrandbits(64):x}"
os.makedirs(f"{work}/outside")
for path in ["canary.txt", "outside/canary.txt", "home-too.txt", "outside/MLmodel"]:
    open(f"{work}/{path}", "w").write(f"signature: {OUT}\n")
server = Server(options.gyre, work).start()
home = server.home
open(f"{home}/canary.txt", "w").write(IN)
os.makedirs(f"{home}/artifacts/0")
open(f"{home}/artifacts/0/canary.txt", "w").write(IN)
for link, target in [("link", f"{work}/outside"), ("link.txt", f"{work}/canary.txt"), ("artifacts/link", f"{work}/outside"),
                     ("blobs/link", f"{work}/outside"), ("blobs/link.txt", f"{work}/canary.txt")]:
    os.symlink(target, f"{home}/{link}")
SECRETS = [OUT.encode(), IN.encode(), b"SQLite format 3\0", b"root:x:0:", b"PRIVATE KEY"]
API, PROXY = "/api/2.0/mlflow", "/api/2.0/mlflow-artifacts/artifacts"
checks, problems, asked = [], [], 0
connections = []


def listen(trap):
    while True:
        peer, _ = trap.accept()
        connections.append(peer.recv(2000)[:200])
        peer.close()


trap = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=listen, args=(trap,), daemon=True).start()
TRAP = f"http://127.0.0.1:{trap.getsockname()[1]}"


def check(name):
    def add(function):
        checks.append((name, function))
        return function
    return add


def raw(method, target, body=b"", **headers):
    """Sends the target as it stands, which no HTTP library would; the answer's status, header and content."""
    global asked
    asked += 1
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    body = body.encode() if isinstance(body, str) else body
    target = target if isinstance(target, bytes) else target.encode()
    headers = {"Host": f"127.0.0.1:{server.port}", "Connection": "close", "Content-Length": str(len(body)), **headers}
    head = b"".join(f"{name.replace('_', '-')}: {value}\r\n".encode() for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", server.port), timeout=600) as connection:
        connection.sendall(method.encode() + b" " + target + b" HTTP/1.1\r\n" + head + b"\r\n" + body)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, content = answer.partition(b"\r\n\r\n")
    for secret in SECRETS:
        if secret in content or secret in head:
            raise AssertionError(f"LEAK of {secret!r}: {curl(method, target, body)}\n    answered {content[:300]!r}")
    return (int(head.split()[1]) if head else 400), head.decode("latin-1").lower(), content


def curl(method, target, body=b""):
    target = target.decode("latin-1") if isinstance(target, bytes) else target
    body = json.dumps(body) if isinstance(body, (dict, list)) else body if isinstance(body, str) else body.decode("latin-1")
    return f"curl --path-as-is -X {method} '$GYRE{target}'" + (f" -d '{body[:400]}'" if body else "")


def refused(method, target, body=b"", statuses=range(400, 500), **headers):
    """A clear refusal in MLflow's form."""
    status, head, content = raw(method, target, body, **headers)
    assert status in statuses, f"{curl(method, target, body)} answered {status} {content[:300]!r}, not a refusal"
    if target.startswith(("/api/", "/ajax-api/", "/get-artifact")) and content:
        answer = json.loads(content)
        assert answer.get("error_code") and answer.get("message"), f"{curl(method, target, body)}: {content[:300]!r}"


def harmless(method, target, body=b"", **headers):
    """Whatever is answered, it holds nothing secret and is no fault of the server."""
    status, _, content = raw(method, target, body, **headers)
    assert status < 500 or status == 501, f"{curl(method, target, body)} answered {status} {content[:300]!r}"
    return status, content


def ok(method, target, body=b""):
    status, _, content = raw(method, target, body)
    assert status == 200, f"{curl(method, target, body)} answered {status} {content[:300]!r}"
    return json.loads(content) if content[:1] == b"{" else content


def make_run(location=None):
    """A run, in an experiment whose artifacts lie at `location`; None where that was refused."""
    body = {"name": f"e{chance.getrandbits(60):x}"} | ({"artifact_location": location} if location else {})
    status, _, content = raw("POST", f"{API}/experiments/create", body)
    assert status in (200, 400), f"{curl('POST', API + '/experiments/create', body)} answered {status} {content[:300]!r}"
    if status == 400:
        return None
    return ok("POST", f"{API}/runs/create", {"experiment_id": json.loads(content)["experiment_id"]})["run"]["info"]["run_id"]


def files(folder):
    """Every file below, with size and time, but those the server itself writes in its home."""
    return {path: os.lstat(path).st_size for root, folders, names in os.walk(folder) for path in
            (f"{root}/{name}" for name in names + [f for f in folders if os.path.islink(f"{root}/{f}")])
            if not path.startswith((f"{home}/gyre.db", f"{home}/blobs/", f"{home}/ledger.head", f"{home}.log", f"{home}/predictions/", f"{home}/checkpoints/"))}


# Spellings of a way out; the first are climbs, then absolute ones. All as they stand in a request's target.
deep = "../" * 12
CLIMBS = ["../canary.txt", "../../canary.txt", "..", ".", "./canary.txt", "a/../../canary.txt", f"{deep}etc/passwd", "..%2fcanary.txt",
          "%2e%2e/canary.txt", "%2e%2e%2fcanary.txt", "%2E%2E%2F%2E%2E%2Fcanary.txt", ".%2e/canary.txt",
          "a/b/%2e%2e/%2e%2e/%2e%2e/canary.txt",
          "..%5ccanary.txt", "..\\canary.txt", "a%5c..%5c..%5ccanary.txt", "%2e%2e%5ccanary.txt", "..%00/canary.txt", "canary.txt%00",
          "%00", "canary.txt%0a", "%0d%0aSet-Cookie:a=b", "a//canary.txt", "a/./canary.txt"]
ABSOLUTE = ["/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd", "%2f%2fetc%2fpasswd", quote(f"{work}/canary.txt", safe=""),
            "C:/windows/win.ini",
            "c:%5cwindows%5cwin.ini", "C:%2fwindows", "%5c%5chost%5cshare", "\\\\host\\share", "file:///etc/passwd",
            "file:%2f%2f%2fetc%2fpasswd"]
# Spellings that are plain odd names once decoded one time: taken or refused, but never a way out.
ODD = ["%252e%252e/canary.txt", "%252e%252e%252fcanary.txt", "%25252e%25252e%25252fcanary.txt", "%252fetc%252fpasswd", "..%c0%afcanary.txt",
       "%c0%ae%c0%ae/canary.txt", "%e0%80%ae%e0%80%ae/canary.txt", "%uff0e%uff0e/canary.txt", "%ef%bc%8e%ef%bc%8e/canary.txt",
       "..%ef%bc%8fcanary.txt", "....//canary.txt", "...", "..;/canary.txt", "a;/../canary.txt", "%2e%2e;/canary.txt", "..%23/canary.txt",
       "%23/../canary.txt", "%3f/../canary.txt", "~/.ssh/id_rsa", "$HOME/canary.txt", "file:canary.txt", "gyre.db", "link/canary.txt",
       "link.txt",
       "artifacts/0/canary.txt", "0/canary.txt", "blobs/link.txt", "server.json", "lock", "proc/self/environ", "%", "%2", "%zz", "+",
       "%+2e%+2e/canary.txt"]
PATHS = CLIMBS + ABSOLUTE + ODD
# Addresses of the server's own files, as artifact locations and as sources.
LOCAL = ["/etc", f"{work}/outside", f"//{work}/outside", "file:///etc", "FILE:///etc", "file:/etc", "file:etc", f"file://{work}/outside",
         "file://localhost/etc", "file://127.0.0.1/etc", "file://./etc", "file:////etc", "file:///%65tc", "local/etc", ".", "./outside",
         "../outside", "..",
         "\\etc", "..\\outside"]
CLIMBING = ["mlflow-artifacts:/../outside", "mlflow-artifacts:/../../../../../etc", "mlflow-artifacts:/%2e%2e/outside",
            "mlflow-artifacts:/..%2f..%2foutside", "mlflow-artifacts:/%252e%252e/outside", "mlflow-artifacts:/a/../../outside",
            "mlflow-artifacts://host:1/../../outside", "mlflow-artifacts:/0/..", "mlflow-artifacts:/.\\..\\outside",
            "mlflow-artifacts:///../outside",
            "http://host/#/../../../etc", "http:///#/../../../etc/", "http://host/?/../../../etc", "http:///?/../../../../etc/?a=b",
            "http://host/a;/../../etc", "http://host/%2e%2e/%2e%2e/etc", "http://host/..%252f..%252fetc", "s3://bucket/../../etc",
            "dbfs:/../../etc", "dbfs:/..%2f..%2fetc", "runs:/0/../../etc", "models:/../../etc", "file:///tmp/#/../../etc",
            "hdfs:/../../etc",
            "ftp://host/../../etc", "http://host/a%00/../etc"]
AWAY = [TRAP, f"{TRAP}/api/2.0/mlflow-artifacts/artifacts/x", TRAP.replace("http", "https"), TRAP.replace("http", "mlflow-artifacts"),
        TRAP.replace("http", "ftp"), TRAP.replace("http", "s3"), "http://169.254.169.254/latest/meta-data", "http://[::1]:1/x",
        "gopher://127.0.0.1:1/x",
        "wasbs://x@127.0.0.1/x", "sftp://127.0.0.1:1/x", "dbfs:/etc", "runs:/x/y", "jdbc:x", "data:text/plain,x"]
RUN = make_run()
ok("PUT", f"{PROXY}/{ok('GET', f'{API}/runs/get?run_id={RUN}')['run']['info']['artifact_uri'].split(':/')[1]}/good.txt", "good")


@check("CVE-2023-3765, CVE-2023-6015, CVE-2023-6018, CVE-2023-6753, CVE-2023-6975, CVE-2023-6976: artifacts are put outside the store")
def put():
    for path in CLIMBS + ABSOLUTE:
        if path.startswith(("file:", "file%3a")):  # a folder named "file:" below the store is no way out
            harmless("PUT", f"{PROXY}/{path}", "evil")
        else:
            refused("PUT", f"{PROXY}/{path}", "evil")
    for path in ODD:
        harmless("PUT", f"{PROXY}/{path}", "evil")
    for prefix in ["/ajax-api/2.0/mlflow-artifacts/artifacts", "/api/2.0//mlflow-artifacts/artifacts", "/api/2.0/mlflow-artifacts/../x"]:
        harmless("PUT", f"{prefix}/../../canary.txt", "evil")
    assert open(f"{work}/canary.txt").read() == f"signature: {OUT}\n" and open(f"{home}/canary.txt").read() == IN


@check("CVE-2023-1177, CVE-2023-2780, CVE-2023-3765, CVE-2023-6909, CVE-2024-8859: artifacts are read from outside the store")
def get():
    for path in CLIMBS + ABSOLUTE:
        harmless("GET", f"{PROXY}/{path}") if path.startswith("file:") else refused("GET", f"{PROXY}/{path}")
    for path in ODD:
        harmless("GET", f"{PROXY}/{path}")
        harmless("HEAD", f"{PROXY}/{path}")


@check("CVE-2023-6831, CVE-2024-1560: artifacts are deleted outside the store, by an encoded and a doubly encoded path")
def delete():
    for path in PATHS:
        harmless("DELETE", f"{PROXY}/{path}")
    for path in ["", "/", "//", "/.", "/%2e", "/%2f"]:
        refused("DELETE", f"{PROXY}{path}")
    assert ok("GET", f"/get-artifact?run_id={RUN}&path=good.txt") == b"good", "a wild delete took an artifact with it"


@check("CVE-2023-2780, CVE-2023-6977: lists of folders outside the store")
def lists():
    for path in PATHS:
        harmless("GET", f"{PROXY}?path={path}")
        status, content = harmless("GET", f"{API}/artifacts/list?run_id={RUN}&path={path}")
        for name in [b"canary", b"passwd", b"gyre.db", b"server.json"]:
            assert status != 200 or name not in content, f"artifacts/list?path={path} tells of {name}: {content[:300]!r}"
    for path in ["..", "../..", "../../..", "%2e%2e", "/", "/etc", "a/../..", "..%5c..", "%00", "./.."]:
        refused("GET", f"{PROXY}?path={path}")
        refused("GET", f"{API}/artifacts/list?run_id={RUN}&path={path}")
        refused("GET", f"/ajax-api/2.0/mlflow/artifacts/list?run_id={RUN}&path={path}")


@check("CVE-2023-1177, CVE-2023-43472, CVE-2024-1593: get-artifact with a path, a run id or `;` parameters that climb")
def get_artifact():
    for path in PATHS:
        refused("GET", f"/get-artifact?run_id={RUN}&path={path}")
        refused("GET", f"/get-artifact?path={path}&run_uuid={RUN}")
        harmless("GET", f"/get-artifact;path={path}?run_id={RUN}")
    refused("GET", f"/get-artifact?run_id={RUN}&path=good.txt%00.png")
    refused("GET", f"/get-artifact?run_id={RUN}")
    refused("GET", "/get-artifact")


@check("CVE-2023-1177, CVE-2023-2356, CVE-2024-1594: run ids with slashes, climbs, NUL bytes and of any length")
def run_ids():
    ids = PATHS + [f"{RUN}/../../{RUN}", f"{RUN}%2f..", f"{RUN}%00", f"{RUN}%00x", f"{RUN}%20", f"{RUN}%0a", "x" * 300, "x" * 7000, "",
                   "'%20OR%201=1--",
                   "%ff%fe", "*", "%25"]
    for id in ids:
        for target in [f"{API}/runs/get?run_id={id}", f"{API}/artifacts/list?run_id={id}", f"/get-artifact?run_id={id}&path=good.txt"]:
            refused("GET", target)
        harmless("GET", f"{API}/metrics/get-history?run_id={id}&metric_key=m")  # MLflow answers no points for an unknown run
    for id in ["../x", "a/b", "x" * 300, "", "\0", f"{RUN}\0x", f"{RUN}/..", "\ud800"]:
        for call in ["update", "delete", "set-tag", "log-metric", "log-batch", "log-inputs", "delete-tag"]:
            refused("POST", f"{API}/runs/{call}", {"run_id": id, "key": "k", "value": 1, "timestamp": 1})
    assert ok("GET", f"{API}/runs/get?run_id={RUN}")["run"]["info"]["lifecycle_stage"] == "active", "a forged id reached another run"


@check("CVE-2023-6909, CVE-2024-1483, CVE-2024-1558, CVE-2024-1594, CVE-2024-2928, CVE-2024-3848: artifact_location with `#`, `?`, `..`")
def locations():
    for location in LOCAL + CLIMBING + ["mlflow-artifacts:/", "mlflow-artifacts:", f"mlflow-artifacts:/{work}/outside"]:
        run = make_run(location)
        if run is None:
            continue
        for path in ["canary.txt", "passwd", "../canary.txt", "MLmodel", "%2e%2e/canary.txt"]:
            harmless("GET", f"/get-artifact?run_id={run}&path={path}")
        for path in ["", "..", "outside"]:
            status, content = harmless("GET", f"{API}/artifacts/list?run_id={run}&path={path}")
            assert status != 200 or b"canary" not in content and b"passwd" not in content, f"{location}: {content[:300]!r}"
        model = ok("POST", f"{API}/logged-models", {"experiment_id": ok("GET",
            f"{API}/runs/get?run_id={run}")["run"]["info"]["experiment_id"],
                                                    "name": "m", "source_run_id": run})["model"]["info"]["model_id"]
        harmless("GET", f"{API}/logged-models/{model}/artifacts/directories?artifact_directory_path=..")
        harmless("GET", f"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files?artifact_file_path=canary.txt")


@check("CVE-2023-1177, CVE-2023-6014..6977, CVE-2024-1558, CVE-2025-11201: a model version whose source is a file of the server")
def sources():
    ok("POST", f"{API}/registered-models/create", {"name": "local"})
    for source in LOCAL + CLIMBING + ["", " file:///etc", "\tfile:///etc", "\x00file:///etc", "file\n:///etc", "C:\\windows", "c:/windows",
                                      "Z:x"]:
        for run in ["", RUN]:
            refused("POST", f"{API}/model-versions/create", {"name": "local", "source": source, "run_id": run})


@check("CVE-2023-1177, CVE-2025-11201 (second fix): a model version whose source is another run's folder")
def foreign_sources():
    ok("POST", f"{API}/registered-models/create", {"name": "foreign"})
    other = ok("GET", f"{API}/runs/get?run_id={make_run()}")["run"]["info"]
    for source in [other["artifact_uri"], f"{other['artifact_uri']}/model", f"mlflow-artifacts:/0/{other['run_id']}/artifacts",
                   f"runs:/{other['run_id']}/model"]:
        refused("POST", f"{API}/model-versions/create", {"name": "foreign", "source": source, "run_id": RUN})
    for source in ["models:/m-0", "models:/m-../..", "models:/m-" + "0" * 32]:
        refused("POST", f"{API}/model-versions/create", {"name": "foreign", "source": source})


@check("CVE-2023-1177: model-versions/get-artifact and get-download-uri, whatever the source")
def version_artifacts():
    ok("POST", f"{API}/registered-models/create", {"name": "away"})
    numbers = []
    for source in AWAY + ["models:/away/1", "models:/away/latest"]:
        status, content = harmless("POST", f"{API}/model-versions/create", {"name": "away", "source": source})
        if status == 200:
            numbers.append(json.loads(content)["model_version"]["version"])
    for number in numbers:
        for path in ["canary.txt", "passwd", "MLmodel", "../canary.txt", "%2e%2e/canary.txt", "/etc/passwd"]:
            refused("GET", f"/model-versions/get-artifact?name=away&version={number}&path={path}", statuses=[*range(400, 500), 501])
        harmless("POST", "/api/gyre/v1/endpoints/away/deploy", {"version": number})
    for path in PATHS:
        harmless("GET", f"/model-versions/get-artifact?name=away&version=1&path={path}")
    for version in ["..", "0", "-1", "1/../..", "99999999999999999999", "1%00", "x"]:
        refused("GET", f"{API}/model-versions/get-download-uri?name=away&version={version}")


@check("models:/ sources that name each other: get-download-uri ends")
def circle():
    ok("POST", f"{API}/registered-models/create", {"name": "circle"})
    status, content = harmless("POST", f"{API}/model-versions/create", {"name": "circle", "source": "models:/circle/1"})
    if status == 200:
        try:
            refused("GET", f"{API}/model-versions/get-download-uri?name=circle&version=1")
        except TimeoutError:
            server.kill()  # or it would go on for ever
            server.start()
            raise AssertionError("models:/circle/1 has the source models:/circle/1: get-download-uri never ends and takes ever more memory")


@check("CVE-2023-6974, CVE-2026-2393, CVE-2026-64849, CVE-2025-52967: requests that the server makes for others")
def forgery():
    for location in AWAY:
        run = make_run(location)
        if run is None:
            continue
        harmless("GET", f"/get-artifact?run_id={run}&path=x")
        harmless("GET", f"{API}/artifacts/list?run_id={run}")
        harmless("PUT", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=x", "x")
    for url in [TRAP, f"{TRAP}/redirect", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "http://0.0.0.0:1",
                "http://169.254.169.254/",
                "http://2130706433/", "http://127.1/", "http://[::ffff:127.0.0.1]/", "file:///etc/passwd", "ftp://127.0.0.1/",
                "gopher://127.0.0.1/", "http://",
                "https://user:pass@127.0.0.1/", "http://10.0.0.1/", "http://192.168.0.1/"]:
        body = {"name": "w", "url": url, "events": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}], "status": "ACTIVE"}
        refused("POST", f"{API}/webhooks", body)
    for method in ["GET", "POST"]:
        for target in [f"/ajax-api/2.0/mlflow/gateway-proxy?gateway_path={TRAP}", f"/gateway/{TRAP}", f"/gateway/../../x?u={TRAP}"]:
            refused(method, target, {"gateway_path": TRAP, "json_data": {}})
    ok("POST", f"{API}/registered-models/create", {"name": f"hook{chance.getrandbits(40):x}"})
    assert not connections, f"the server connected to {TRAP}: {connections}"


@check("CVE-2025-15031, CVE-2025-15036, CVE-2024-37052..37061: archives and pickles are opaque bytes, never unpacked or loaded")
def archives():
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {work}/pickled",)

    tar, zip = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as file:
        for name, kind, link in [("../../../untarred", tarfile.REGTYPE, ""), (f"{work}/untarred", tarfile.REGTYPE, ""),
                                 ("l", tarfile.SYMTYPE, work),
                                 ("l/untarred", tarfile.REGTYPE, ""), ("h", tarfile.LNKTYPE, f"{work}/canary.txt")]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            file.addfile(info, io.BytesIO())
    with zipfile.ZipFile(zip, "w") as file:
        file.writestr("../../../unzipped", "evil")
        file.writestr(f"{work}/unzipped", "evil")
        file.writestr("..\\..\\unzipped", "evil")
    root = ok("GET", f"{API}/runs/get?run_id={RUN}")["run"]["info"]["artifact_uri"].split(":/")[1]
    contents = {"evil.tar.gz": tar.getvalue(), "evil.tgz": tar.getvalue(), "evil.zip": zip.getvalue(), "model.pkl": pickle.dumps(Evil()),
                "python_model.pkl": pickle.dumps(Evil()),
                "MLmodel": b"flavors:\n  python_function:\n    loader_module: os\n    data: ../../../canary.txt\n"}
    for name, content in contents.items():
        ok("PUT", f"{PROXY}/{root}/evil/{name}", content)
    ok("POST", f"{API}/registered-models/create", {"name": "evil"})
    ok("POST", f"{API}/model-versions/create", {"name": "evil", "source": f"mlflow-artifacts:/{root}/evil", "run_id": RUN})
    harmless("POST", "/api/gyre/v1/endpoints/evil/deploy", {"version": "1"})
    for name, content in contents.items():
        assert ok("GET", f"/get-artifact?run_id={RUN}&path=evil/{name}") == content if content[:1] != b"{" else True, name
        harmless("GET", f"/get-artifact?run_id={RUN}&path=evil/{name}/../../canary.txt")
        refused("GET", f"/get-artifact?run_id={RUN}&path=evil/{name}/unzipped")


@check("CVE-2023-6709, CVE-2024-27132, CVE-2024-27133, CVE-2023-6568: names are no templates and are not reflected as HTML")
def scripts():
    script = "<script>alert(1)</script>{{7*7}}${7*7}"
    status, head, content = raw("POST", f"{API}/experiments/create", {"name": script}, Content_Type=script)
    assert "text/html" not in head and b"49" not in content
    for target in [f"/{quote(script)}", f"/<script>alert(1)</script>", f"{API}/{script}", f"/get-artifact?run_id={quote(script)}&path=x",
                   f"/experiments/{quote(script)}", f"/runs/{quote(script)}", f"/models/{quote(script)}"]:
        _, head, content = raw("GET", target)
        assert "text/html" not in head or b"<script>alert(1)" not in content, f"{curl('GET', target)} reflects the script as HTML"
    root = ok("GET", f"{API}/runs/get?run_id={RUN}")["run"]["info"]["artifact_uri"].split(":/")[1]
    for name in ["page.html", "image.svg", "page.xhtml"]:
        ok("PUT", f"{PROXY}/{root}/{name}", script)
        for target in [f"/get-artifact?run_id={RUN}&path={name}", f"{PROXY}/{root}/{name}"]:
            _, head, _ = raw("GET", target)
            assert "content-disposition: attachment" in head and "nosniff" in head, f"{target} would run in the browser: {head}"
    harmless("PUT", f"{PROXY}/{root}/a%0d%0aX-Evil:1", "x")
    _, head, _ = raw("GET", f"/get-artifact?run_id={RUN}&path=a%0d%0aX-Evil:1")
    assert "x-evil" not in head


@check("CVE-2025-14279 and the like: a page of another site makes the browser write (simple request, no preflight), or rebinds its name")
def other_sites():
    body = {"name": f"forged{chance.getrandbits(40):x}"}
    forged = dict(Origin="http://evil.example", Content_Type="text/plain", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")
    failed = []
    for target in [f"{API}/experiments/create", "/api/gyre/v1/pipeline-runs"]:
        status, _, content = raw("POST", target, body, **forged)
        if not (status in (401, 403) or status == 404):
            failed.append(f"POST {target} with Origin: http://evil.example answered {status}, not 403")
    status, _, content = raw("GET", f"{API}/runs/get?run_id={RUN}", Host="evil.example")
    if status == 200:
        failed.append("GET with Host: evil.example (DNS rebinding) answered 200, not 403")
    _, head, _ = raw("OPTIONS", f"{API}/runs/create", Origin="http://evil.example", Access_Control_Request_Method="POST")
    if "access-control-allow-origin" in head:
        failed.append("a preflight of another site is granted")
    assert not failed, "; ".join(failed)


@check("CVE-2024-4263, CVE-2023-4033, CVE-2023-6940: names of models, aliases, tags and params that are paths or commands")
def names():
    for name in ["../../x", "a/b", "/etc/passwd", "..%2fx/", "a:b", "", "x" * 5000, "a\0b"]:
        refused("POST", f"{API}/registered-models/create", {"name": name})
    for key in ["../x", "/x", "a/../b", "a//b", ".", "", "a\0b", "a\\..\\b", "x" * 300]:
        refused("POST", f"{API}/runs/log-parameter", {"run_id": RUN, "key": key, "value": "v"})
        refused("POST", f"{API}/runs/log-metric", {"run_id": RUN, "key": key, "value": 1, "timestamp": 1})
        refused("POST", f"{API}/runs/set-tag", {"run_id": RUN, "key": key, "value": "v"})
    ok("POST", f"{API}/registered-models/create", {"name": "$(touch x); `touch x`| touch x"})
    for alias in ["../x", "a/b", "", "latest", "v1", "a b", "a\0b"]:
        refused("POST", f"{API}/registered-models/alias", {"name": "evil", "alias": alias, "version": "1"})


@check("artifacts of logged models and traces, multipart and presigned addresses, with ways out")
def other_routes():
    model = ok("POST", f"{API}/logged-models", {"experiment_id": "0", "name": "x", "source_run_id": RUN})["model"]["info"]["model_id"]
    for path in PATHS:
        harmless("GET", f"{API}/logged-models/{model}/artifacts/directories?artifact_directory_path={path}")
        harmless("GET", f"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files?artifact_file_path={path}")
        harmless("GET", f"/ajax-api/2.0/mlflow/get-trace-artifact?request_id={path}")
        refused("GET", f"{API}/logged-models/{path}x")
        for call in ["create", "complete", "abort"]:
            refused("POST", f"/api/2.0/mlflow-artifacts/mpu/{call}/{path}", {"path": path, "num_parts": 1},
                    statuses=[*range(400, 500), 501])
        harmless("GET", f"/api/2.0/mlflow-artifacts/presigned/{path}")
        harmless("POST", f"{API}/artifacts/presigned-download-url", {"run_id": RUN, "path": path})
        harmless("PUT", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={RUN}&path={path}", "evil")
        harmless("GET", f"/static-files/{path}")
        harmless("GET", f"/{path}")
    for tag in [f"file://{work}/outside", f"{work}/outside", "mlflow-artifacts:/../outside"]:
        harmless("POST", "/api/3.0/mlflow/traces", {"trace": {"trace_info": {
            "trace_id": "tr-" + "0" * 32, "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
            "request_time": "2025-01-01T00:00:00Z", "state": "OK", "tags": {"mlflow.artifactLocation": tag}}}})
        harmless("GET", "/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-" + "0" * 32)
        harmless("GET", "/api/3.0/mlflow/traces/get?trace_id=tr-" + "0" * 32)
    harmless("POST", "/graphql", {"query": "{ mlflowListArtifacts(input: {runId: \"%s\", path: \"../../..\"}) { files { path } } }" % RUN})


@check("MLmodel as an attack on the reader: aliases that grow, deep nesting, huge, binary, another's file")
def documents():
    ok("POST", f"{API}/registered-models/create", {"name": "documents"})
    root = ok("GET", f"{API}/runs/get?run_id={RUN}")["run"]["info"]["artifact_uri"].split(":/")[1]
    laugh = "a0: &a0 [" + ",".join(["x"] * 10) + "]\n"
    laugh += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 6)) + "signature: *a5\n"
    for number, content in enumerate([laugh, "[" * 100_000, "- " * 100_000 + "x", "? " * 100_000, "{a: " * 100_000, "\0" * 1000,
                                      b"\xff\xfe\x00", "x" * (2 << 20), "",
                                      "signature: !!python/object/apply:os.system ['touch /tmp/x']", "signature: .nan", "<<: *x",
                                      "signature: 1e999"]):
        ok("PUT", f"{PROXY}/{root}/d{number}/MLmodel", content)
        body = {"name": "documents", "source": f"mlflow-artifacts:/{root}/d{number}", "run_id": RUN}
        status, answer = harmless("POST", f"{API}/model-versions/create", body)
        assert number or status == 400, "an MLmodel of 250 bytes whose YAML aliases grow 8-fold per line was expanded"


before = files(work)
for name, function in checks:
    try:
        function()
    except (AssertionError, OSError, ValueError, KeyError) as problem:
        problems.append(f"{name}\n    {type(problem).__name__}: {problem}")
    if server.process.poll() is not None:
        problems.append(f"{name}\n    the server died: {open(home + '.log').read()[-500:]}")
        server.start()
    after = files(work)
    if changed := {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
                   and not path.endswith("server.json")}:
        problems.append(f"{name}\n    files came, went or changed: {sorted(changed)[:5]}")
        before = after
if not (verified := server.api("GET", "/ledger/verify"))["intact"]:
    problems.append(f"the ledger is broken after all this: {verified}")
server.stop()
if problems:
    print(*problems, sep="\n")
    sys.exit(f"{len(problems)} problems in {len(checks)} checks, {asked} requests")
print(f"attacks: {len(checks)} checks, {asked} requests, nothing came back and nothing was written")
