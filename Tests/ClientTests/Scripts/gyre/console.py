# SPDX-License-Identifier: Apache-2.0
"""The console's pages: well-formed, escaped, linked, and looked at in a real browser. Screenshots go to .gyre/screenshots."""
import html.parser
import http.client
import json
import os
import sys
import threading
import time
import urllib.parse

import mlflow
from browser import Browser
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
        if tag == "input" and attributes.get("type") != "hidden":
            assert "label" in self.open, "an input without a label"
        if tag == "th":
            assert attributes.get("scope") == "col"

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        self.text += data


def look(path, status=200):
    found, content, _ = server.exchange("GET", path, headers={"Accept": "text/html"})
    assert found == status, (path, found, content[:300])
    assert len(content) < 100_000, (path, len(content))
    page = Page(content.decode())
    assert page.headings.count(1) == 1 and page.headings == sorted(page.headings, key=lambda h: h > 1), (path, page.headings)
    return page


# Empty, every page says so instead of showing nothing.
for path in ["/", "/runs", "/traces", "/models", "/logged-models", "/prompts", "/endpoints", "/pipelines", "/data", "/lineage", "/ledger"]:
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
for file in ["gyre.css", "gyre.js", "uplot.min.js", "uplot.min.css"]:
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

# The home page is a page for all but those that name JSON, and KServe's client, which takes anything.
for headers, kind in [
    ({}, "text/html"), ({"Accept": "*/*"}, "text/html"), ({"Accept": "*/*", "HX-Request": "true"}, "text/html"),
    ({"Accept": "text/html,application/json;q=0.9"}, "text/html"), ({"Accept": "application/json"}, "application/json"),
    ({"Accept": "*/*", "User-Agent": "python-httpx/0.28.1"}, "application/json"),
]:
    assert server.exchange("GET", "/", headers=headers)[2]["content-type"].startswith(kind), headers

# A home that has everything: many metrics, tiny numbers, long names, prompts, traces, logged models, failed checks, a small canary.
long = "a-name-that-has-no-end-" * 6
client = mlflow.MlflowClient()
many = []
for number in range(10):
    with mlflow.start_run(run_name=f"{long}{number}" if number == 3 else f"many {number}") as made:
        many.append(made.info.run_id)
        mlflow.log_params({"rate": 1e-7 * (number + 1), "same": 1, f"p-{long}"[:200]: "v" * 400})
        for step in range(3):
            mlflow.log_metrics({"tiny": 3e-7 + number * 1e-9, "same": 0.5, **{f"m{i:02d}": i + step / 7 for i in range(32)}}, step=step)
page = look(f"/runs/{many[0]}")
assert "Further metrics" in page.text and "3e-7" in page.text, page.text
page = look("/compare?" + "&".join(f"id={run}" for run in many))
assert "Differences of 10 runs" in page.text and all(f"many {i}" in page.text for i in range(10) if i != 3), page.text
assert "3.09e-7" in page.text and "same" not in page.text.split("Differences of")[1], page.text
open(f"{work}/a.csv", "w").write("id\n1\n1\n")
server.run("data", "add", f"{work}/a.csv", "--name", "d")
suite = {"name": "s", "expectations": [{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}}]}
json.dump(suite, open(f"{work}/suite.json", "w"))
server.run("check", f"{work}/suite.json", "d", status=1)

from mlflow.entities import AssessmentSource
from sklearn.linear_model import LogisticRegression

first = mlflow.genai.register_prompt("greeting", "Say hello to {{ name }}.", commit_message="first")
mlflow.genai.register_prompt("greeting", [{"role": "system", "content": "Be <b>kind</b>."}, {"role": "user", "content": "{{ ask }}"}])
mlflow.genai.set_prompt_alias("greeting", "live", 2)


@mlflow.trace(name="look up", span_type="RETRIEVER")
def look_up(words):
    return [{"text": words, "score": 3e-7}]


@mlflow.trace(name="answer", span_type="CHAIN")
def answer(question):
    if question == "no":
        raise ValueError("it was <i>not</i> to be")
    return {"answer": question.upper(), "found": look_up(question)}


mlflow.set_experiment("talk")
experiment = mlflow.get_experiment_by_name("talk").experiment_id
with mlflow.start_run(run_name="evaluation", tags={"mlflow.runType": "genai_evaluate"}) as evaluation:
    answer("yes")
traced = mlflow.get_last_active_trace_id()
try:
    answer("no")
except ValueError:
    pass
mlflow.flush_trace_async_logging()
mlflow.log_feedback(trace_id=traced, name="kind", value=0.00003, rationale="it said so", source=AssessmentSource("HUMAN", "kim"))
with mlflow.start_run() as forest:
    logged = mlflow.sklearn.log_model(
        LogisticRegression().fit([[0.0, 1.0], [1.0, 0.0]], [0, 1]), name="wood", registered_model_name="sk", input_example=[[0.0, 1.0]])
    mlflow.log_metric("auc", 3e-7, model_id=logged.model_id)
server.api("POST", "/endpoints/m/unfreeze", {}) if "Unfreeze" in look("/endpoints/m").text else None
server.api("POST", "/endpoints/five/deploy", {"model": "m", "version": "1"})
server.api("POST", "/endpoints/five/deploy", {"model": "m", "version": "2", "strategy": "canary"})
server.api("POST", "/endpoints/five/traffic", {"canary_percent": 5, "reason": "a comparison"})
page = look("/endpoints/five")
assert "version 1 · 95 %" in page.text and "canary: version 2 · 5 %" in page.text, page.text
page = look(f"/traces/{traced}")
assert "look up" in page.text and "YES" in page.text and "it said so" in page.text and "3e-5" in page.text, page.text
page = look("/prompts/greeting")
assert "Say hello to {{ name }}." in page.text and "Be <b>kind</b>." in page.text and "@live" in page.text, page.text
assert "Traces" in look(f"/runs/{evaluation.info.run_id}").text
assert "sk" in look("/models").text and "greeting" not in look("/prompts/greeting").headings
look("/models/sk/1")
look(f"/logged-models/{logged.model_id}")
look("/prompts/nothing", status=404)
look("/traces/nothing", status=404)

# Where links of MLflow's client lead.
for address, place in {
    f"/experiments/{experiment}": f"/runs?experiment={experiment}",
    f"/experiments/{experiment}/runs/{many[0]}?workspace=x": f"/runs/{many[0]}",
    f"/experiments/{experiment}/evaluation-runs?selectedRunUuid={evaluation.info.run_id}": f"/runs/{evaluation.info.run_id}",
    f"/experiments/{experiment}/traces?selectedEvaluationId={traced}": f"/traces/{traced}",
    f"/experiments/{experiment}/models/{logged.model_id}": f"/logged-models/{logged.model_id}",
    "/prompts/greeting": "/prompts/greeting", "/models/sk/versions/1": "/models/sk/1",
}.items():
    found, _, headers = server.exchange("GET", "/mlflow?address=" + urllib.parse.quote(address, safe=""))
    assert found == 303 and headers["location"] == place, (address, headers)
    look(place)

# Points that are logged between the history and the stream are told by the stream, which begins where the history ended.
mlflow.set_experiment("Default")
live = client.create_run("0", run_name="live").info.run_id
for step in range(30):
    client.log_batch(live, [mlflow.entities.Metric(f"m{i:02d}", step * 1e-7, 1000 + step, step) for i in range(32)])
cursor = server.api("GET", f"/runs/{live}/history?points=10&metric=m00")["cursor"]
for step in range(30, 40):
    client.log_batch(live, [mlflow.entities.Metric("m00", step * 1e-7, 1000 + step, step)])
connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
connection.request("GET", f"/api/gyre/v1/runs/{live}/events?" + urllib.parse.urlencode({"after": cursor}))
stream, told = connection.getresponse(), []
while len(told) < 10:
    line = stream.fp.readline().decode() if stream.chunked is False else stream.readline().decode()
    if line.startswith("data: "):
        told += json.loads(line[6:])["points"]
assert [point[0] for point in told] == list(range(30, 40)), told
connection.close()
assert server.request("GET", f"/api/gyre/v1/runs/{live}/events?after=nonsense")[0] == 400

# Every page for ten seconds in a real browser, wide and narrow, while a run logs.
isOver = threading.Event()


def keep_logging():
    step = 40
    while not isOver.is_set():
        names = [f"m{i:02d}" for i in range(32)] + (["a new one"] if step > 50 else [])
        client.log_batch(live, [mlflow.entities.Metric(name, step * 1e-7, 1000 + step, step) for name in names])
        step += 1
        isOver.wait(0.2)


logger = threading.Thread(target=keep_logging, daemon=True)
logger.start()
pages = [
    "/", "/runs", f"/runs/{live}", f"/runs/{many[3]}", "/compare?" + "&".join(f"id={r}" for r in many), "/traces", f"/traces/{traced}", "/models", "/models/m",
    "/models/sk/1", "/models/m/1", "/logged-models", f"/logged-models/{logged.model_id}", "/prompts", "/prompts/greeting", "/endpoints", "/endpoints/five",
    "/endpoints/m", "/pipelines", "/data", "/data/d", f"/lineage?ref=release/m@1", "/ledger", f"/runs/{evaluation.info.run_id}", "/nowhere",
]
shots = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../.gyre/screenshots")
os.makedirs(shots, exist_ok=True)
FACTS = """({
  width: document.documentElement.scrollWidth, client: document.documentElement.clientWidth,
  text: document.querySelector("main")?.textContent.length ?? 0, heading: document.querySelector("h1")?.textContent ?? "",
  canvases: document.querySelectorAll("canvas").length, figures: document.querySelectorAll("figure.curve").length,
  focus: document.activeElement?.id || document.activeElement?.name || document.activeElement?.getAttribute("href") || "",
  value: document.activeElement?.value ?? "", selected: document.activeElement?.selectionEnd ?? null,
  scrolled: document.querySelector(".scroll")?.scrollTop ?? 0, hasNotice: !!document.querySelector("#notice") })"""
for width in [1400, 420]:
    browser = Browser(f"{work}/chromium-{width}")
    for start in range(0, len(pages), 9):
        tabs = [(path, browser.open(server.url + path, width)) for path in pages[start:start + 9]]
        for path, tab in tabs:
            tab.wait()
        before = {}
        for path, tab in tabs:
            if path == "/":
                tab.ask("document.querySelector('main a').focus()")
            elif path == "/endpoints/five":
                tab.ask("document.querySelector('input[name=reason]').focus()")
                tab.type("half a rea")
                tab.ask("document.querySelector('input[name=reason]').setSelectionRange(2, 4)")
            before[path] = tab.ask(FACTS)
        browser.watch(10)
        for path, tab in tabs:
            after = tab.ask(FACTS)
            where = (path, width, before[path], after, tab.errors)
            errors = [e for e in tab.errors if path != "/nowhere"]
            assert not errors, where
            assert after["text"] > 20 and after["heading"] == before[path]["heading"] and not after["hasNotice"], where
            assert after["width"] <= after["client"], where
            assert tab.loads <= 2, (tab.loads, where)
            assert (after["focus"], after["value"], after["selected"]) == tuple(before[path][k] for k in ["focus", "value", "selected"]), where
            if path == "/endpoints/five":
                assert after["value"] == "half a rea" and after["selected"] == 4, where
            if path == f"/runs/{live}":
                assert after["canvases"] == after["figures"] >= 24 and tab.requests < 120, (tab.requests, where)
                assert tab.ask("document.querySelector('figure[data-metric=\"a new one\"]') !== null"), where
                steps = tab.ask("document.querySelector('figure[data-metric=m00]').dataset.points")
                assert int(steps) >= 60, steps
            name = path.strip("/").replace("/", "-").split("?")[0] or "home"
            tab.picture(f"{shots}/{name[:40]}-{width}.png")
            tab.close()
    if width == 1400:
        # The frame that mlflow's client puts into notebooks.
        from mlflow.tracing.display.display_handler import _get_query_string_for_traces
        trace = mlflow.get_trace(traced)
        frame = browser.open(f"{server.url}/static-files/lib/notebook-trace-renderer/index.html?{_get_query_string_for_traces([trace])}&version=3", width).wait()
        frame.until("document.body.innerText.includes('look up') || document.body.innerText.includes('answer')")
        assert not frame.errors, frame.errors
        frame.picture(f"{shots}/frame.png")
        # A printed link ends on the trace's own page.
        link = browser.open(f"{server.url}/#/experiments/{experiment}/traces?selectedEvaluationId={traced}", width).wait()
        link.until(f"location.pathname === '/traces/{traced}' && document.querySelector('h1')?.textContent === 'answer'")
    else:
        # When the run ends, its page says so without being loaded again, and no point is missing from its curves.
        tab = browser.open(f"{server.url}/runs/{live}", width).wait()
        tab.until("document.querySelectorAll('canvas').length >= 24")
        isOver.set()
        logger.join()
        client.set_terminated(live)
        tab.until("!document.querySelector('[data-live]')")
        count = len(client.get_metric_history(live, "m00"))
        tab.until(f"document.querySelector('figure[data-metric=m00]').dataset.points === '{count}'")
        assert tab.loads <= 2 and not tab.errors, (tab.loads, tab.errors)
    browser.close()
assert server.exchange("GET", "/static-files/..%2f..%2f..%2f__init__.py")[0] == 400
assert server.exchange("GET", "/static-files/none.js")[0] == 404

# Dark, too.
browser = Browser(f"{work}/chromium-dark", "--force-dark-mode", "--blink-settings=preferredColorScheme=0")
for name, path in [("home", "/"), ("run", f"/runs/{run.info.run_id}"), ("endpoint", "/endpoints/five"), ("lineage", "/lineage?ref=release/m@1")]:
    tab = browser.open(server.url + path, 1200).wait()
    tab.picture(f"{shots}/{name}-dark.png")
    assert os.path.getsize(f"{shots}/{name}-dark.png") > 8000, name
browser.close()
server.stop()
print("console: all done")
