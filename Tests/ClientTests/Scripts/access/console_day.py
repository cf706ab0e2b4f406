# SPDX-License-Identifier: Apache-2.0
"""Two people at the console of a server that asks who calls, in a real browser: each signs in, sees what they may, and one approves what the other asks."""
import sys
import time

from browser import Browser
from people import People, bearer

gyre, work = sys.argv[1], sys.argv[2]
people = People(gyre, work)
server = people.server
for name, roles in [("ann", ["operator"]), ("bob", ["operator"]), ("pat", ["predictor"])]:
    people.api("POST", "/accounts", {"name": name, "password": f"{name}'s long password"})
    for role in roles:
        people.give(f"user/{name}", role)
ann = people.token("user/ann")
for path, body in [("registered-models/create", {"name": "delay"}), ("model-versions/create", {"name": "delay", "source": "s3://bucket/model"})]:
    assert server.request("POST", f"/api/2.0/mlflow/{path}", body, bearer(ann))[0] == 200, path
people.api("POST", "/approval-rules", {"action": "alias", "subject": "model/delay"})
status, answer = server.request("POST", "/api/2.0/mlflow/registered-models/alias", {"name": "delay", "alias": "champion", "version": "1"}, bearer(ann))
assert status == 409 and "approval 1" in answer["message"], answer


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, name, width):
        self.browser = Browser(f"{work}/chromium-{name}")
        self.tab = self.browser.open(server.url + "/", width).wait()
        assert self.tab.ask("location.pathname") == "/login", self.tab.ask("location.href")
        self.send({"name": name, "secret": f"{name}'s long password"}, "Sign in")

    def settle(self):
        """Until the page that a form led to is there."""
        deadline = time.time() + 60
        while self.tab.ask("document.readyState + (window.left ?? '')") != "complete":
            assert time.time() < deadline
            self.browser.watch(0.1)
        return self

    def go(self, path):
        self.tab.ask(f"window.left = 'left'; location.href = {path!r}; 1")
        return self.settle()

    def send(self, fields, button):
        """Fills in the form that has the button, as a person does, and presses it."""
        self.tab.ask(f"""(() => {{
          const button = [...document.querySelectorAll("button")].find(b => b.textContent.trim() === {button!r});
          const form = button.form;
          for (const [name, value] of Object.entries({fields!r})) form.elements[name].value = value;
          window.left = "left";
          form.requestSubmit(button);
        }})()""")
        return self.settle()

    @property
    def text(self):
        return self.tab.ask("document.body.innerText")

    def close(self):
        self.browser.watch(2)
        assert not [error for error in self.tab.errors if "403" not in error], self.tab.errors
        assert self.tab.ask("document.documentElement.scrollWidth <= innerWidth + 1"), "the page is wider than the window"
        self.browser.close()


first, second = Person("ann", 1200), Person("bob", 420)
assert "alias" in first.text and "Waits for somebody" in first.text, first.text
# The author does not approve; what was typed is told why.
first.go("/approvals").send({"reason": "mine"}, "Yes, approve")
assert "does not approve it" in first.text, first.text
first.go("/access")
assert "user/ann" in first.text and "operate" in first.text and "Users and service accounts" not in first.text
first.send({"name": "laptop", "days": "7"}, "Make a token")
secret = first.tab.ask("document.querySelector('pre').innerText").strip()
assert server.request("GET", "/api/gyre/v1/whoami", None, bearer(secret))[1]["name"] == "user/ann"
second.go("/approvals").send({"reason": "the figures are better"}, "Yes, approve")
assert "approved" in second.text and "Nothing waits for anybody" in second.text, second.text
found = people.api("GET", "/models/delay")["aliases"]
assert found == {"champion": 1}, found
fact = next(f for f in people.api("GET", "/ledger?kind=registry.alias.set")["facts"])
assert fact["actor"] == "user/ann" and fact["body"]["caller"]["approval"] == "approval/1", fact
# Somebody who may only ask models sees no runs and no ledger.
third = Person("pat", 1200)
third.go("/ledger")
assert "may not do that" in third.text, third.text
assert "predict" in third.go("/access").text
for person in [first, second]:
    person.go("/access").send({}, "Sign out")
    assert person.tab.ask("location.pathname") == "/login"
    person.go("/models")
    assert person.tab.ask("location.pathname") == "/login"
    person.close()
third.close()
server.stop()
