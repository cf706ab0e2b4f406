# SPDX-License-Identifier: Apache-2.0
"""TLS on both ports, certificates of clients, sockets of the file system, addresses behind a proxy, pages of other sites, and clients that
take their time, send too much or ask for everything at once."""
import http.client
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import time

from people import People, bearer
from ports import free_port
from server import Server

gyre, work = sys.argv[1], sys.argv[2]


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=work)


def certificate(name, names, authority="ca"):
    """A certificate for these names, signed by an authority."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial",
            "-out", f"{name}.pem", "-days", "30", "-copy_extensions", "copy")


for authority in ["ca", "other"]:
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{authority}.key", "-out",
            f"{authority}.pem", "-subj", f"/CN={authority}", "-days", "30")
certificate("server", "DNS:localhost,IP:127.0.0.1")
certificate("renewed", "DNS:localhost,IP:127.0.0.1")
certificate("shop", "DNS:shop")
certificate("thief", "DNS:shop", "other")
for name in ["server.pem", "server.key"]:
    os.rename(f"{work}/{name}", f"{work}/live-{name}")


def context(authority="ca", own=None, most=None):
    made = ssl.create_default_context(cafile=f"{work}/{authority}.pem")
    if own:
        made.load_cert_chain(f"{work}/{own}.pem", f"{work}/{own}.key")
    if most:
        made.maximum_version = most
    return made


def ask(server, path, context, headers={}):
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=30)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body, serial = answer.read(), connection.sock.getpeercert()["serialNumber"]
    connection.close()
    return answer.status, body, serial


class Encrypted(Server):
    """A server over TLS: what the harness asks goes over TLS too."""

    def exchange(self, method, path, body=None, headers={}):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context(own="shop"), timeout=60)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content, {name.lower(): value for name, value in answer.getheaders()}


rpc = free_port()
server = Encrypted(gyre, work, "encrypted", ["--auth", "--grpc", f"127.0.0.1:{rpc}", "--tls-certificate", f"{work}/live-server.pem",
                                              "--tls-key", f"{work}/live-server.key"]).start()
root = re.search(r"gyre_[\w-]{32}", open(server.home + ".log").read())[0]
status, body, serial = ask(server, "/api/gyre/v1/whoami", context(), bearer(root))
assert status == 200 and b"user/admin" in body, body
for bad in [dict(authority="other"), dict(most=ssl.TLSVersion.TLSv1_2)]:
    try:
        ask(server, "/health", context(**bad))
        raise AssertionError(bad)
    except ssl.SSLError:
        pass
plain = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
try:
    plain.request("GET", "/health")
    assert plain.getresponse().status >= 400
except (http.client.HTTPException, OSError):
    pass
# gRPC speaks HTTP/2 inside of it.
over = context()
over.set_alpn_protocols(["h2"])
with over.wrap_socket(socket.create_connection(("127.0.0.1", rpc)), server_hostname="localhost") as stream:
    assert stream.selected_alpn_protocol() == "h2" and stream.version() == "TLSv1.3"
# Commands of the machine's own need no certificate, and those from elsewhere an authority.
assert "local/" in server.run("whoami").stdout
environment = {**server.environment, "GYRE_TLS_AUTHORITY": f"{work}/ca.pem", "GYRE_TOKEN": root}
done = subprocess.run([gyre, "whoami", "--server", f"https://localhost:{server.port}"], env=environment, stdout=subprocess.PIPE, text=True)
assert done.returncode == 0 and "user/admin" in done.stdout, done
done = subprocess.run([gyre, "whoami", "--server", f"https://localhost:{server.port}"], env=server.environment, stderr=subprocess.PIPE, text=True)
assert done.returncode == 1 and "does not answer" in done.stderr, done
# Files that change are read again, and files that are no certificate change nothing.
open(f"{work}/live-server.pem", "w").write("no certificate")
time.sleep(2.5)
assert ask(server, "/health", context())[2] == serial
assert "the certificate stays as it was" in open(server.home + ".log").read()
for name in ["pem", "key"]:
    open(f"{work}/live-server.{name}", "w").write(open(f"{work}/renewed.{name}").read())
deadline = time.time() + 30
while ask(server, "/health", context())[2] == serial:
    assert time.time() < deadline, "the new certificate is not used"
    time.sleep(0.2)
server.run("user", "create", "shop", "--service", "--role", "predictor")
server.stop()

# Services by their certificates: a name in it is an account, and nothing that a client says takes its place.
server.options += ["--tls-client-authority", f"{work}/ca.pem", "--tls-older"]
server.start()
for headers in [{}, {"x-gyre-client-certificate": "admin"}, {"X-Gyre-Client-Certificate": "admin"}]:
    status, body, _ = ask(server, "/api/gyre/v1/whoami", context(own="shop"), headers)
    assert status == 200 and b'"service/shop"' in body, (headers, body)
assert ask(server, "/api/gyre/v1/runs", context(own="shop"))[0] == 200, "a list of what may be seen, which is nothing"
assert ask(server, "/api/gyre/v1/ledger", context(own="shop"))[0] == 403
assert b"user/admin" in ask(server, "/api/gyre/v1/whoami", context(own="shop"), bearer(root))[1], "a token says more than a certificate"
assert ask(server, "/health", context(own="shop", most=ssl.TLSVersion.TLSv1_2))[0] == 200
for own in [None, "thief"]:
    try:
        ask(server, "/health", context(own=own))
        raise AssertionError(own)
    except (OSError, http.client.HTTPException):
        pass
server.stop()

# Beyond this machine only who is asked, or who says so.
done = subprocess.run([gyre, "up", "--http", f"0.0.0.0:{free_port()}", "--home", f"{work}/open"], stderr=subprocess.PIPE, text=True, timeout=60)
assert done.returncode != 0 and "--auth" in done.stderr, done.stderr

# A socket of the file system, behind a proxy that puts the server below a path, for pages of another site.
people = People(gyre, work, "proxied", ["--public-url", "https://ml.example/gyre", "--allow-origin", "https://app.example",
                                        "--head-seconds", "2", "--still-seconds", "3", "--max-connections-per-address", "64"])
server = people.server
status, page, headers = server.exchange("GET", "/gyre/login", None, {"Accept": "text/html", "Host": "ml.example"})
assert status == 200 and b'href="/gyre/static/gyre.css"' in page and b'action="/gyre/login"' in page and b'href="/static' not in page, page
assert server.exchange("GET", "/gyre/static/gyre.js")[0] == 200
assert server.exchange("GET", "/runs", None, {"Accept": "text/html"})[2]["location"].startswith("/gyre/login")
status, _, headers = server.exchange("OPTIONS", "/api/gyre/v1/runs", None, {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"})
assert status == 204 and headers["access-control-allow-origin"] == "https://app.example", headers
status, _, headers = server.exchange("GET", "/api/gyre/v1/runs", None, {"Origin": "https://app.example", **bearer(people.root)})
assert status == 200 and headers["access-control-allow-origin"] == "https://app.example" and "access-control-allow-credentials" not in headers
assert "access-control-allow-origin" not in server.exchange("GET", "/api/gyre/v1/runs", None, {"Origin": "https://evil.example", **bearer(people.root)})[2]
assert server.exchange("POST", "/api/gyre/v1/groups", '{"name": "x"}', {"Origin": "https://evil.example", **bearer(people.root)})[0] == 403

# Cookies: not for scripts, not for other sites, and a form has to hold what its page got.
form = {"Content-Type": "application/x-www-form-urlencoded"}
status, _, headers = server.exchange("POST", "/login", "secret=" + people.root, form)
cookie = headers["set-cookie"].split(";")[0]
assert "HttpOnly" in headers["set-cookie"] and "SameSite" in headers["set-cookie"], headers
signed = {"Cookie": cookie}
assert b"user/admin" in server.exchange("GET", "/api/gyre/v1/whoami", None, signed)[1]
assert server.exchange("POST", "/access", "verb=account&name=mallory&kind=user", {**form, **signed})[0] == 403
assert server.exchange("POST", "/api/gyre/v1/groups", '{"name": "x"}', signed)[0] == 403
token = re.search(rb'name="form_token" value="(\w+)"', server.exchange("GET", "/access", None, signed)[1])[1].decode()
assert server.exchange("POST", "/access", f"verb=account&name=henry&kind=user&form_token={token}", {**form, **signed})[0] == 303
assert server.exchange("POST", "/api/gyre/v1/groups", '{"name": "x"}', {**signed, "X-Gyre-Form": token})[0] == 200
assert server.exchange("POST", "/logout", f"form_token={token}", {**form, **signed})[0] == 303
assert server.exchange("GET", "/api/gyre/v1/runs", None, signed)[0] == 401, "a session that was ended"
status, _, headers = server.exchange("POST", "/login", "next=//evil.example&secret=" + people.root, form)
assert headers["location"] == "/gyre/", headers

# Guessing passwords gets slower and slower, and keeps nobody else out.
people.api("POST", "/accounts", {"name": "ivy", "password": "ivy's long password"})
codes = [server.exchange("POST", "/login", "name=ivy&secret=guess" + str(n), form)[0] for n in range(12)]
assert codes[0] == 403 and codes[-1] == 429, codes
assert people.api("GET", "/whoami")["name"] == "user/admin"


def closed(begin, seconds, more=None):
    """Whether the server closes a connection on which a client takes its time."""
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.settimeout(1)
        slow.sendall(begin)
        deadline = time.time() + seconds
        while time.time() < deadline:
            try:
                if more:
                    slow.sendall(more)
                if slow.recv(4096) == b"":
                    return True
            except TimeoutError:
                pass
            except OSError:
                return True
    return False


# Clients that begin and do not go on, that never end their head, that stop in a body.
assert closed(b"", 30) and closed(b"GET / HTTP/1.1\r\nHost: localhost\r\n", 30) and closed(b"GET / HTTP/1.1\r\nHost: localhost\r\n", 30, b"X-A: b\r\n")
assert closed(b"POST /v2/models/x/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{", 30)
assert closed(b"POST /api/gyre/v1/blobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx", 30)


def answered(data):
    with socket.create_connection(("127.0.0.1", server.port)) as one:
        one.settimeout(30)
        try:
            one.sendall(data)
            return one.recv(65536)
        except OSError:
            return b""


# Heads that are too large or have too many fields.
head = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
assert b" 200 " in answered(head + b"\r\n")
assert b" 200 " not in answered(head + b"X-A: " + b"a" * (80 << 10) + b"\r\n\r\n")
assert b" 200 " not in answered(head + b"".join(b"X-%d: a\r\n" % n for n in range(400)) + b"\r\n")
# More connections of one address than there may be: further ones are closed, and when those end others come in.
many = []
for _ in range(200):
    many.append(socket.create_connection(("127.0.0.1", server.port)))
time.sleep(0.5)
alive = 0
for one in many:
    one.settimeout(5)
    try:
        one.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        alive += b" 200 " in one.recv(4096)
    except OSError:
        pass
assert 40 <= alive <= 64, alive
for one in many:
    one.close()
time.sleep(0.5)
assert b" 200 " in answered(head + b"\r\n")
server.stop()

# Floods of HTTP/2 on the port of gRPC: the connection ends, the server goes on.
rpc = free_port()
server = Server(gyre, work, "floods", ["--grpc", f"127.0.0.1:{rpc}"]).start()
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def flood(make, most, address):
    """Sends frames until the server ends the connection; gives how many went out."""
    with socket.create_connection(("127.0.0.1", rpc), source_address=(address, 0)) as one:
        one.settimeout(20)
        one.sendall(PREFACE + frame(4, 0, 0))
        sent = 0
        try:
            while sent < most:
                one.sendall(b"".join(make(n) for n in range(sent, sent + 500)))
                sent += 500
            while one.recv(1 << 16):
                pass
            return sent
        except TimeoutError:
            return None
        except OSError:
            return sent


headers = bytes([0x83, 0x86, 0x44, 1]) + b"/" + bytes([0x41, 1]) + b"a"  # POST, http, :path /, :authority a
floods = {
    "continuation": lambda n: frame(1, 0, 1, headers) if n == 0 else frame(9, 0, 1, b"\x40\x01a\x01b"),
    "reset": lambda n: frame(1, 4, 2 * n + 1, headers) + frame(3, 0, 2 * n + 1, struct.pack(">I", 8)),
    "settings": lambda n: frame(4, 0, 0),
    "ping": lambda n: frame(6, 0, 0, b"12345678"),
    "priority": lambda n: frame(2, 0, 2 * n + 1, b"\0\0\0\0\x10"),
    "empty data": lambda n: frame(1, 4, 1, headers) if n == 0 else frame(0, 0, 1),
}
# Whoever floods gets no other connection for some seconds, so that each comes from an address of its own.
ended = {name: flood(make, 200_000, f"127.0.0.{10 + n}") for n, (name, make) in enumerate(floods.items())}
print(ended)
assert flood(floods["ping"], 1000, "127.0.0.11") == 0, "the address that flooded is shut out"
assert all(ended[name] for name in ["continuation", "reset", "settings", "ping"]), ended
assert server.request("GET", "/health")[0] == 200
server.stop()
