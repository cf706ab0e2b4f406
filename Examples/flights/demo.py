# SPDX-License-Identifier: Apache-2.0
"""The whole loop on a year of real flights. Run by `make demo`; SERVE=0 ends instead of leaving the server up."""
import argparse
import atexit
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import duckdb
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
MONTHS = ["", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
IS_TERMINAL = sys.stderr.isatty()


def head(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def say(text):
    print(f"  {text}", flush=True)


class Bar:
    """A progress bar on standard error; nothing where nobody looks."""

    def __init__(self, what, total):
        self.what, self.total, self.done = what, total, 0

    def step(self, count=1):
        before, self.done = self.done, self.done + count
        if IS_TERMINAL and (self.done * 200 // self.total != before * 200 // self.total or self.done == self.total):
            filled = 30 * self.done // self.total
            end = "\n" if self.done >= self.total else ""
            sys.stderr.write(f"\r  {self.what} {'█' * filled}{'░' * (30 - filled)} {self.done:,}/{self.total:,}{end}")
            sys.stderr.flush()


class Gyre:
    """The command line, a client of the HTTP API, and the server's process."""

    def __init__(self, binary, home, address):
        self.binary, self.home, self.address = binary, home, address
        self.environment = {**os.environ, "GYRE_HOME": home, "GYRE_ACTOR": "demo"}
        self.process = None
        self.connection = None

    def start(self):
        self.log = open(self.home + ".log", "a")
        began = time.time()
        self.process = subprocess.Popen(
            [self.binary, "up", "--home", self.home, "--http", self.address], stderr=self.log, env=self.environment)
        atexit.register(self.process.terminate)
        # The server writes this file when it listens, so another program on the port is not taken for it.
        while not os.path.exists(f"{self.home}/server.json"):
            if self.process.poll() is not None:
                sys.exit(f"the server did not start: {open(self.home + '.log').read()[-500:]}")
            time.sleep(0.005)
        self.request("GET", "/health")
        return time.time() - began

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def request(self, method, path, body=None):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address, timeout=600)
        payload = None if body is None else json.dumps(body)
        self.connection.request(method, path, payload, {"x-gyre-actor": "demo"})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def api(self, method, path, body=None):
        status, content = self.request(method, "/api/gyre/v1" + path, body)
        if status != 200:
            sys.exit(f"{method} {path} answered {status}: {content.decode()[:500]}")
        return json.loads(content)

    def run(self, *arguments, status=0):
        """A command, as a person would type it; its output is indented below."""
        print(f"  $ gyre {' '.join(a if ' ' not in a else repr(a) for a in arguments)}", flush=True)
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, env=self.environment)
        for line in done.stdout.rstrip().splitlines():
            print("      " + line[:170])
        if done.returncode != status:
            sys.exit(f"that ended with status {done.returncode}, not {status}: {done.stderr}")
        sys.stdout.flush()
        return done.stdout


class Flights:
    """The world outside: months of data as they arrive, and the client that asks for predictions."""

    def __init__(self, data):
        self.data = data
        self.project = yaml.safe_load(open(f"{HERE}/gyre.yaml"))
        self.database = duckdb.connect()
        self.database.execute("SET TimeZone = 'UTC'; SET threads = 2")

    def requests(self, month, first=1, last=31):
        """What a client knows of a month's flights at their scheduled departure: (day, id, features), and the labels that follow."""
        low = max(1, month - 1)
        files = lambda name: [f"{self.data}/{name}/{name}_{m:02d}.parquet" for m in range(low, month + 1)]
        select, joins = "", ""
        for view in self.project["feature_views"]:
            source = f"SELECT * FROM read_parquet({files(view['dataset'])})"
            if "query" in view:
                source = f"WITH source AS ({source}) {view['query']}"
            name, ttl = view["name"], view["ttl_seconds"]
            select += "".join(
                f", CASE WHEN {name}.event_timestamp > s.scheduled_departure - INTERVAL {ttl} SECOND THEN {name}.{f} END AS {f}"
                for f in view["features"])
            joins += f" ASOF LEFT JOIN ({source}) AS {name} ON s.origin = {name}.origin AND s.scheduled_departure >= {name}.event_timestamp"
        spine = f"WITH source AS (SELECT * FROM read_parquet('{self.data}/flights/flights_{month:02d}.parquet')) {self.project['training']['query']}"
        rows = self.database.execute(
            f"SELECT day(s.scheduled_departure - INTERVAL 5 HOUR) AS day, s.flight_id, epoch_us(s.scheduled_departure) AS at, s.late, "
            f"minute_of_day, s.weekday, carrier_code, origin_code, s.distance{select} FROM ({spine}) AS s{joins} "
            f"ORDER BY s.scheduled_departure, s.flight_id").fetchall()
        return [row for row in rows if first <= row[0] <= last]


def send(gyre, rows, month, what, per_day=lambda day: None):
    """Sends flights one by one over HTTP, and each day's labels when the day is over. Ids of failed requests come back."""
    failed, labels, day, versions = [], [], None, {}
    bar = Bar(what, len(rows))

    def deliver():
        if labels:
            gyre.api("POST", "/endpoints/delay/labels", {"labels": labels})
            labels.clear()

    for row in rows:
        if row[0] != day:
            deliver()
            if day is not None and per_day(day):
                return failed, versions, bar.done
            day = row[0]
        name = f"flight-{row[1]}"
        values = ",".join("NaN" if v is None else repr(float(v)) for v in row[4:])
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row[2] // 1_000_000))
        body = (f'{{"id":"{name}","parameters":{{"event_time":"{when}"}},"inputs":[{{"name":"features","datatype":"FP32",'
                f'"shape":[1,{len(row) - 4}],"data":[{values}]}}]}}')
        gyre.connection.request("POST", "/v2/models/delay/infer", body)
        answer = gyre.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            failed.append((name, answer.status, content[:200]))
        else:
            version = content.split(b'"model_version":"', 1)[1].split(b'"', 1)[0].decode()
            versions[version] = versions.get(version, 0) + 1
        labels.append({"id": name, "label": row[3]})
        bar.step()
    deliver()
    per_day(day)
    return failed, versions, bar.done


def add(gyre, arrived, months, broken=None, status=0):
    """Brings months of data into the folders that are versioned, and adds them."""
    for name in ("weather", "flights"):
        os.makedirs(f"{arrived}/{name}", exist_ok=True)
        for month in months:
            source = broken if broken and name == "weather" else f"{HERE_DATA}/{name}/{name}_{month:02d}.parquet"
            shutil.copy(source, f"{arrived}/{name}/{name}_{month:02d}.parquet")
        label = ", ".join(MONTHS[m] for m in months)
        expected = status if name == "weather" else 0
        gyre.run("data", "add", f"{arrived}/{name}", "--message", label, status=expected)
        if expected:
            return


def report(gyre, month, story):
    stamp = lambda m: f"2013-{m:02d}-01T05:00:00Z" if m <= 12 else "2014-01-01T05:00:00Z"
    result = gyre.api("POST", "/endpoints/delay/monitor", {"window": f"2013-{month:02d}", "from": stamp(month), "to": stamp(month + 1)})
    quality = result["performance"]
    drift = sorted(result["drift"], key=lambda d: -d["psi"])
    top = ", ".join(f"{d['column']} {d['psi']:.2f}" for d in drift[:3])
    score = next(d["psi"] for d in drift if d["column"] == "score")
    say(f"{MONTHS[month]}: {result['rows']:,} predictions of version {result['version']}, AUC {quality['auc']:.3f}, Brier {quality['brier']:.3f}; "
        f"drift: {top}; of the score {score:.2f}")
    for action in result["actions"]:
        say(f"→ {action}")
    story.append((MONTHS[month], result["version"], result["rows"], quality["auc"], quality["brier"], drift[0]["column"], drift[0]["psi"], score))
    return result


def wait_for_pipeline(gyre):
    began, run = time.time(), None
    while run is None or run["ended_at"] is None:
        run = gyre.api("GET", "/pipeline-runs")["runs"][0]
        time.sleep(0.2)
    if run["state"] != "SUCCEEDED":
        sys.exit(f"the pipeline failed: {run['message']}")
    while time.time() - began < 120:
        releases = gyre.api("GET", "/releases?endpoint=delay")["releases"]
        if releases and (releases[0]["pins"]["pipeline_run"] or "").endswith(run["id"]):
            served = [e for e in gyre.api("GET", "/endpoints")["endpoints"] if e["name"] == "delay"]
            targets = [t["release"] for e in served for t in (e["stable"], e["canary"]) if t]
            if releases[0]["number"] in targets:
                return run, releases[0]
        time.sleep(0.1)
    sys.exit("the model was trained but not released: see the server's log")


def canary(gyre, rows, month, story_line):
    """Sends flights until the judge has decided; tells each step."""
    told = {}

    def look(day):
        time.sleep(0.6)  # the judge looks twice a second
        rollout = gyre.api("GET", "/endpoints/delay")["rollouts"][0]
        word = (rollout["state"], rollout["percent"])
        if told.get("last") != word:
            told["last"] = word
            say(f"day {day:2d}: {rollout['state']}, {rollout['percent']} % — {rollout['last_reason']}")
        return rollout["state"] in ("promoted", "rolled_back")

    failed, versions, sent = send(gyre, rows, month, story_line, look)
    rollout = gyre.api("GET", "/endpoints/delay")["rollouts"][0]
    return rollout, failed, versions, sent


def main():
    global HERE_DATA
    parser = argparse.ArgumentParser()
    parser.add_argument("--gyre", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--http", default="127.0.0.1:5000")
    parser.add_argument("--serve", type=int, default=1)
    options = parser.parse_args()
    began = time.time()
    work = os.path.abspath(options.work)
    HERE_DATA, home, arrived = f"{work}/data", f"{work}/home", f"{work}/arrived"
    for folder in (home, arrived):
        shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(work, exist_ok=True)
    story, failures, sent = [], [], 0

    head("0  A year of real flights, and an empty home")
    if not os.path.exists(f"{HERE_DATA}/flights/flights_12.parquet"):
        subprocess.run([sys.executable, f"{HERE}/prepare.py", HERE_DATA], check=True)
    os.makedirs(f"{HERE}/build", exist_ok=True)
    subprocess.run([sys.executable, "-W", "ignore", f"{HERE}/pipeline.py", f"{HERE}/build/train.yaml"], check=True)
    world = Flights(HERE_DATA)
    gyre = Gyre(options.gyre, home, options.http)
    say(f"the server answers after {gyre.start():.2f} s")
    gyre.run("apply", "-f", f"{HERE}/gyre.yaml")

    head("1  January and February arrive: checked, joined, trained, tracked, registered, released, deployed")
    add(gyre, arrived, [1, 2])
    gyre.run("pipeline", "train", "flights", "--reason", "the first model")
    run, release = wait_for_pipeline(gyre)
    gyre.run("endpoint", "list")

    head("2  March: every flight is a request, labels follow, drift and quality are computed")
    failed, _, count = send(gyre, world.requests(3), 3, "March")
    failures, sent = failures + failed, sent + count
    add(gyre, arrived, [3])
    report(gyre, 3, story)

    head("3  April's weather arrives broken: the temperature in Celsius, half of the humidity missing")
    failed, _, count = send(gyre, world.requests(4), 4, "April")
    failures, sent = failures + failed, sent + count
    broken = f"{work}/broken_weather_04.parquet"
    world.database.execute(
        f"COPY (SELECT * REPLACE ((temp - 32) * 5 / 9 AS temp, CASE WHEN hash(event_timestamp) % 2 = 0 THEN humid END AS humid) "
        f"FROM read_parquet('{HERE_DATA}/weather/weather_04.parquet')) TO '{broken}' (FORMAT parquet)")
    runs = len(gyre.api("GET", "/pipeline-runs")["runs"])
    add(gyre, arrived, [4], broken=broken, status=1)
    accepted = gyre.api("GET", "/datasets/weather")
    moved = accepted["accepted"] == accepted["versions"][0]["id"] or len(gyre.api("GET", "/pipeline-runs")["runs"]) != runs
    if moved:
        sys.exit("the broken month moved something downstream")
    say(f"nothing downstream moved: weather@{accepted['accepted']} is still the accepted version")
    say("the repaired month:")
    add(gyre, arrived, [4])

    head("4  April's quality fell: a policy retrains, and the new release goes out by canary")
    result = report(gyre, 4, story)
    if not any(action.startswith("retrain") for action in result["actions"]):
        sys.exit("no policy asked for a retraining")
    run, release = wait_for_pipeline(gyre)
    say(f"{release['ref']} with {release['pins']['model']} is a canary now, trained on {release['pins']['training']}")
    rollout, failed, versions, count = canary(gyre, world.requests(5), 5, "May")
    failures, sent = failures + failed, sent + count
    if rollout["state"] != "promoted":
        sys.exit(f"the better model was not promoted: {rollout['last_reason']}")
    good = release

    head("5  A bad release: labels shuffled by mistake, the gate switched off")
    gyre.run("pipeline", "train", "flights", "--reason", "a broken label join", "-p", "shuffle_labels=true", "-p", "minimum_auc=0.0")
    run, bad = wait_for_pipeline(gyre)
    rollout, failed, versions, count = canary(gyre, world.requests(6), 6, "June")
    failures, sent = failures + failed, sent + count
    if rollout["state"] != "rolled_back":
        sys.exit(f"the bad model was not rolled back: {rollout['last_reason']}")
    share = {f"version {v}": n for v, n in sorted(versions.items())}
    say(f"answers by version: {share}; failed requests: {len(failed)}")

    head("6  A release from the past is made again, rolled back to, and forward again")
    gyre.run("release", "reproduce", "delay@1")
    gyre.run("release", "diff", "delay@1", "--to", str(good["number"]))
    gyre.run("release", "rollback", "delay@1")
    gyre.run("endpoint", "list")
    gyre.run("release", "rollback", f"delay@{good['number']}")
    gyre.run("endpoint", "list")

    head("7  The ledger, and everything behind one single prediction")
    gyre.run("ledger", "verify")
    first = world.requests(5)[0][1]
    gyre.run("endpoint", "explain", "delay", f"flight-{first}")
    gyre.run("ledger", "log", "--kind", "loop", "--limit", "5")

    head("Summary")
    print(f"  {'month':10s} {'version':>7s} {'flights':>8s} {'AUC':>6s} {'Brier':>6s}  most drift")
    for month, version, rows, auc, brier, column, psi, score in story:
        print(f"  {month:10s} {version:7d} {rows:8,d} {auc:6.3f} {brier:6.3f}  {column} {psi:.2f}, score {score:.2f}")
    facts = json.loads(gyre.request("GET", "/api/gyre/v1/ledger/head")[1])["seq"]
    print(f"  {sent:,} requests, {len(failures)} failed; {facts:,} facts in the ledger; {time.time() - began:.0f} s in all")
    if failures:
        sys.exit(f"requests failed: {failures[:3]}")
    if options.serve:
        print(f"\n  The console is at http://{options.http} — stop with Ctrl-C, run again with make demo.", flush=True)
        try:
            gyre.process.wait()
        except KeyboardInterrupt:
            gyre.process.wait(timeout=30)
    else:
        gyre.stop()


if __name__ == "__main__":
    main()
