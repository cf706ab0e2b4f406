# SPDX-License-Identifier: Apache-2.0
"""Two hundred clients on few models and runs while the server is killed; what was acknowledged is there, once, and the chain is whole.
Called as: mlflow_crowd.py GYRE EMPTY_FOLDER [--seed N] [--seconds N]"""
import argparse
import asyncio
import collections
import json
import multiprocessing
import os
import random
import sys
import time
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../ClientTests/Scripts/harness"))
from server import Server

CLIENTS, PROCESSES, KILLS, MODELS, PAUSE = 200, 2, 3, 4, 0.15  # PAUSE: mean seconds that a client rests between calls
API = "/api/2.0/mlflow"


class Gone(Exception):
    """The connection broke; whether the server took the call is not known."""


class Client:
    """One client on one connection; it remembers what was acknowledged, and what may have been taken."""

    def __init__(self, number, seed, port, shared, ends, record):
        self.number, self.port, self.shared, self.ends, self.record = number, port, shared, ends, record
        self.chance, self.reader, self.writer, self.step, self.versions = random.Random(f"{seed}/{number}"), None, None, 0, []

    async def call(self, method, path, body=None):
        text = json.dumps(body) if body is not None else ""
        began = time.time()
        try:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
            head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)).decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0])
            content = (await asyncio.wait_for(self.reader.readexactly(length), 20)).decode()
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as problem:
            if self.writer:
                self.writer.close()
            self.writer = None
            self.record["broken"].append((began, time.time(), f"{method} {path}: {type(problem).__name__} {problem}"))
            raise Gone
        status = int(head.split()[1])
        self.record["calls"][path.split("?")[0].removeprefix(API)] += 1
        self.record["slowest"] = max(self.record["slowest"], (time.time() - began, path.split("?")[0]))
        if status != 200 or "database is locked" in content:
            self.record["bad"].append(f"{method} {path} {text[:300]} answered {status} {content[:300]}")
            return None
        return json.loads(content)

    async def put(self, place, value, method, path, body):
        """A write of `value` to `place`, where the last acknowledged one stays until the next."""
        tries = self.record["places"].setdefault(place, [None, []])
        tries[1].append(value)
        answer = await self.call(method, API + path, body)
        if answer is not None:
            tries[0], tries[1] = value, []
        else:
            tries[1].remove(value)
        return answer

    async def metric(self):
        self.step += 1
        body = {"run_id": self.run, "key": "m", "value": self.step / 2, "timestamp": self.step, "step": self.step}
        if await self.call("POST", f"{API}/runs/log-metric", body) is not None:
            self.record["points"].append((self.run, "m", self.step))

    async def batch(self):
        run = self.chance.choice(self.shared["runs"])
        self.step += 1
        key = f"b{self.number}"
        body = {"run_id": run, "metrics": [{"key": key, "value": 1, "timestamp": self.step, "step": self.step}],
                "params": [{"key": f"{key}.{self.step}", "value": str(self.step)}], "tags": [{"key": f"{key}.{self.step}", "value": "x"}]}
        if await self.call("POST", f"{API}/runs/log-batch", body) is not None:
            self.record["points"].append((run, key, self.step))
            self.record["pairs"].append((run, f"{key}.{self.step}"))

    async def create_run(self):
        answer = await self.call("POST", f"{API}/runs/create", {"experiment_id": self.shared["experiment"], "run_name": f"c{self.number}"})
        if answer:
            self.run = answer["run"]["info"]["run_id"]
            self.record["runs"].append(self.run)

    async def tag(self):
        run, self.step = self.chance.choice(self.shared["runs"]), self.step + 1
        await self.put(("run", run, f"t{self.number}"), str(self.step), "POST", "/runs/set-tag",
                       {"run_id": run, "key": f"t{self.number}", "value": str(self.step)})

    async def model_tag(self):
        name, self.step = self.chance.choice(self.shared["models"]), self.step + 1
        await self.put(("model", name, f"t{self.number}"), str(self.step), "POST", "/registered-models/set-tag",
                       {"name": name, "key": f"t{self.number}", "value": str(self.step)})

    async def version(self):
        name = self.chance.choice(self.shared["models"])
        body = {"name": name, "source": f"s3://bucket/{self.number}", "description": f"c{self.number}"}
        if answer := await self.call("POST", f"{API}/model-versions/create", body):
            number = answer["model_version"]["version"]
            self.record["versions"].append((name, number, f"c{self.number}"))
            self.versions.append((name, number))

    async def version_tag(self):
        name, number, self.step = *self.chance.choice(self.shared["versions"]), self.step + 1
        await self.put(("version", f"{name}/{number}", f"t{self.number}"), str(self.step), "POST", "/model-versions/set-tag",
                       {"name": name, "version": number, "key": f"t{self.number}", "value": str(self.step)})

    async def alias(self):
        if self.versions:
            name, number = self.chance.choice(self.versions)
            await self.put(("alias", name, f"a{self.number}"), number, "POST", "/registered-models/alias",
                           {"name": name, "alias": f"a{self.number}", "version": number})
            await self.call("POST", f"{API}/registered-models/alias", {"name": name, "alias": "champion", "version": number})

    async def search(self):
        tag = quote(f"tags.t{self.number} != 'x'")
        await self.chance.choice([
            lambda: self.call("POST", f"{API}/runs/search", {"experiment_ids": [self.shared["experiment"]], "max_results": 5,
                                                              "filter": f"metrics.m > {self.chance.random()}",
                                                              "order_by": ["metrics.m DESC"]}),
            lambda: self.call("GET",
                              f"{API}/model-versions/search?max_results=5&filter=name%3D%27{self.shared['models'][0]}%27"),
            lambda: self.call("GET", f"{API}/registered-models/search?max_results=5&filter={tag}"),
            lambda: self.call("GET", f"{API}/registered-models/get?name={self.shared['models'][0]}"),
            lambda: self.call("POST", f"{API}/experiments/search", {"max_results": 5})])()

    async def work(self):
        calls = [self.metric] * 5 + [self.batch] * 3 + [self.create_run] * 2 + [self.tag] * 2 + [self.model_tag, self.version,
            self.version_tag, self.alias] * 2
        calls += [self.search]
        self.run = self.shared["runs"][self.number % len(self.shared["runs"])]
        while time.time() < self.ends:
            try:
                await self.chance.choice(calls)()
                await asyncio.sleep(self.chance.uniform(0, 2 * PAUSE))
            except Gone:
                await asyncio.sleep(0.1)


def crowd(process, seed, port, shared, ends, queue):
    record = {"broken": [], "bad": [], "calls": collections.Counter(), "slowest": (0, ""), "places": {}, "points": [], "pairs": [],
              "runs": [], "versions": []}

    async def all():
        clients = [Client(n, seed, port, shared, ends, record) for n in range(process, CLIENTS, PROCESSES)]
        await asyncio.gather(*(client.work() for client in clients))

    asyncio.run(all())
    queue.put(record)


def pages(server, method, path, name, body):
    found, token = [], ""
    while True:
        if method == "POST":
            status, answer = server.request(method, API + path, body | {"page_token": token})
        else:
            query = "&".join(f"{key}={quote(str(value))}" for key, value in (body | {"page_token": token}).items())
            status, answer = server.request(method, f"{API}{path}?{query}")
        assert status == 200, (path, status, answer)
        found += answer.get(name, [])
        if not (token := answer.get("next_page_token", "")):
            return found


def main():
    options = argparse.ArgumentParser()
    options.add_argument("gyre")
    options.add_argument("folder")
    options.add_argument("--seed", type=int, default=3)
    options.add_argument("--seconds", type=float, default=20)
    options = options.parse_args()
    print(f"seed {options.seed}, {CLIENTS} clients, {options.seconds} s")
    server, chance, problems = Server(options.gyre, options.folder).start(), random.Random(options.seed), []

    def made(path, body):
        status, answer = server.request("POST", API + path, body)
        assert status == 200, (path, status, answer)
        return answer

    shared = {"experiment": made("/experiments/create", {"name": "crowd"})["experiment_id"], "models": [f"model{n}" for n in range(MODELS)],
              "versions": []}
    shared["runs"] = [made("/runs/create", {"experiment_id": shared["experiment"]})["run"]["info"]["run_id"] for _ in range(4)]
    for name in shared["models"]:
        made("/registered-models/create", {"name": name})
        made("/model-versions/create", {"name": name, "source": "s3://bucket/first", "description": "first"})
        shared["versions"].append((name, "1"))
    queue, ends = multiprocessing.Queue(), time.time() + options.seconds
    began = time.time()
    crowds = [multiprocessing.Process(target=crowd, args=(n, options.seed, server.port, shared, ends, queue), daemon=True)
              for n in range(PROCESSES)]
    [process.start() for process in crowds]
    outages = []
    for kill in range(KILLS):
        time.sleep(max(0, began + options.seconds * (kill + chance.uniform(0.6, 1.2)) / (KILLS + 1) - time.time()))
        down = time.time()
        server.kill()
        server.start()
        outages.append((down - 0.5, time.time() + 1))
    records = [queue.get(timeout=options.seconds + 600) for _ in crowds]
    [process.join() for process in crowds]
    all = {name: [item for record in records for item in record[name]] for name in ["broken", "bad", "points", "pairs", "runs", "versions"]}
    places = {place: tries for record in records for place, tries in record["places"].items()}
    calls = sum((record["calls"] for record in records), collections.Counter())
    slowest = max(record["slowest"] for record in records)

    def expect(missing, what):
        if missing:
            problems.append(f"{len(missing)} {what}, for example {sorted(missing)[:3]}")

    expect([text for start, end, text in all["broken"] if not any(start <= up and end >= down for down, up in outages)],
           "connections broke while the server was up")
    kinds = collections.Counter(text.split(" answered ")[0].split(" ")[1] + " " + text.split(" answered ")[1][:60] for text in all["bad"])
    if all["bad"]:
        problems.append(f"{len(all['bad'])} correct calls were refused: {kinds.most_common(4)}, for example {all['bad'][0]}")
    found = {run["info"]["run_id"]: run for run in pages(server, "POST", "/runs/search", "runs",
                                                         {"experiment_ids": [shared["experiment"]], "max_results": 1000})}
    expect(set(all["runs"]) - found.keys(), "acknowledged runs are lost")
    histories = {}
    for run, key in {(run, key) for run, key, _ in all["points"]}:
        points = pages(server, "GET", "/metrics/get-history", "metrics", {"run_id": run, "metric_key": key, "max_results": 25_000})
        histories[run, key] = {point["step"] for point in points}
    expect([point for point in all["points"] if point[2] not in histories[point[:2]]], "acknowledged points are lost")
    params = {(run, param["key"]) for run in shared["runs"] for param in found[run]["data"].get("params", [])}
    tags = {(run, tag["key"]): tag["value"] for run in shared["runs"] for tag in found[run]["data"].get("tags", [])}
    expect(set(all["pairs"]) - params, "acknowledged params are lost")
    expect(set(all["pairs"]) - tags.keys(), "acknowledged tags of batches are lost")
    half = {(run, key) for run, key in params ^ tags.keys() if key.startswith("b")}
    expect(half, "batches were stored by half")
    numbers = collections.Counter((name, number) for name, number, _ in all["versions"])
    expect([version for version, times in numbers.items() if times > 1], "version numbers were given out twice")
    stored = {}
    for name in shared["models"]:
        versions = pages(server, "GET", "/model-versions/search", "model_versions", {"filter": f"name = '{name}'"})
        stored.update({(name, version["version"]): version for version in versions})
        count, highest = len(versions), max(int(version["version"]) for version in versions)
        expect([f"{name}: {count} versions, the highest is {highest}"] if count != highest else [], "models have gaps among their versions")
        status, answer = server.request("POST", f"{API}/model-versions/create", {"name": name, "source": "s3://bucket/last"})
        if status != 200 or int(answer["model_version"]["version"]) != highest + 1:
            problems.append(f"{name} has {highest} versions, and a further one was answered {status} {answer}: the model is stuck")
    expect([version for version in all["versions"] if stored.get(version[:2], {}).get("description") != version[2]],
           "acknowledged versions are lost or another's")
    models = {name: server.request("GET", f"{API}/registered-models/get?name={name}")[1]["registered_model"] for name in shared["models"]}
    lost = collections.Counter()
    for (kind, of, key), (last, open) in places.items():
        if kind == "run":
            now = tags.get((of, key))
        elif kind == "model":
            now = {tag["key"]: tag["value"] for tag in models[of].get("tags", [])}.get(key)
        elif kind == "version":
            now = {tag["key"]: tag["value"] for tag in stored[tuple(of.split("/"))].get("tags", [])}.get(key)
        else:
            now = {alias["alias"]: str(alias["version"]) for alias in models[of].get("aliases", [])}.get(key)
        if now != last and now not in open:
            lost[kind] += 1
    for kind, count in lost.items():
        what = "alias moves" if kind == "alias" else f"tags of a {kind}"
        problems.append(f"{count} of {sum(k == kind for k, _, _ in places)} acknowledged {what} are lost: "
                        "another client's write to the same row took them back")
    for name in shared["models"]:
        target = next((alias["version"] for alias in models[name].get("aliases", []) if alias["alias"] == "champion"), None)
        if target is not None and (name, str(target)) not in stored:
            problems.append(f"the alias champion of {name} points at version {target}, which is not there")
    server.stop()
    verified = server.run("ledger", "verify", "--home", server.home)
    print(f"{sum(calls.values())} calls answered, {len(all['broken'])} broken by {KILLS} kills; "
          f"slowest {slowest[0]:.2f} s at {slowest[1]}; {verified.stdout.strip()}")
    print(", ".join(f"{path} {count}" for path, count in calls.most_common()))
    total = {name: len(all[name]) for name in ["runs", "points", "pairs", "versions"]} | {"places": len(places)}
    if min(total.values()) < 50:
        problems.append(f"too little was written to prove anything: {total}")
    if problems:
        print(*problems, sep="\n")
        sys.exit(f"{len(problems)} problems")
    print(f"crowd: acknowledged and found: {total}")


if __name__ == "__main__":
    main()
