# SPDX-License-Identifier: Apache-2.0
"""The console's pages: well-formed, escaped, linked, and looked at in a real browser. Screenshots go to .gyre/screenshots."""
import html.parser
import os
import subprocess
import sys
import urllib.parse

import mlflow
from server import Server, onnx_model

server = Server(sys.argv[1], sys.argv[2]).start()
work = sys.argv[2]
VOID = {"meta", "link", "input", "br"}


class Page(html.parser.HTMLParser):
    """Checks that elements nest, and collects what pages promise."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.headings, self.text = [], [], [], ""
        self.feed(text)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(attributes["href"])
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))
        if tag == "input":
            assert "label" in self.open, "an input without a label"
        if tag == "th":
            assert attributes.get("scope") == "col"

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        self.text += data


def look(path, status=200):
    found, content = server.request("GET", path)
    assert found == status, (path, found, content[:300])
    assert len(content) < 100_000, (path, len(content))
    page = Page(content.decode())
    assert page.headings.count(1) == 1 and page.headings == sorted(page.headings, key=lambda h: h > 1), (path, page.headings)
    return page


# Empty, every page says so instead of showing nothing.
for path in ["/", "/runs", "/models", "/endpoints", "/pipelines", "/data", "/lineage", "/ledger"]:
    look(path)
assert "Nothing is served yet" in look("/").text

# Names that would be markup are text.
mlflow.set_tracking_uri(server.url)
evil = "<script>alert(1)</script> & \"quotes\""
with mlflow.start_run(run_name=evil) as run:
    mlflow.log_param("evil", evil)
    for step in range(50):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
_, graph = onnx_model(None)
mlflow.onnx.log_model(graph, name="model", registered_model_name="m", metadata={"features": ["a", "b", "c"]})
server.api("POST", "/endpoints/m/deploy", {"version": "1"})
open(f"{work}/a.csv", "w").write("id\n1\n")
server.run("data", "add", f"{work}/a.csv", "--name", "d")
page = look(f"/runs/{run.info.run_id}")
assert evil in page.text and "loss: from 1 to 0.02" in page.text, page.text
status, content = server.request("GET", "/runs")
assert b"<script>alert" not in content

# Every link of every page leads somewhere.
seen, waiting = set(), ["/"]
while waiting:
    path = waiting.pop()
    if path in seen or not path.startswith("/") or path.startswith("/api/") or len(seen) > 120:
        continue
    seen.add(path)
    waiting += look(path).links
assert any(p.startswith("/endpoints/") for p in seen) and any(p.startswith("/lineage?ref=") for p in seen), seen
look("/models/nothing", status=404)
for file in ["gyre.css", "gyre.js", "htmx.min.js", "uplot.min.js", "uplot.min.css"]:
    assert server.request("GET", f"/static/{file}")[0] == 200, file
assert server.request("GET", "/static/..%2f..%2fgyre.db")[0] == 404

# A person's word from the endpoint's page: the form says why, the ledger who.
def press(verb, status=303, **fields):
    body = urllib.parse.urlencode({"verb": verb, "reason": "seen in <b>the console</b>", **fields})
    found, _, headers = server.exchange("POST", "/endpoints/m", body, {"Content-Type": "application/x-www-form-urlencoded", "Origin": server.url})
    assert found == status, (verb, found)
    return headers


mlflow.onnx.log_model(graph, name="model", registered_model_name="m", metadata={"features": ["a", "b", "c"]})
assert "Freeze the traffic" in look("/endpoints/m").text and "Promote" not in look("/endpoints/m").text
server.api("POST", "/endpoints/m/deploy", {"version": "2", "strategy": "shadow"})
page = look("/endpoints/m")
assert "Promote the canary" in page.text and "Pause the rollout" in page.text and "mirrored" in page.text, page.text
assert press("pause")["location"] == "/endpoints/m"
assert "Let the rollout go on" in look("/endpoints/m").text
server.api("POST", "/endpoints/m/rules", {"rules": [{"attribute": "<i>", "values": ["x"]}]})
press("freeze", hours="2")
page = look("/endpoints/m")
assert "seen in <b>the console</b>" in page.text and "Unfreeze" in page.text and "<i>" in page.text, page.text
press("promote", status=409)
press("unfreeze")
press("abort")
press("abort", status=409)
press("nonsense", status=400)
assert server.exchange("POST", "/endpoints/m", "verb=freeze", {"Origin": "http://elsewhere.example"})[0] == 403
server.api("POST", "/endpoints/m/bandit", {"versions": ["2"]})
assert "thompson chooses" in look("/endpoints/m").text
fact = [fact for fact in server.api("GET", "/ledger?limit=200")["facts"] if fact["kind"] == "rollout.endpoint.frozen"][0]
assert fact["actor"] == "console" and fact["body"]["reason"] == "seen in <b>the console</b>", fact
page = look("/endpoints")
assert "onnxruntime_onnx" in page.text and "No graph is applied" in page.text, page.text

# Looked at, light and dark.
shots = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../.gyre/screenshots")
os.makedirs(shots, exist_ok=True)
for name, path in [("home", "/"), ("run", f"/runs/{run.info.run_id}"), ("endpoint", "/endpoints/m"), ("lineage", "/lineage?ref=release/m@1")]:
    for mode in ["light", "dark"]:
        picture = f"{shots}/{name}-{mode}.png"
        if os.path.exists(picture):
            os.remove(picture)
        dark = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if mode == "dark" else []
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,900", *dark,
             f"--user-data-dir={work}/chromium", f"--screenshot={picture}", server.url + path],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=90)
        assert os.path.getsize(picture) > 8000, picture
dom = subprocess.run(
    ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={work}/chromium", "--virtual-time-budget=3000", "--dump-dom",
     f"{server.url}/runs/{run.info.run_id}"], capture_output=True, text=True, timeout=90).stdout
assert "uplot" in dom and "<canvas" in dom, "the curves did not come alive"
server.stop()
print("console: all done")
