# SPDX-License-Identifier: Apache-2.0
"""People of a real identity provider (canaille) sign in to the console by OpenID Connect, and programs bring its tokens.

Runs itself again under the Python of an environment with canaille, named as third argument.
"""
import atexit
import base64
import http.cookiejar
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

python = sys.argv[3] if len(sys.argv) > 3 else ""
if not os.path.exists(python):
    sys.exit("no Python with canaille: name it as third argument")

from people import People, bearer
from ports import free_port

gyre, work = sys.argv[1], sys.argv[2]
port = free_port()
issuer = f"http://127.0.0.1:{port}"
canaille = os.path.dirname(python) + "/canaille"
key = subprocess.run([python, "-c", "from joserfc.jwk import RSAKey; import json; print(json.dumps(RSAKey.generate_key(2048, {'kid': 'one'}).as_dict(private=True)))"],
                     stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def configure(*keys):
    open(f"{work}/canaille.toml", "w").write(f'''
SECRET_KEY = "for a test"
SERVER_NAME = "127.0.0.1:{port}"
PREFERRED_URL_SCHEME = "http"
[CANAILLE]
DATABASE = "sql"
JAVASCRIPT = false
HTMX = false
[CANAILLE_SQL]
DATABASE_URI = "sqlite:///{work}/canaille.db"
[CANAILLE_OIDC]
ISSUER = "{issuer}"
REQUIRE_NONCE = false
ACTIVE_JWKS = [{", ".join("{" + ", ".join(f"{n} = {json.dumps(v)}" for n, v in json.loads(k).items()) + "}" for k in keys)}]
''')


environment = {**os.environ, "CANAILLE_CONFIG": f"{work}/canaille.toml"}
environment.pop("PYTHONPATH", None)


def run(*words):
    done = subprocess.run([canaille, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, (words, done.stdout[-500:], done.stderr[-1500:])
    return done.stdout


class Provider:
    def start(self):
        self.process = subprocess.Popen([canaille, "run", "--bind", f"127.0.0.1:{port}"], env=environment, stdout=open(f"{work}/canaille.log", "a"), stderr=subprocess.STDOUT)
        atexit.register(self.process.kill)
        deadline = time.time() + 60
        while True:
            try:
                return json.load(urllib.request.urlopen(issuer + "/.well-known/openid-configuration", timeout=5))
            except OSError:
                assert time.time() < deadline and self.process.poll() is None, open(f"{work}/canaille.log").read()[-1500:]
                time.sleep(0.1)

    def stop(self):
        self.process.kill()
        self.process.wait()


configure(key)
run("install")
for name in ["ann", "bob"]:
    run("create", "user", "--user-name", name, "--password", f"{name}'s long password", "--emails", f"{name}@example.com", "--family-name", name,
        "--formatted-name", name, "--display-name", name)
ann = json.loads(run("get", "user", "--user-name", "ann"))[0]
run("create", "group", "--display-name", "science", "--members", ann["id"])
people = None
provider = Provider()
told = provider.start()
gate = free_port()
people = People(gyre, work, options=["--oidc-issuer", issuer, "--oidc-client", "gyre", "--oidc-audience", "laptop"])
server = people.server
callback = f"{server.url}/login/callback"
for client, uri in [("gyre", callback), ("laptop", "http://127.0.0.1:1/back")]:
    run("create", "client", "--client-id", client, "--client-name", client, "--client-uri", "http://127.0.0.1", "--redirect-uris", uri,
        "--grant-types", "authorization_code", "--response-types", "code", "--scope", "openid profile email groups",
        "--token-endpoint-auth-method", "none")
    run("set", "client", json.loads(run("get", "client", "--client-id", client))[0]["id"], "--audience", client)
people.api("POST", "/groups", {"name": "science"})
people.give("group/science", "writer")


class Browser:
    """A browser that follows what it is told, fills in forms and keeps cookies."""

    def __init__(self, *handlers):
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), *handlers)

    def open(self, url, fields=None):
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        try:
            answer = self.opener.open(urllib.request.Request(url, data, {"Accept": "text/html"}), timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        self.url, self.status, self.page = answer.geturl(), answer.status, answer.read().decode()
        return self

    def fill(self, **fields):
        """Sends the page's form with what it holds and what is filled in."""
        hidden = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', self.page))
        hidden |= {n: v for v, n in re.findall(r'<input[^>]*value="([^"]*)"[^>]*name="([^"]+)"', self.page)}
        return self.open(self.url, {**hidden, **fields})

    def sign_in(self, name, where):
        self.open(where)
        for _ in range(6):
            if not self.url.startswith(issuer):
                return self
            if 'name="login"' in self.page:
                self.fill(login=name)
            elif 'name="password"' in self.page:
                self.fill(password=f"{name}'s long password")
            elif 'name="answer"' in self.page:
                self.fill(answer="accept")
            else:
                raise AssertionError((self.url, self.page[:2000]))
        raise AssertionError(self.url)


# A person of the provider signs in, comes back to the page that was asked for, and has the roles of the groups that the provider says.
browser = Browser().open(f"{server.url}/runs")
assert "/login" in browser.url and "identity provider" in browser.page, browser.url
browser.sign_in("ann", f"{server.url}/login/provider?next=/access")
assert browser.url == f"{server.url}/access" and "user/ann" in browser.page and "write" in browser.page, (browser.url, browser.page[-900:])
facts = people.api("GET", "/ledger?kind=identity.signed-in")["facts"]
assert facts[0]["actor"] == "user/ann", facts
other = Browser().sign_in("bob", f"{server.url}/login/provider")
assert "user/bob" in other.open(f"{server.url}/access").page and other.open(f"{server.url}/runs").status == 403

# Coming back without having been sent, twice, or in another browser.
assert Browser().open(f"{callback}?code=x&state=y").status == 403
sent = server.exchange("GET", "/login/provider")[2]["location"]
state = urllib.parse.parse_qs(urllib.parse.urlparse(sent).query)
assert state["code_challenge_method"] == ["S256"] and state["redirect_uri"] == [callback], state
assert Browser().open(f"{callback}?code=x&state={state['state'][0]}").status == 403, "another browser"


# A program brings a token that the provider made for it.
def token_for(name, client="laptop", uri="http://127.0.0.1:1/back"):
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(__import__("hashlib").sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = urllib.parse.urlencode({"response_type": "code", "client_id": client, "redirect_uri": uri, "scope": "openid profile groups",
                                    "state": "s", "nonce": "n", "code_challenge": challenge, "code_challenge_method": "S256"})
    back = []

    class Back(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, request, fp, code, msg, headers, url):
            if url.startswith(uri):
                back.append(url)
                return None
            return super().redirect_request(request, fp, code, msg, headers, url)

    one = Browser(Back())
    one.open(f"{told['authorization_endpoint']}?{query}")
    for _ in range(6):
        if back:
            break
        if 'name="login"' in one.page:
            one.fill(login=name)
        elif 'name="password"' in one.page:
            one.fill(password=f"{name}'s long password")
        else:
            one.fill(answer="accept")
    code = urllib.parse.parse_qs(urllib.parse.urlparse(back[0]).query)["code"][0]
    data = urllib.parse.urlencode({"grant_type": "authorization_code", "code": code, "redirect_uri": uri, "client_id": client, "code_verifier": verifier})
    return json.load(urllib.request.urlopen(told["token_endpoint"], data.encode()))["id_token"]


good = token_for("ann")
me = server.request("GET", "/api/gyre/v1/whoami", None, bearer(good))[1]
assert me["name"] == "user/ann" and "write" in me["permissions"], me
assert server.request("POST", "/api/2.0/mlflow/experiments/create", {"name": "hers"}, bearer(good))[0] == 200
facts = people.api("GET", "/ledger?kind=tracking.experiment.created&limit=1")["facts"]
assert facts[0]["actor"] == "user/ann", facts
head, body, signature = good.split(".")
claims = json.loads(base64.urlsafe_b64decode(body + "=="))


def signed(claims, head=None, way="RS256"):
    encode = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    script = f"from joserfc import jwt; from joserfc.jwk import RSAKey; import json, sys; print(jwt.encode({{'alg': sys.argv[3], 'kid': 'one'}}, json.loads(sys.argv[2]), RSAKey.import_key(json.loads(sys.argv[1]))))"
    return subprocess.run([python, "-c", script, key, json.dumps(claims), way], stdout=subprocess.PIPE, text=True, check=True).stdout.strip() if head is None else f"{encode(head)}.{encode(claims)}."


found = server.request("GET", "/api/gyre/v1/whoami", None, bearer(signed(claims)))
assert found[0] == 200, (found, claims)
for what, bad in {
    "changed": f"{head}.{base64.urlsafe_b64encode(json.dumps({**claims, 'preferred_username': 'admin'}).encode()).decode().rstrip('=')}.{signature}",
    "signed with the public key as a secret": signed(claims, {"alg": "HS256", "kid": "one"}) + "x" * 43,
    "unsigned": signed(claims, {"alg": "none"}),
    "ended": signed({**claims, "exp": int(time.time()) - 10}),
    "for another": signed({**claims, "aud": ["elsewhere"]}),
    "by another": signed({**claims, "iss": "http://evil.example"}),
    "of the first administrator": signed({**claims, "sub": "somebody", "preferred_username": "admin"}),
    "not yet": signed({**claims, "nbf": int(time.time()) + 3600}),
}.items():
    status, answer = server.request("GET", "/api/gyre/v1/whoami", None, bearer(bad))
    assert status == 401, (what, status, answer)

# While the provider is away whoever is known stays so, and nobody new comes in.
provider.stop()
assert server.request("GET", "/api/gyre/v1/whoami", None, bearer(good))[0] == 200
assert "user/ann" in browser.open(f"{server.url}/access").page
new = signed({**claims, "sub": "nobody yet", "preferred_username": "new"})
assert server.request("GET", "/api/gyre/v1/whoami", None, bearer(new))[0] == 200, "the keys are at hand"
server.stop()
provider.start()
server.start()
assert "user/ann" in browser.open(f"{server.url}/access").page, "sessions outlast a restart"
# Somebody who is disabled here is let in by no provider.
people.api("POST", "/accounts/user/ann", {"disabled": True})
assert server.request("GET", "/api/gyre/v1/runs", None, bearer(good))[0] == 401
assert "/login" in browser.open(f"{server.url}/runs").url
server.stop()
provider.stop()
