# SPDX-License-Identifier: Apache-2.0
"""What the differential steps stand on: calls that are recorded, and answers made comparable."""
import dataclasses
import datetime
import enum
import http.client
import json
import math
import re
import time
import urllib.parse
import zlib

STEPS = []  # (area, name, function) in the order in which they run


def step(function):
    STEPS.append((function.__module__.removeprefix("differential_"), function.__name__, function))
    return function


class Broken(Exception):
    """A step cannot go on: something it needs was refused."""


class Refused:
    """The answer of a call that raised: stands in for it until somebody needs its members."""

    def __init__(self, error):
        self.__dict__["error"] = error

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise Broken(f"needs .{name} of a refused call")

    def __iter__(self):
        raise Broken("needs the elements of a refused call")

    __getitem__ = __len__ = __enter__ = __exit__ = lambda self, *_: next(iter(self))

    def __str__(self):
        return "refused"


def plain(value, depth=0):
    """Any answer as JSON."""
    if depth > 12:
        return "..."
    inner = depth + 1
    if value is None or isinstance(value, (bool, int, str)):
        return value.name if isinstance(value, enum.Enum) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, Refused):
        return "refused"
    if isinstance(value, bytes):
        return {"bytes": value.decode("utf-8", "backslashreplace")[:4000]}
    if isinstance(value, Exception):
        return failure(value)
    kind = type(value).__name__
    if kind == "PagedList":
        return {"items": [plain(v, inner) for v in value], "more": bool(value.token)}
    if isinstance(value, (list, tuple)) or kind in ("RepeatedScalarContainer", "RepeatedCompositeContainer"):
        return [plain(v, inner) for v in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(v, inner) for v in value), key=str)
    if isinstance(value, dict):
        return {str(plain(k)): plain(v, inner) for k, v in value.items()}
    if kind == "DataFrame":
        return {"columns": sorted(map(str, value.columns)), "rows": [plain(r, inner) for r in value.to_dict("records")]}
    if kind in ("Timestamp", "datetime", "Timedelta", "timedelta", "NaTType"):
        return "NaT" if kind == "NaTType" else int(value.timestamp() * 1000) if hasattr(value, "timestamp") else str(value)
    if kind in ("ndarray",) or type(value).__module__ == "numpy":
        return plain(value.tolist(), inner)
    if kind == "PromptVersion":
        keys = ("name", "version", "template", "commit_message", "tags", "aliases", "uri", "response_format", "model_config", "run_id",
                "creation_timestamp", "last_updated_timestamp", "user_id", "variables", "is_text_prompt")
        return {k: plain(getattr(value, k, None), inner) for k in keys}
    if kind == "EvaluationDataset":
        keys = ("dataset_id", "name", "tags", "schema", "profile", "digest", "created_time", "last_update_time", "created_by",
                "last_updated_by", "experiment_ids")
        found = {k: plain(getattr(value, k), inner) for k in keys}
        return found | {k: json.loads(found[k]) for k in ("schema", "profile") if isinstance(found[k], str)}
    for name in ("to_dict", "to_dictionary"):
        if hasattr(value, name):
            try:
                return plain(getattr(value, name)(), inner)
            except (TypeError, KeyError):
                pass
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name), inner) for f in dataclasses.fields(value) if not f.name.startswith("_")}
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(), inner)
    if type(value).__module__.startswith("mlflow"):
        names = [n for n in dir(type(value)) if not n.startswith("_") and isinstance(getattr(type(value), n), property)]
        if names:
            return {n: plain(getattr(value, n), inner) for n in names}
        return {k.lstrip("_"): plain(v, inner) for k, v in vars(value).items()} if hasattr(value, "__dict__") else kind
    return kind


def failure(error):
    """A refusal: what clients branch on, and the message to read."""
    status = getattr(error, "get_http_status_code", None)
    return {"refused": type(error).__name__, "error_code": getattr(error, "error_code", None),
            "status": status() if status and hasattr(error, "error_code") else None, "message": str(error)[:400]}


def short(value):
    if callable(value) or type(value).__name__ in ("PandasDataset", "MetaDataset", "module"):
        return getattr(value, "__name__", type(value).__name__)
    text = re.sub(r"(.)\1{30,}", lambda m: f"{m[1]}*{len(m[0])}", repr(plain(value)))
    return text if len(text) < 200 else text[:200] + "..."


def keyed(value):
    return isinstance(value, list) and all(isinstance(v, dict) and "key" in v for v in value)


class Names:
    """Ids, times and places of one step by the order of their first appearance."""

    IDS = re.compile(
        r"(?<![0-9a-f-])(tr-|m-|d-|er-|a-|dr-|scr-|wh-|p-|iss-)?([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9a-f])")
    INSIDE = re.compile(r'("experiment_id": ")(\d+)(")')
    TEMPORARY = re.compile(r"\btmp[a-z0-9_]{8}\b")
    PLACE = re.compile(r"mlflow-artifacts:/(\d+)")
    SETS = ("params", "tags", "attributes", "request_metadata")  # sets to every client, lists in the JSON
    RUN_NAME = re.compile(r"\b[a-z]+-[a-z]+-\d{1,4}\b")
    NUMBER = re.compile(r"(?<![\d.])(1[5-9]\d{11,17})(?!\d)")
    STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")

    def __init__(self, places):
        self.known, self.places, self.now, self.at = {}, places, time.time(), 0

    def name(self, kind, value):
        """By the call that showed it first: a call that only one server refuses does not shift the names of the rest."""
        if value not in self.known:
            count = sum(at == self.at for at, _ in self.known.values())
            self.known[value] = (self.at, f"<{kind} {self.at}{'.' + str(count) if count else ''}>")
        return self.known[value][1]

    def recent(self, number):
        number = abs(float(number))
        for scale in (1, 1e3, 1e6, 1e9):
            if abs(number / scale - self.now) < 2 * 86400:
                return True
        return False

    def text(self, value, key=None):
        for place, name in self.places:
            value = value.replace(place, name)
        value = self.TEMPORARY.sub("<temporary>", value)
        value = self.IDS.sub(lambda m: self.name({"tr-": "trace", "m-": "model", "d-": "dataset"}.get(m[1], "id"), m[0]), value)
        value = self.PLACE.sub(lambda m: "mlflow-artifacts:/" + self.experiment(m[1]), value)
        value = self.INSIDE.sub(lambda m: m[1] + self.experiment(m[2]) + m[3], value)
        value = self.RUN_NAME.sub("<run name>", value)
        value = self.NUMBER.sub(lambda m: "<time>" if self.recent(m[1]) else m[0], value)
        value = self.STAMP.sub(lambda m: self.stamp(m[0]), value)
        return value if len(value) < 300 or value[:1] in "{[" else f"{value[:40]}...({len(value)}, {zlib.crc32(value.encode())})"

    def stamp(self, text):
        moment = datetime.datetime.fromisoformat(text[:10] + "T" + text[11:19] + "+00:00").timestamp()
        return "<time>" if self.recent(moment) else text

    def experiment(self, value):
        return value if str(value) == "0" else self.name("experiment", str(value))

    def value(self, value, key=None):
        if isinstance(value, dict):
            named = {}
            sets = (*self.SETS, "metrics") if key == "data" else self.SETS
            value = {k: sorted(v, key=json.dumps) if k in sets and keyed(v) else v for k, v in value.items()}
            if value.get("key") == "mlflow.experimentId":
                return {"key": "mlflow.experimentId"}
            for k in sorted(value):  # the order of first appearance must not hang on the order of members
                named[self.text(k)] = value[k] if k == "message" and "error_code" in value else self.value(value[k], k)
            if named.get("request_time") == "<time>":  # a trace of this very run
                named |= {k: "<duration>" for k in named if k.startswith("execution_")}
                # The client counts the digits of the durations too.
                for told in (v for v in named.values() if isinstance(v, dict)):
                    told |= {k: "<size>" for k in told if k.startswith("mlflow.trace.size")}
            return named
        if isinstance(value, list):
            return [self.value(v, key) for v in value]
        if key in ("experiment_id", "experiment_ids", "mlflow.experimentId") and value not in (None, ""):
            return self.experiment(value)
        if isinstance(value, str):
            if key in ("trace_id", "span_id", "parent_span_id", "parent_id") and re.fullmatch(r"[\w+/]{11}=|[\w+/]{22}==", value):
                return self.name("binary id", value)
            if key in ("span_id", "parent_id", "parent_span_id") and re.fullmatch(r"(0x)?[0-9a-f]{16}", value):
                return self.name("span", value)
            if key == "records" and value[:1] == "[":  # written in one moment, so in the order of random ids
                return self.value(sorted(json.loads(value), key=lambda r: json.dumps(r["inputs"], sort_keys=True)))
            if key in ("schema", "profile", "tags") and value[:1] == "{":
                try:
                    return self.value(json.loads(value))
                except ValueError:
                    return self.text(value)
            if key == "trace" and value[:1] == "{":
                return self.value(json.loads(value))
            if key == "_mlflow_experiment_ids":
                return re.sub(r"\d+", lambda m: self.experiment(m[0]), value)
            if key in ("page_token", "next_page_token"):
                return "<token>" if value else value
            if key in ("digest",) and value:
                return "<digest>" if re.fullmatch(r"[0-9a-f]{8}", value) else value
            return self.text(value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, (int, float)) and self.recent(value):
            return "<time>"
        return value


class Recorder:
    """The calls of one worker: each is made, and its answer kept."""

    def __init__(self, url, folder, seed, fluent, client):
        self.url, self.folder, self.seed = url, folder, seed
        self.records, self.called = [], set()
        self.names = None
        self.fluent, self.client = Proxy(self, fluent, "mlflow."), Proxy(self, client, "client.")

    def begin(self, name):
        self.records = []
        self.step_folder = f"{self.folder}/{name}"
        self.names = Names([(self.step_folder, "<step folder>"), (self.folder, "<folder>"), (self.url, "<server>"),
                            (self.url.removeprefix("http://"), "<host>")])

    def add(self, call, answer):
        kept = answer if isinstance(answer, dict) and "refused" in answer else plain(answer)
        self.records.append([call[:2000], kept])

    def call(self, function, *arguments, label=None, **named):
        """Makes a call, records what came of it; a refusal is an answer."""
        parts = [short(a) for a in arguments] + [f"{k}={short(v)}" for k, v in named.items()]
        text = f"{label or getattr(function, '__name__', 'call')}({', '.join(parts)})"
        if any(isinstance(a, Refused) for a in (*arguments, *named.values())):
            raise Broken(f"{text[:120]} needs the answer of a refused call")
        try:
            answer = function(*arguments, **named)
        except Broken:
            raise
        except Exception as error:
            answer = Refused(error)
            self.records.append([text[:2000], failure(error)])
        else:
            self.add(text, {"experiment_id": answer} if function.__name__ == "create_experiment" else answer)
        time.sleep(0.002)  # times in milliseconds tell the order of things
        return answer

    def note(self, text, value):
        """Something the step worked out by itself."""
        self.records.append([text, plain(value)])
        return value

    def some(self, label, function, *arguments, **named):
        """Whether a call finds anything: for lists that hold what other steps left."""
        self.call(lambda: len(function(*arguments, **named)) > 0, label=label)

    def raw(self, method, path, body=None, headers=None, label=None, text=False):
        """A call without the client. Dictionaries are sent as JSON; strings and bytes as they are."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=600)
        content = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        connection.request(method, path, content, headers if headers is not None else {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = answer.read()
        connection.close()
        try:
            parsed = json.loads(found)
        except ValueError:
            parsed = {"text": found.decode("utf-8", "backslashreplace")[:2000]} if text or answer.status == 200 else {}
        if answer.status >= 400:
            kept = {"refused": "HTTP", "status": answer.status, "error_code": parsed.get("error_code"),
                    "message": str(parsed.get("message", parsed))[:400]}
        else:
            kept = {"status": answer.status, "body": parsed}
        sent = json.dumps(body)[:160] if isinstance(body, (dict, list)) else repr(body)[:80] if body else ""
        shown = label or f"{method} {path[:160]} {sent}"
        self.records.append([shown.strip(), kept])
        time.sleep(0.002)
        return parsed if answer.status < 400 else {}

    def post(self, path, body):
        return self.raw("POST", "/api/2.0/mlflow/" + path, body)

    def post3(self, path, body):
        return self.raw("POST", "/api/3.0/mlflow/" + path, body)

    def get(self, _path, _version="2.0", **query):
        return self.raw("GET", f"/api/{_version}/mlflow/{_path}?{urllib.parse.urlencode(query, doseq=True)}")

    def finish(self):
        records = []
        for index, (call, answer) in enumerate(self.records):
            self.names.at = index
            answer = self.names.value(answer)
            records.append([self.names.text(call)[:260], answer])
        return records


class Proxy:
    """Every call of the client, or of the module, recorded."""

    def __init__(self, recorder, target, prefix):
        self.__dict__.update(recorder=recorder, target=target, prefix=prefix)

    def __getattr__(self, name):
        member = getattr(self.target, name)
        self.recorder.called.add(self.prefix + name)
        if isinstance(member, type) or not callable(member):
            return member

        def made(*arguments, **named):
            return self.recorder.call(member, *arguments, label=name, **named)

        return made
