# SPDX-License-Identifier: Apache-2.0
"""Every address with every role, a stranger, and somebody who may do something with one thing alone.

Each is let in or refused as the table of routes says, in the dialect's own form, and a call that is refused changes nothing.
"""
import re
import subprocess
import sys
import time

from people import People, bearer

people = People(sys.argv[1], sys.argv[2])
server = people.server
roles = {
    "predictor": {"predict"}, "reader": {"read", "predict"}, "writer": {"read", "predict", "write"},
    "operator": {"read", "predict", "write", "operate"}, "runner": {"read", "predict", "write", "run_code"},
    "administrator": {"read", "predict", "write", "operate", "run_code", "administer"},
}
tokens = {role: people.account("is-" + role, role) for role in roles}
tokens["nobody"] = people.account("is-nobody")
roles["nobody"] = set()
# A token that may do less than its owner.
tokens["narrow"] = people.token("user/is-administrator", "narrow", scope=["predict"])
roles["narrow"] = {"predict"}

routes = people.api("GET", "/routes")["routes"]
assert len(routes) > 300, len(routes)
# What would end the walk itself, or wait for seconds each time.
left_out = {("DELETE", "/api/gyre/v1/tokens/{id}"), ("POST", "/logout"), ("GET", "/api/gyre/v1/runs/{id}/events"),
            ("GET", "/api/v1/workflow-events/{namespace}"), ("GET", "/api/v1/workflow-events/"), ("GET", "/api/v1/stream/events/{namespace}")}


def form(path, status, answer):
    """Whether a refusal has the form of its dialect."""
    if path.startswith(("/api/2.0/", "/api/3.0/", "/ajax-api/", "/get-artifact", "/model-versions/")):
        return isinstance(answer, dict) and answer["error_code"] == {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}[status]
    if path.startswith("/api/gyre/v1/"):
        return isinstance(answer, dict) and "error" in answer or "message" in answer
    if path.startswith("/api/v1/"):
        return isinstance(answer, dict) and answer["code"] == {401: 16, 403: 7}[status] and answer["message"]
    if path.startswith(("/v2", "/v1/models")):
        return isinstance(answer, dict) and "error" in answer
    return True


wrong, counts = [], {}
bodies = {"POST": b"{}", "PUT": b"{}", "PATCH": b"{}", "DELETE": b"{}"}
before = time.time()
for who in ["stranger", "bad token", *roles]:
    headers = {} if who == "stranger" else bearer("gyre_" + "x" * 32) if who == "bad token" else bearer(tokens[who])
    head = people.head()
    for route in routes:
        method, needs = route["method"], set(route["permissions"])
        if (method, route["path"]) in left_out:
            continue
        path = re.sub(r"\{(\w+)\.\.\.\}", r"x/y", re.sub(r"\{(\w+)\}", "x", route["path"]))
        needed = re.split("; ", route["needs"])
        every = set().union(*[set(re.findall(r"read|predict|write|operate|run_code|administer|manage", re.sub(r" on .*|, lists.*", "", n))) for n in needed])
        lists = ", lists what may be seen" in route["needs"]
        status, answer = server.request(method, path, bodies.get(method), headers)
        if who == "bad token" or (who == "stranger" and route["needs"] != "nothing"):
            expected = {401}
        elif who == "stranger" or route["needs"] in ("nothing", "signed in"):
            expected = None
        elif lists and roles[who]:
            expected = None
        elif every <= roles[who]:
            expected = None
        else:
            expected = {403}
        # An operation of its own may say 403 too, such as manifests that name files.
        # A page asks for what it shows as whoever looks at it, and is refused what they are refused.
        is_page = route["needs"] == "signed in" and not path.startswith("/api/")
        fits = status in expected if expected else is_page or not (status == 401 or (status == 403 and "permission to" in str(answer)))
        if not fits or (expected and not form(path, status, answer)) or status >= 500 and status not in (501, 503):
            wrong.append((who, method, path, route["needs"], status, str(answer)[:200]))
        counts[who, "refused" if expected else "let in"] = counts.get((who, "refused" if expected else "let in"), 0) + 1
    if who in ("stranger", "bad token", "nobody"):
        # Signing in and refusing are told of in facts of their own.
        facts = people.api("GET", f"/ledger?after={head}")["facts"]
        assert all(f["kind"] == "identity.calls.refused" for f in facts), facts
for entry in wrong[:40]:
    print(entry)
assert not wrong, len(wrong)
print(counts, f"{time.time() - before:.0f} s")

# The document in the repository is what the server says.
document = subprocess.run([sys.argv[1], "routes", "--markdown"], env=server.environment, stdout=subprocess.PIPE, text=True, check=True).stdout
kept = open(__file__.split("/Tests/")[0] + "/Docs/routes.md").read()
assert document == kept, "Docs/routes.md is not what gyre routes --markdown prints"
refusals = people.api("GET", "/refusals")
assert refusals["counts"]["unauthenticated"] > 500 and len(refusals["refusals"]) == 100
server.stop()
