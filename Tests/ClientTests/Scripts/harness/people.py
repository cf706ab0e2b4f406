# SPDX-License-Identifier: Apache-2.0
"""People and programs of a server that asks who calls."""
import re

from server import Server


class People:
    """A server started with --auth, and its first administrator."""

    def __init__(self, gyre, home, name="home", options=()):
        self.server = Server(gyre, home, name, ["--auth", *options])
        self.server.start()
        self.url = self.server.url
        self.root = re.search(r"gyre_[\w-]{32}", open(self.server.home + ".log").read())[0]

    def api(self, method, path, body=None, token=None, workspace=None, status=None):
        """A call of the native API, by the administrator unless another token is given."""
        headers = bearer(token or self.root)
        if workspace:
            headers["X-Gyre-Workspace"] = workspace
        found, answer = self.server.request(method, "/api/gyre/v1" + path, body, headers)
        assert found == (status or found) and (status or 200 <= found < 300), (method, path, found, answer)
        return answer

    def account(self, name, *roles, kind="user", password=None, workspace="default", on=None):
        """Makes an account with roles; gives a token of it."""
        self.api("POST", "/accounts", {"name": name, "kind": kind, "password": password} if password else {"name": name, "kind": kind})
        for role in roles:
            self.give(f"{kind}/{name}", role, workspace, on)
        return self.token(f"{kind}/{name}")

    def give(self, who, role, workspace="default", on=None):
        body = {"principal": who, "role": role, "workspace": workspace}
        self.api("POST", "/roles", body | ({"thing": on} if on else {}))

    def token(self, owner, name="test", **more):
        return self.api("POST", "/tokens", {"name": name, "owner": owner, **more})["secret"]

    def head(self, workspace=None):
        return self.api("GET", "/ledger/head", workspace=workspace)["seq"]


def bearer(token):
    return {"Authorization": "Bearer " + token}
