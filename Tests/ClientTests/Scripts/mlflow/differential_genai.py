# SPDX-License-Identifier: Apache-2.0
"""Traces, assessments, sessions, evaluation datasets, scorers, issues; what is beside them (MCP servers, workspaces)."""
import json
import os
import time

from differential_harness import step
from differential_tracking import PAST

NANO = 1_000_000


def traced(t, experiment, name, start=0, duration=100, status="OK", tags=None, children=(), run=None, inputs=None, attributes=None,
    kind="CHAIN"):
    """A trace with known times; its id."""
    c = t.client
    began = (PAST + start) * NANO
    root = c.start_trace(name, kind, inputs or {"q": name}, attributes, tags, experiment, began, run)
    key = root.trace_id
    for index, (child, child_kind, given) in enumerate(children):
        span = c.start_span(child, key, root.span_id, child_kind, {"in": index}, given, began + index * NANO)
        c.end_span(key, span.span_id, {"out": index}, {"at end": True}, "ERROR" if child == "bad" else "OK", began + (index + 2) * NANO)
    c.end_trace(key, {"a": f"answer to {name}"}, {"k": 1}, status, began + duration * NANO)
    return key


def another_millisecond():
    """Waits until the clock shows another millisecond: traces of the same one have no order among themselves."""
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 <= now + 1:
        time.sleep(0.001)


@step
def traces(t):
    c = t.client
    e = c.create_experiment("traces")
    key = traced(t, e, "first", tags={"user tag": "x"}, children=[("look", "RETRIEVER", {"n": 1}), ("bad", "LLM", {"text": "ü", "list": [1,
        {"a": None}]})])
    failed = traced(t, e, "failed", 10, status="ERROR")
    c.get_trace(key)
    c.get_trace(failed)
    c.get_trace("tr-" + "0" * 32)
    t.fluent.get_trace(key)
    t.fluent.get_trace("tr-" + "0" * 32)
    c.set_trace_tag(key, "k", "v")
    c.set_trace_tag(key, "k", "w")
    c.set_trace_tag(key, "x" * 251, "w")
    c.set_trace_tag(key, "long", "w" * 8001)
    c.set_trace_tag(key, "mlflow.user", "w")
    c.set_trace_tag("tr-" + "0" * 32, "k", "v")
    t.fluent.set_trace_tag(key, "fluent", "1")
    t.fluent.delete_trace_tag(key, "fluent")
    c.delete_trace_tag(key, "k")
    c.delete_trace_tag(key, "k")
    c.delete_trace_tag("tr-" + "0" * 32, "k")
    c.get_trace(key)
    c.search_traces([e])
    c.search_traces([e], include_spans=False)
    for path, version in [(f"traces/{key}", "3.0"), (f"traces/{key}/info", "2.0"), ("traces/" + "tr-" + "0" * 32, "3.0"),
        ("traces/" + "tr-" + "0" * 32 + "/info", "2.0")]:
        t.get(path, version)
    t.get("traces/get", "3.0", trace_id=key)
    t.get("traces/get", "3.0", trace_id=key, allow_partial="false")
    t.get("traces/get", "3.0", trace_id="tr-" + "0" * 32)
    t.get("traces/get", "3.0")
    t.get("traces/batchGet", "3.0", trace_ids=[key, failed])
    t.get("traces/batchGet", "3.0", trace_ids=[key, "tr-" + "0" * 32])
    t.get("traces/batchGet", "3.0")
    t.post3("traces/batchGetInfos", {"trace_ids": [key, failed, "tr-" + "0" * 32]})
    t.post3("traces/search", {"locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": e}}], "max_results": 1})
    t.post3("traces/search", {"locations": []})
    t.post3("traces/search", {})
    t.get("traces", experiment_ids=e, max_results=5)
    t.get("traces")


@step
def trace_life(t):
    c = t.client
    e = c.create_experiment("trace life")
    keys = [traced(t, e, f"t{i}", i * 1000) for i in range(6)]
    c.delete_traces(e, trace_ids=[keys[0], "tr-" + "0" * 32])
    c.delete_traces(e, max_timestamp_millis=PAST + 2000, max_traces=1)
    c.delete_traces(e, max_timestamp_millis=PAST + 3500)
    c.delete_traces(e)
    c.delete_traces(e, max_traces=1)
    c.delete_traces(e, max_timestamp_millis=PAST, trace_ids=[keys[5]])
    c.delete_traces("99999", max_timestamp_millis=PAST)
    c.search_traces([e], order_by=["timestamp ASC"])
    t.post3("traces/delete-traces", {"experiment_id": e, "request_ids": [keys[4]]})
    t.post("traces/delete-traces", {"experiment_id": e, "max_timestamp_millis": str(PAST * 2)})
    t.post("traces/delete-traces", {"experiment_id": e})
    t.post("traces/delete-traces", {"max_timestamp_millis": 5})
    c.search_traces([e])
    c.get_trace(keys[5])


@step
def trace_links(t):
    c = t.client
    e = c.create_experiment("trace links")
    run = c.create_run(e, PAST, run_name="r").info.run_id
    inside = traced(t, e, "inside", run=run)
    other = traced(t, e, "other", 5)
    c.search_traces([e], "", run_id=run)
    c.link_traces_to_run([other], run)
    c.link_traces_to_run([other], run)
    c.search_traces([e], "", run_id=run, order_by=["timestamp ASC"])
    c.link_traces_to_run([], run)
    c.link_traces_to_run(["tr-" + "0" * 32], run)
    c.link_traces_to_run([other], "0" * 32)
    c.link_traces_to_run([f"tr-{i:032d}" for i in range(101)], run)
    c.unlink_traces_from_run([other], run)
    c.unlink_traces_from_run([other], run)
    c.search_traces([e], "", run_id=run)
    one = c.register_prompt("in-trace", "Hello {{name}}")
    c.link_prompt_versions_to_trace([one], inside)
    c.get_trace(inside)
    c.search_traces([e], "prompt = 'in-trace/1'")
    c.search_traces([e], "prompt = 'in-trace/2'")
    t.post("traces/link-prompts", {"trace_id": other, "prompt_versions": [{"name": "in-trace", "version": "1"}]})
    t.post("traces/link-prompts", {"trace_id": "tr-" + "0" * 32, "prompt_versions": [{"name": "in-trace", "version": "1"}]})
    t.post("traces/link-prompts", {"prompt_versions": []})
    c.get_trace(other)
    model = c.create_logged_model(e, "m").model_id
    c.search_traces([e], model_id=model)


@step
def fluent_traces(t):
    import mlflow
    f = t.fluent
    e = f.set_experiment("fluent traces").experiment_id

    @mlflow.trace(span_type="TOOL", attributes={"x": 1})
    def tool(a, b=2):
        f.update_current_trace(tags={"in": "side"}, metadata={"meta": "data"}, client_request_id="req-1", request_preview="ask",
            response_preview="told")
        return a + b

    @mlflow.trace
    def breaks():
        raise ValueError("on purpose")

    tool(1)
    another_millisecond()
    try:
        breaks()
    except ValueError:
        pass
    another_millisecond()
    with f.start_span("outer", span_type="AGENT") as span:
        span.set_inputs({"q": 1})
        with mlflow.start_span("inner") as inner:
            inner.set_attributes({"a": 1.5, "n": None, "t": True, "d": {"x": [1]}})
            inner.add_event(mlflow.entities.SpanEvent("event", timestamp=PAST * NANO, attributes={"k": "v"}))
            f.get_current_active_span()
            t.note("active", f.get_active_trace_id() == span.trace_id)
        span.set_outputs("done")
    t.note("last", f.get_last_active_trace_id() == span.trace_id)
    span = f.start_span_no_context("loose", tags={"z": "1"}, start_time_ns=PAST * NANO)
    span.end(end_time_ns=PAST * NANO + NANO)
    f.log_trace("logged", {"q": 1}, {"a": 2}, tags={"l": "1"}, start_time_ms=PAST + 50, execution_time_ms=7)
    another_millisecond()
    with f.start_run(run_name="traced run"):
        tool(5)
    f.flush_trace_async_logging()
    found = f.search_traces([e], return_type="list", order_by=["timestamp_ms ASC"])
    t.note("previews", sorted((str(v.info.request_preview), str(v.info.response_preview), str(v.info.client_request_id),
        v.info.state.name) for v in found))
    t.note("spans", sorted((s.name, s.span_type, s.status.status_code.name, str(s.inputs), str(s.outputs),
        len(s.events)) for v in found for s in v.data.spans))
    frame = f.search_traces(locations=[e], filter_string="name = 'logged'")
    t.note("columns", sorted(frame.columns))
    f.search_traces([e], "tags.`in` = 'side'", max_results=1, include_spans=False, return_type="list")
    f.add_trace(found[0])
    f.search_traces(["99999"], return_type="list")


@step
def sessions(t):
    import mlflow
    f = t.fluent
    e = f.set_experiment("sessions").experiment_id

    @mlflow.trace
    def chat(text, session):
        mlflow.update_current_trace(metadata={"mlflow.trace.session": session, "mlflow.trace.user": "u"})
        return text

    for session in ("s1", "s2", "s1", "s3"):
        another_millisecond()
        chat("hi", session)
    found = f.search_sessions(locations=[e])
    t.note("sessions", sorted((s.id, len(s)) for s in found))
    t.note("one", len(f.search_sessions(max_results=1, locations=[e], include_spans=False)))
    for text in ["metadata.`mlflow.trace.session` = 's1'", "metadata.mlflow.trace.session != 's1'",
        "request_metadata.`mlflow.trace.user` LIKE 'u%'"]:
        f.search_traces([e], text, return_type="list", include_spans=False)


@step
def assessments(t):
    from mlflow.entities import AssessmentError, AssessmentSource, Expectation, Feedback
    c, f = t.client, t.fluent
    e = c.create_experiment("assessments")
    key = traced(t, e, "judged")
    human = AssessmentSource("HUMAN", "ann")
    first = f.log_feedback(trace_id=key, name="good", value=True, rationale="because", source=human, metadata={"k": "v"})
    for value in [0.5, 3, "text", ["a", 1], {"a": [1, None]}, None, "", float("nan")]:
        f.log_feedback(trace_id=key, name=f"as {type(value).__name__}", value=value)
    f.log_feedback(trace_id=key, name="broke", error=AssessmentError("CODE", "text", "stack"), source=AssessmentSource("LLM_JUDGE", "gpt"))
    f.log_feedback(trace_id=key, name="raised", error=ValueError("bad"))
    f.log_feedback(trace_id=key)
    f.log_feedback(trace_id=key, name="good", value=False)
    expected = f.log_expectation(trace_id=key, name="answer", value="42", source=human)
    f.log_expectation(trace_id=key, name="deep", value={"a": [1, {"b": 2}]}, metadata={"x": "1"})
    f.log_expectation(trace_id=key, name="none", value=None)
    f.log_feedback(trace_id="tr-" + "0" * 32, name="x", value=1)
    f.get_assessment(key, first.assessment_id)
    f.get_assessment(key, "a-" + "0" * 32)
    f.get_assessment("tr-" + "0" * 32, first.assessment_id)
    f.update_assessment(key, first.assessment_id, Feedback("good", value=0.7, rationale="new", metadata={"m": "n"}))
    f.update_assessment(key, first.assessment_id, Expectation("good", value=1))
    f.update_assessment(key, expected.assessment_id, Expectation("renamed", value=43))
    f.update_assessment(key, "a-" + "0" * 32, Feedback("good", value=1))
    newer = f.override_feedback(trace_id=key, assessment_id=first.assessment_id, value=False, rationale="no", source=human,
        metadata={"o": "p"})
    f.get_assessment(key, first.assessment_id)
    f.override_feedback(trace_id=key, assessment_id="a-" + "0" * 32, value=False)
    f.override_feedback(trace_id=key, assessment_id=expected.assessment_id, value=False)
    f.log_assessment(key, Feedback("plain", value="yes"))
    t.get(f"traces/{key}/assessments/{expected.assessment_id}", "3.0")
    found = f.get_trace(key)
    t.note("assessments", sorted((a.name, str(a.value), str(a.valid), str(a.rationale)) for a in found.info.assessments))
    f.delete_assessment(key, newer.assessment_id)
    f.get_assessment(key, newer.assessment_id)
    f.get_assessment(key, first.assessment_id)
    f.delete_assessment(key, expected.assessment_id)
    f.delete_assessment(key, expected.assessment_id)
    f.delete_assessment("tr-" + "0" * 32, first.assessment_id)
    t.post3(f"traces/{key}/assessments", {"assessment": {"assessment_name": "raw", "trace_id": key, "source": {"source_type": "CODE",
        "source_id": "x"}, "feedback": {"value": 1}}})
    t.post3(f"traces/{key}/assessments", {"assessment": {"trace_id": key, "feedback": {"value": 1}}})
    t.post3(f"traces/{key}/assessments", {})
    t.raw("PATCH", f"/api/3.0/mlflow/traces/{key}/assessments/{first.assessment_id}",
          {"assessment": {"assessment_id": first.assessment_id, "trace_id": key, "rationale": "patched"}, "update_mask": "rationale"})
    t.raw("PATCH", f"/api/3.0/mlflow/traces/{key}/assessments/{first.assessment_id}", {"assessment": {"trace_id": key,
        "rationale": "patched"}, "update_mask": "nothing"})


@step
def issues(t):
    c, f = t.client, t.fluent
    e = c.create_experiment("issues")
    key = traced(t, e, "has issue")
    made = t.post3("issues", {"experiment_id": e, "name": "slow", "description": "too slow", "status": "pending", "severity": "high",
        "root_causes": ["net"], "categories": ["latency"]})
    issue = made.get("issue", {}).get("issue_id", "iss-none")
    t.post3("issues", {"name": "no experiment"})
    t.post3("issues", {"experiment_id": e, "name": "x", "description": "y", "status": "nonsense"})
    t.get(f"issues/{issue}", "3.0")
    t.get("issues/iss-nothing", "3.0")
    t.raw("PATCH", f"/api/3.0/mlflow/issues/{issue}", {"issue_id": issue, "status": "resolved", "name": "was slow"})
    f.log_issue(trace_id=key, issue_id=issue, issue_name="slow")
    f.log_issue(trace_id=key, issue_id="iss-nothing")
    t.post3("issues/search", {"experiment_id": e})
    t.post3("issues/search", {"experiment_id": e, "filter_string": "status = 'resolved'", "include_trace_count": True})
    t.post3("issues/search", {"experiment_id": e, "filter_string": "status = 'pending'", "max_results": 1})
    c.search_traces([e], f"issue.id = '{issue}'", include_spans=False)


@step
def trace_search(t):
    c, f = t.client, t.fluent
    e = c.create_experiment("search traces")
    run = c.create_run(e, PAST, run_name="r").info.run_id
    keys = []
    for index in range(8):
        keys.append(traced(t, e, ["alpha", "beta", "Gamma"][index % 3], index * 500, 100 * (index + 1) % 700 + 1,
            "ERROR" if index == 3 else "OK", {"group": "ab"[index % 2]} | ({"odd one": "x'y"} if index == 5 else {}),
                           [("look", "RETRIEVER", {"model": "m1", "n": index}), ("bad" if index == 2 else "call", "LLM", {"model": "m2"})],
                           run if index == 4 else None, {"q": f"question {index} 100%"}))
    for index in (0, 1, 4):
        f.log_feedback(trace_id=keys[index], name="score", value=index / 4)
        f.log_feedback(trace_id=keys[index], name="ok", value=index > 0)
    f.log_feedback(trace_id=keys[2], name="word", value="good")
    f.log_expectation(trace_id=keys[3], name="answer", value="yes")
    texts = ["", " ", "name = 'alpha'", "trace.name = 'beta'", "attributes.name != 'beta'", "attribute.name LIKE 'al%'",
        "name ILIKE 'GAMMA'", "name RLIKE '^[ab]'", "name IN ('alpha', 'beta')", "name NOT IN ('alpha')", "status = 'OK'",
        "trace.status = 'ERROR'", "status != 'OK'",
             "status IN ('ERROR')", "status LIKE 'E%'", "attributes.status = 'ok'", f"request_id = '{keys[0]}'",
             f"request_id IN ('{keys[0]}', '{keys[1]}')", f"trace.request_id != '{keys[0]}'", f"run_id = '{run}'",
             f"attributes.run_id IN ('{run}')", f"run_id != '{run}'", "client_request_id = 'x'",
             f"timestamp > {PAST + 1000}", f"timestamp_ms = {PAST + 1000}", f"trace.timestamp_ms <= {PAST}",
             f"attributes.timestamp != {PAST}", "execution_time > 300", "execution_time_ms <= 101", "trace.execution_time_ms = 201",
             f"end_time > {PAST + 2500}", f"trace.end_time_ms < {PAST + 500}", "timestamp > '5'", "execution_time LIKE '1'",
             "tags.group = 'a'", "tag.group != 'a'", "tags.`odd one` = \"x'y\"", "tags.`odd one` IS NULL", "tags.`odd one` IS NOT NULL",
             "tags.group LIKE '%'", "tags.group RLIKE '[a]'", "tags.group ILIKE 'B'", "tags.missing = 'x'", "tags.missing != 'x'",
             "tags.group IN ('a')", "tags.mlflow.traceName = 'alpha'",
             "metadata.`mlflow.sourceRun` IS NOT NULL", f"metadata.mlflow.sourceRun = '{run}'", "request_metadata.nothing = 'x'",
             "metadata.nothing IS NULL", "metadata.`mlflow.trace_schema.version` = '3'", "metadata.nothing != 'x'", "span.name = 'look'",
             "span.name = 'bad'", "span.name LIKE '%all'", "span.name != 'look'", "span.name IN ('bad')",
             "span.name NOT IN ('look', 'bad')", "span.type = 'LLM'",
             "span.type = 'llm'", "span.type != 'LLM'", "span.status = 'ERROR'", "span.status = 'OK'", "span.attributes.model = 'm1'",
             "span.attributes.model LIKE '%m2%'", "span.attributes.n = '3'", "span.attributes.missing = 'x'",
             "span.attributes.model != 'm1'", "span.attributes.model ILIKE '%M1%'", "span.attributes.model RLIKE 'm[12]'",
             "span.content LIKE '%question 3%'", "span.content ILIKE '%QUESTION 3%'",
             "span.content = 'x'", "span.nothing = 'x'", "span.name = 'look' AND span.type = 'LLM'", "text LIKE '%answer to beta%'",
             "trace.text ILIKE '%BETA%'", "text = 'x'", "trace.text LIKE '%100%%'", "feedback.score = '0.25'", "feedback.score > 0.2",
             "feedback.score >= 0.25", "feedback.score < 1", "feedback.score = 0", "feedback.ok = 'true'", "feedback.ok = true",
             "feedback.ok != 'true'", "feedback.word = 'good'",
             "feedback.word LIKE 'g%'", "feedback.word ILIKE 'GOOD'", "feedback.word IS NULL", "feedback.word IS NOT NULL",
             "feedback.missing = 'x'", "feedback.`word` != 'bad'", "expectation.answer = 'yes'", "expectation.answer != 'no'",
             "expectation.answer IS NOT NULL", "issue.id = 'iss-x'", "issue.id != 'x'", "prompt = 'a/1'", "prompt LIKE 'a%'",
             "prompt = 'a'",
             "name = 'alpha' AND tags.group = 'a' AND execution_time > 1", "name = 'alpha' OR name = 'beta'", "name =", "name",
             "name = alpha", "nothing = 'x'", "metrics.a > 1", "name > 'a'", "trace.nothing = 'x'", "tags.group = 3", "(name = 'alpha')",
             "name = 'alpha' AND", "NAME = 'alpha'", "experiment_id = '1'", "session_id = 'x'", "name == 'alpha'", "name = \"alpha\"",
             "status = 'IN_PROGRESS'", "timestamp BETWEEN 1 AND 2", f"timestamp > {PAST} AND timestamp < {PAST + 2000}"]
    for text in texts:
        c.search_traces([e], text, include_spans=False, order_by=["timestamp ASC", "execution_time DESC"])
    for order in [["timestamp"], ["timestamp DESC", "execution_time"], ["timestamp_ms ASC", "name"], ["execution_time DESC"],
        ["execution_time_ms"], ["end_time DESC"], ["status", "execution_time"], ["name", "execution_time DESC"], ["name DESC",
            "timestamp DESC"], ["run_id", "execution_time"], ["experiment_id", "execution_time"], ["tags.group", "execution_time"],
                  ["trace.timestamp", "execution_time"], ["attributes.execution_time"], ["nothing"], ["name UP"], [""],
                  ["metadata.`mlflow.sourceRun`", "execution_time"], ["tags.missing", "execution_time"], ["client_request_id"],
                  ["span.name"]]:
        c.search_traces([e], order_by=order, include_spans=False)
    page = c.search_traces([e], max_results=3, order_by=["execution_time"], include_spans=False)
    page = c.search_traces([e], max_results=3, order_by=["execution_time"], page_token=page.token, include_spans=False)
    c.search_traces([e], max_results=3, order_by=["execution_time"], page_token=page.token, include_spans=False)
    c.search_traces([e], page_token="nonsense", include_spans=False)
    for number in (0, -1, 1, 500, 501):
        c.search_traces([e], "name = 'Gamma'", max_results=number, include_spans=False, order_by=["timestamp ASC"])
    c.search_traces(["99999"], include_spans=False)
    c.search_traces([], include_spans=False)
    place = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": e}}]
    t.post3("traces/calculate-filter-correlation", {"experiment_ids": [e], "filter_string1": "tags.group = 'a'",
        "filter_string2": "name = 'alpha'"})
    t.post3("traces/calculate-filter-correlation", {"experiment_ids": [e], "filter_string1": "tags.group = 'a'"})
    for view, name, kinds, more in [("TRACES", "trace_count", [{"aggregation_type": "COUNT"}], {}), ("TRACES", "latency",
        [{"aggregation_type": "AVG"}, {"aggregation_type": "PERCENTILE", "percentile_value": 50}], {}), ("TRACES", "trace_count",
            [{"aggregation_type": "COUNT"}], {"dimensions": ["trace_status"]}),
                                    ("TRACES", "trace_count", [{"aggregation_type": "COUNT"}], {"dimensions": ["trace_name"],
                                        "filters": ["trace.status = 'OK'"]}), ("SPANS", "span_count", [{"aggregation_type": "COUNT"}],
                                            {"dimensions": ["span_type"]}), ("ASSESSMENTS", "assessment_count",
                                                [{"aggregation_type": "COUNT"}], {"dimensions": ["assessment_name"]}),
                                    ("ASSESSMENTS", "assessment_value", [{"aggregation_type": "AVG"}],
                                        {"dimensions": ["assessment_name"]}), ("TRACES", "nonsense", [{"aggregation_type": "COUNT"}], {}),
                                        ("TRACES", "trace_count", [{"aggregation_type": "COUNT"}], {"time_interval_seconds": 1,
                                            "start_time_ms": PAST, "end_time_ms": PAST + 5000})]:
        t.post3("traces/metrics", {"experiment_ids": [e], "view_type": view, "metric_name": name, "aggregations": kinds, **more})
    t.post3("traces/search", {"locations": place, "filter": "name = 'alpha'", "order_by": ["execution_time"], "max_results": 2})


@step
def otlp(t):
    c = t.client
    e = c.create_experiment("otlp")
    key = f"{t.seed:08x}" + os.urandom(12).hex()
    span = {"traceId": key, "spanId": os.urandom(8).hex(), "name": "bare", "kind": 1, "startTimeUnixNano": str(PAST * NANO),
        "endTimeUnixNano": str(PAST * NANO + 5 * NANO),
            "attributes": [{"key": "text", "value": {"stringValue": "v"}}, {"key": "n", "value": {"intValue": "5"}}, {"key": "d",
                "value": {"doubleValue": 0.5}}, {"key": "b", "value": {"boolValue": True}}], "status": {"code": 1}}
    body = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "svc"}}]},
        "scopeSpans": [{"scope": {"name": "s"}, "spans": [span]}]}]}
    json_type = {"Content-Type": "application/json", "x-mlflow-experiment-id": e}
    t.raw("POST", "/v1/traces", body, json_type, label="POST /v1/traces json")
    c.get_trace("tr-" + key)
    t.get("traces/get", "3.0", trace_id="tr-" + key)
    t.raw("POST", "/v1/traces", body, {"Content-Type": "application/json"}, label="POST /v1/traces without experiment")
    t.raw("POST", "/v1/traces", {"resourceSpans": []}, json_type, label="POST /v1/traces without spans")
    t.raw("POST", "/v1/traces", "nonsense", json_type, label="POST /v1/traces nonsense")
    t.raw("POST", "/v1/traces", "x", {"Content-Type": "text/plain", "x-mlflow-experiment-id": e}, label="POST /v1/traces text")
    t.raw("POST", "/v1/traces", b"\xff\xff", {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": e},
        label="POST /v1/traces not protobuf")
    t.raw("POST", "/v1/traces", body, {**json_type, "x-mlflow-experiment-id": "99999"}, label="POST /v1/traces other experiment")
    info = {"trace_id": "tr-" + "ab" * 16, "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": e}},
        "request_time": "2020-09-13T12:26:40.123Z", "execution_duration": "0.225s", "state": "OK",
            "request_preview": "ask", "response_preview": "told", "client_request_id": "c1",
            "trace_metadata": {"mlflow.trace_schema.version": "3"}, "tags": {"mlflow.traceName": "raw"}}
    t.post3("traces", {"trace": {"trace_info": info}})
    t.post3("traces", {"trace": {"trace_info": {**info, "state": "ERROR", "tags": {"more": "1"}}}})
    t.get("traces/" + info["trace_id"], "3.0")
    t.post3("traces", {"trace": {"trace_info": {"trace_id": "tr-x"}}})
    t.post3("traces", {})
    old = t.post("traces", {"experiment_id": e, "timestamp_ms": PAST, "request_metadata": [{"key": "a", "value": "b"}],
        "tags": [{"key": "mlflow.traceName", "value": "v2"}]})
    request = old.get("trace_info", {}).get("request_id", "tr-none")
    t.raw("PATCH", f"/api/2.0/mlflow/traces/{request}", {"request_id": request, "timestamp_ms": PAST + 9, "status": "OK",
        "request_metadata": [{"key": "c", "value": "d"}], "tags": []})
    t.get(f"traces/{request}/info")
    t.raw("PATCH", f"/api/2.0/mlflow/traces/{request}/tags", {"key": "k", "value": "v"})
    t.raw("PATCH", f"/api/3.0/mlflow/traces/{request}/tags", {"key": "k3", "value": "v"})
    t.raw("DELETE", f"/api/2.0/mlflow/traces/{request}/tags?key=k")
    t.raw("DELETE", f"/api/3.0/mlflow/traces/{request}/tags", {"key": "k3"})
    t.raw("PATCH", f"/api/2.0/mlflow/traces/{request}/tags", {"value": "v"})
    t.get(f"traces/{request}", "3.0")
    c.search_traces([e], include_spans=False, order_by=["timestamp ASC"])


@step
def datasets(t):
    import mlflow
    import pandas
    c = t.client
    e, other = c.create_experiment("datasets"), c.create_experiment("datasets 2")
    made = c.create_dataset("golden", e, {"team": "core", "n": 1})
    key = made.dataset_id
    c.create_dataset("golden", e)
    c.create_dataset("")
    c.create_dataset("alone")
    c.create_dataset("both", [e, other])
    c.create_dataset("bad", "99999")
    c.get_dataset(key)
    c.get_dataset("d-" + "0" * 32)
    records = [{"inputs": {"q": "one"}, "expectations": {"a": "1"}, "tags": {"t": "x"}}, {"inputs": {"q": "two", "n": [1]}}]
    t.call(made.merge_records, records)
    t.call(made.merge_records, [{"inputs": {"q": "one"}, "expectations": {"b": 2}, "tags": {"u": "y"}}])
    t.call(made.merge_records, pandas.DataFrame([{"inputs": {"q": "three"}, "expectations": {"a": "3"}}]))
    t.call(made.merge_records, [{"inputs": {}}])
    t.call(made.merge_records, [{"nothing": 1}])
    trace = traced(t, e, "to dataset")
    t.call(lambda: made.merge_records([mlflow.get_trace(trace)]), label="merge trace")
    found = c.get_dataset(key)
    rows = t.call(lambda: sorted(({"inputs": r.inputs, "outputs": r.outputs, "expectations": r.expectations, "tags": r.tags,
        "source": r.source_type and str(r.source_type)} for r in found.records), key=lambda r: json.dumps(r["inputs"], sort_keys=True)),
        label="records")
    t.note("rows", len(rows))
    t.call(lambda: sorted(found.to_df().columns), label="columns")
    t.get(f"datasets/{key}/records", "3.0", max_results=100)
    t.get(f"datasets/{key}", "3.0")
    t.get(f"datasets/{key}/experiment-ids", "3.0")
    c.set_dataset_tags(key, {"team": "other", "new": "x"})
    c.set_dataset_tags(key, {"new": None})
    c.set_dataset_tags("d-" + "0" * 32, {"x": "y"})
    c.delete_dataset_tag(key, "team")
    c.delete_dataset_tag(key, "team")
    c.delete_dataset_tag("d-" + "0" * 32, "team")
    c.get_dataset(key)
    c.add_dataset_to_experiments(key, [other])
    c.add_dataset_to_experiments(key, [other])
    c.add_dataset_to_experiments(key, ["99999"])
    c.add_dataset_to_experiments("d-" + "0" * 32, [e])
    c.remove_dataset_from_experiments(key, [other])
    c.remove_dataset_from_experiments(key, [other])
    c.search_datasets([e], order_by=["name ASC", "created_time ASC"])
    t.call(lambda: found.delete_records([found.records[0].dataset_record_id]), label="delete_records")
    t.call(lambda: found.delete_records(["dr-nothing"]), label="delete_records nothing")
    t.call(lambda: len(c.target.get_dataset(key).records), label="records left")
    c.delete_dataset(key)
    c.delete_dataset(key)
    c.get_dataset(key)
    for name, arguments in [("create_dataset", {"name": "fluent set", "experiment_id": e, "tags": {"a": "b"}}), ("get_dataset",
        {"name": "fluent set"}), ("search_datasets", {"experiment_ids": [e]}), ("get_dataset", {"name": "nothing"})]:
        t.call(getattr(mlflow.genai, name), **arguments)
    again = mlflow.genai.get_dataset(name="fluent set").dataset_id
    t.call(mlflow.genai.set_dataset_tags, dataset_id=again, tags={"x": "y"})
    t.call(mlflow.genai.delete_dataset_tag, dataset_id=again, key="x")
    t.call(mlflow.genai.datasets.add_dataset_to_experiments, again, [other])
    t.call(mlflow.genai.datasets.remove_dataset_from_experiments, again, [other])
    t.call(mlflow.genai.delete_dataset, dataset_id=again)


@step
def dataset_search(t):
    c = t.client
    e = c.create_experiment("dataset search")
    for index, name in enumerate(["ds a", "ds b", "ds C", "ds_d", "other"]):
        c.create_dataset(name, e, {"n": str(index), "odd": "y"} if index % 2 else {"n": str(index)})
    for text in ["", "name = 'ds a'", "name != 'ds a'", "name LIKE 'ds%'", "name ILIKE 'DS c'", "name IN ('ds a', 'ds b')",
        "name NOT IN ('ds a')", "tags.n = '3'", "tags.n != '3'", "tags.odd = 'y'", "tags.odd LIKE 'Y'", "created_time > 0",
        "last_update_time < 5", "created_by = 'x'", "last_updated_by != 'x'",
                 "name = 'ds a' AND tags.n = '0'", "nothing = 'x'", "name = ds", "name > 'a'", "created_time = 'x'", "name =",
                 "name = 'a' OR name = 'b'", "attributes.name = 'ds a'", "tags.odd IS NULL", "digest = 'x'", "dataset_id = 'x'"]:
        c.search_datasets([e], text, order_by=["name ASC"])
    for order in [["name"], ["name DESC"], ["created_time ASC"], ["last_update_time DESC"], ["nothing"], ["name UP"], [""], []]:
        c.search_datasets([e], order_by=order)
    page = c.search_datasets([e], max_results=2, order_by=["name"])
    c.search_datasets([e], max_results=2, order_by=["name"], page_token=page.token)
    c.search_datasets([e], page_token="nonsense")
    for number in (0, -1, 1000, 50001):
        c.search_datasets([e], "name = 'ds a'", number)
    c.search_datasets(["99999"])


@step
def scorers(t):
    import mlflow
    from mlflow.genai.scorers import Guidelines, scorer
    e = t.fluent.set_experiment("scorers").experiment_id
    t.call(lambda: plain_scorer(Guidelines(name="polite", guidelines="Be polite").register(name="polite")), label="register")
    t.call(lambda: plain_scorer(Guidelines(name="polite", guidelines="Be very polite").register(name="polite")), label="register again")
    t.call(lambda: plain_scorer(Guidelines(name="short", guidelines="Be short").register(experiment_id=e)), label="register short")

    @scorer
    def custom(outputs):
        return True

    t.call(lambda: plain_scorer(custom.register()), label="register custom")
    t.call(lambda: [plain_scorer(s) for s in mlflow.genai.list_scorers(experiment_id=e)], label="list_scorers")
    for number in (None, 1, 2, 99):
        t.call(lambda: plain_scorer(mlflow.genai.get_scorer(name="polite", version=number)), label=f"get_scorer {number}")
    t.call(lambda: plain_scorer(mlflow.genai.get_scorer(name="nothing")), label="get_scorer nothing")
    t.get("scorers/list", "3.0", experiment_id=e)
    t.get("scorers/list", "3.0", experiment_ids=[e, "0"])
    t.get("scorers/list", "3.0")
    t.get("scorers/list", "3.0", experiment_id="99999")
    t.get("scorers/versions", "3.0", experiment_id=e, name="polite")
    t.get("scorers/versions", "3.0", experiment_id=e, name="nothing")
    t.get("scorers/versions", "3.0", experiment_id=e)
    t.get("scorers/get", "3.0", experiment_id=e, name="polite")
    t.get("scorers/get", "3.0", experiment_id=e, name="polite", version=1)
    t.get("scorers/get", "3.0", experiment_id=e, name="polite", version=99)
    t.post3("scorers/register", {"experiment_id": e, "name": "raw", "serialized_scorer": json.dumps({"name": "raw",
        "call_source": "return 1", "mlflow_version": "3.17.2", "serialization_version": 1})})
    t.post3("scorers/register", {"experiment_id": e, "name": "raw", "serialized_scorer": "nonsense"})
    t.post3("scorers/register", {"experiment_id": e, "name": "", "serialized_scorer": "{}"})
    t.post3("scorers/register", {"experiment_id": "99999", "name": "raw", "serialized_scorer": "{}"})
    t.post3("scorers/register", {"name": "raw"})
    t.call(mlflow.genai.delete_scorer, name="polite", version=1)
    t.get("scorers/versions", "3.0", experiment_id=e, name="polite")
    t.call(mlflow.genai.delete_scorer, name="polite", version="all")
    t.call(mlflow.genai.delete_scorer, name="polite", version="all")
    t.call(mlflow.genai.delete_scorer, name="short", version=99)
    t.raw("DELETE", "/api/3.0/mlflow/scorers/delete", {"experiment_id": e, "name": "raw"})
    t.get("scorers/list", "3.0", experiment_id=e)


def plain_scorer(found):
    return {"name": found.name, "kind": type(found).__name__, "guidelines": getattr(found, "guidelines", None), "status": str(found.status)}


@step
def evaluation(t):
    import mlflow
    from mlflow.genai.scorers import scorer
    t.fluent.set_experiment("evaluation")

    @scorer
    def exact(outputs, expectations):
        return outputs == expectations["answer"]

    answer = t.call(lambda: mlflow.genai.evaluate(data=[{"inputs": {"q": "a"}, "expectations": {"answer": "a"}}, {"inputs": {"q": "b"},
        "expectations": {"answer": "x"}}], predict_fn=lambda q: q, scorers=[exact]).metrics, label="evaluate")
    t.note("metrics", answer)
    found = mlflow.search_traces(return_type="list", include_spans=False)  # in the order of threads
    t.note("judged", sorted(str((v.info.request_preview, sorted((a.name, str(a.value)) for a in v.info.assessments))) for v in found))
    t.note("runs", [sorted(r.data.metrics.items()) for r in mlflow.search_runs(output_format="list")])


@step
def beside(t):
    c = t.client
    c.list_workspaces()
    c.get_workspace("default")
    c.create_workspace("new")
    c.update_workspace("default", "x")
    c.delete_workspace("new")
    c.get_workspace_store_uri()
    for name, arguments in [("list_workspaces", ()), ("get_workspace", ("default",)), ("create_workspace", ("new",)),
                            ("update_workspace", ("default", "x")), ("delete_workspace", ("new",))]:
        getattr(t.fluent, name)(*arguments)
    t.raw("GET", "/health", text=True)
    t.raw("GET", "/version", text=True)
    t.raw("GET", "/api/2.0/mlflow/nothing")
    t.raw("GET", "/api/2.0/nothing/at/all")
    t.raw("GET", "/api/2.0/mlflow/experiments/create")
    t.raw("POST", "/api/2.0/mlflow/experiments/get", {"experiment_id": "0"})


@step
def mcp_servers(t):
    c, name = t.client, "com.example/a"
    c.create_mcp_server(name, "about")
    c.get_mcp_server(name)
    c.search_mcp_servers()
    c.update_mcp_server(name, description="other")
    c.create_mcp_server_version({"name": name, "version": "1.0.0", "description": "d"})
    c.get_mcp_server_version(name, "1.0.0")
    c.get_latest_mcp_server_version(name)
    c.search_mcp_server_versions(name)
    c.update_mcp_server_version(name, "1.0.0", status=None)
    c.refresh_mcp_server_version_tools(name, "1.0.0", dry_run=True)
    c.set_mcp_server_alias(name, "live", "1.0.0")
    c.get_mcp_server_version_by_alias(name, "live")
    c.delete_mcp_server_alias(name, "live")
    c.set_mcp_server_tag(name, "k", "v")
    c.delete_mcp_server_tag(name, "k")
    c.set_mcp_server_version_tag(name, "1.0.0", "k", "v")
    c.delete_mcp_server_version_tag(name, "1.0.0", "k")
    c.create_mcp_access_endpoint(name, "https://8.8.8.8/mcp", server_version="1.0.0")
    c.search_mcp_access_endpoints(name)
    c.get_mcp_access_endpoint(name, "nothing")
    c.update_mcp_access_endpoint(name, "nothing", url="https://8.8.8.8/other")
    c.delete_mcp_access_endpoint(name, "nothing")
    c.delete_mcp_server_version(name, "1.0.0")
    c.delete_mcp_server(name)
