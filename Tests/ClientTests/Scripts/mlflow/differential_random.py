# SPDX-License-Identifier: Apache-2.0
"""Random calls over a small pool of things: the seed alone decides which, so that both servers get the same."""
import random

from differential_harness import Refused, step
from differential_tracking import PAST
from mlflow.entities import Metric, Param, RunTag, ViewType

WORDS = ["a", "b", "A", "ab", "a_b", "a%b", "x'y", "ü", "", "1", "10", "9", "long word"]
NUMBERS = [0.0, 1.0, -1.0, 0.5, 2.0, 10.0, 1e9, float("nan"), float("inf"), float("-inf")]
ORDERED = ["=", "!=", ">", ">=", "<", "<="]
KEYS = ["k", "l", "m.n", "with space", "K"]


def quoted(word):
    return f'"{word}"' if "'" in word else f"'{word}'"


def text_test(choose, keys=("=", "!=", "LIKE", "ILIKE"), words=WORDS):
    operator = choose.choice(keys)
    word = choose.choice(words)
    if "LIKE" in operator:
        word = choose.choice(["%", "%b", "a%", "_", "a_b", "%'%", "%1%", word])
    return f"{operator} {quoted(word)}"


def key(choose):
    name = choose.choice(KEYS)
    return f"`{name}`" if " " in name or choose.random() < 0.2 else name


def run_clause(choose):
    kind = choose.randrange(12)
    if kind < 3:
        number = choose.choice(["0", "1", "-1", "0.5", "1e3", "2.0"])
        return f"{choose.choice(['metrics', 'metric'])}.{key(choose)} {choose.choice(ORDERED)} {number}"
    if kind < 5:
        return f"{choose.choice(['params', 'param', 'parameters'])}.{key(choose)} {text_test(choose)}"
    if kind < 7:
        return f"{choose.choice(['tags', 'tag'])}.{key(choose)} {text_test(choose)}"
    if kind == 7:
        return f"{choose.choice(['params', 'tags'])}.{key(choose)} {choose.choice(['IS NULL', 'IS NOT NULL', 'is null'])}"
    if kind == 8:
        name = choose.choice(["", "attributes.", "attribute."]) + choose.choice(["start_time", "end_time", "created"])
        return f"{name} {choose.choice(ORDERED)} {PAST + choose.randrange(6)}"
    if kind == 9:
        return choose.choice(["", "attributes."]) + f"status {text_test(choose, words=['RUNNING', 'FINISHED', 'FAILED', 'finished'])}"
    if kind == 10:
        return f"{choose.choice(['', 'attributes.', 'run.'])}run_name {text_test(choose)}"
    return choose.choice(["metrics.k = 'x'", "params.k = 5", "nothing = 'x'", "metrics.k >", "tags.k > 'a'", "run_name",
        "params.k = 'a' OR params.k = 'b'", "status IN ('RUNNING')", "dataset.name = 'x'"])


def order(choose, kinds):
    return [f"{kind}{choose.choice(['', ' ASC', ' DESC', ' desc'])}" for kind in choose.sample(kinds, choose.randrange(3))]


def clauses(choose, one, most=3):
    return choose.choice([" AND ", " and "]).join(one(choose) for _ in range(choose.randrange(most + 1)))


def model_clause(choose):
    return choose.choice([lambda: f"name {text_test(choose)}", lambda: f"tags.{key(choose)} {text_test(choose)}",
        lambda: "name LIKE 'random%'", lambda: f"nothing {text_test(choose)}"])()


def version_clause(choose):
    return choose.choice([lambda: f"name {text_test(choose, words=['random 0', 'random 1'])}",
        lambda: f"tags.{key(choose)} {text_test(choose)}", lambda: f"version_number {choose.choice(ORDERED)} {choose.randrange(5)}",
                          lambda: f"source_path {text_test(choose)}", lambda: "name IN ('random 0', 'x')",
                          lambda: f"version_number {text_test(choose)}"])()


def experiment_clause(choose):
    return choose.choice([lambda: f"name {text_test(choose)}", lambda: f"tags.{key(choose)} {text_test(choose)}",
        lambda: f"tags.{key(choose)} {choose.choice(['IS NULL', 'IS NOT NULL'])}", lambda: "creation_time > 5"])()


class Pool:
    """What exists, by number: a refused creation leaves a place that no server knows."""

    def __init__(self, t):
        self.t, self.c, self.choose = t, t.client, random.Random(t.seed)
        self.experiments = [self.c.create_experiment(f"random {i}") for i in range(3)]
        self.runs, self.models, self.count = [], [f"random {i}" for i in range(3)], 0
        for name in self.models:
            self.c.create_registered_model(name)
        for _ in range(4):
            self.new_run()

    def new_run(self):
        self.count += 1  # a time of its own for each run: ties are broken by random ids
        made = self.c.create_run(self.choose.choice(self.experiments), PAST + self.count,
            {self.choose.choice(KEYS): self.choose.choice(WORDS)}, self.choose.choice(WORDS) or "named")
        self.runs.append("0" * 32 if isinstance(made, Refused) else made.info.run_id)

    def act(self):
        c, r = self.c, self.choose
        run, experiment, model, number = r.choice(self.runs), r.choice(self.experiments), r.choice(self.models), str(r.randrange(1, 5))
        word, name = r.choice(WORDS), r.choice(KEYS)
        actions = [
            (6, lambda: self.new_run() if len(self.runs) < 25 else None), (10, lambda: c.log_metric(run, name, r.choice(NUMBERS),
                PAST + r.randrange(5), r.randrange(-1, 4))), (8, lambda: c.log_param(run, name, word)), (8, lambda: c.set_tag(run, name,
                    word)), (3, lambda: c.delete_tag(run, name)),
            (6, lambda: c.log_batch(run, [Metric(r.choice(KEYS), r.choice(NUMBERS), PAST + r.randrange(5),
                r.randrange(4)) for _ in range(r.randrange(4))], [Param(r.choice(KEYS), r.choice(WORDS)) for _ in range(r.randrange(2))],
                [RunTag(r.choice(KEYS), r.choice(WORDS)) for _ in range(r.randrange(3))])),
            (4, lambda: c.set_terminated(run, r.choice(["FINISHED", "FAILED", "KILLED"]), PAST + r.randrange(9))), (3,
                lambda: c.update_run(run, r.choice([None, "RUNNING", "FINISHED"]), r.choice([None, word]))), (3,
                    lambda: c.delete_run(run)), (3, lambda: c.restore_run(run)), (6, lambda: c.get_run(run)),
            (4, lambda: c.get_metric_history(run, name)), (2, lambda: c.delete_experiment(experiment)), (4,
                lambda: c.restore_experiment(experiment)), (3, lambda: c.set_experiment_tag(experiment, name, word)), (2,
                    lambda: c.delete_experiment_tag(experiment, name)), (3, lambda: c.get_experiment(experiment)),
            (2, lambda: c.rename_experiment(experiment, f"random {word} {r.randrange(3)}")),
            (30, lambda: c.search_runs(r.sample(self.experiments, r.randrange(1, 4)), clauses(r, run_clause),
                r.choice([ViewType.ACTIVE_ONLY] * 3 + [ViewType.ALL, ViewType.DELETED_ONLY]), r.choice([1000, 1000, 3]),
                                       order(r, ["metrics.k", "metrics.`with space`", "params.k", "tags.l", "start_time",
                                           "attributes.end_time", "run_name", "status", "nothing"]))),
            (5, lambda: c.search_experiments(r.choice([ViewType.ACTIVE_ONLY, ViewType.ALL]), filter_string=" AND ".join(filter(None,
                ["name LIKE 'random%'", clauses(r, experiment_clause, 2)])), order_by=order(r, ["name", "creation_time",
                    "experiment_id"]))),
            (6, lambda: c.create_model_version(model, f"s3://b/{word}x", tags={name: word})), (3, lambda: c.delete_model_version(model,
                number)), (4, lambda: c.get_model_version(model, number)), (3, lambda: c.update_model_version(model, number, word)), (3,
                    lambda: c.set_model_version_tag(model, number, name, word)),
            (2, lambda: c.delete_model_version_tag(model, number, name)), (3, lambda: c.set_registered_model_tag(model, name, word)), (2,
                lambda: c.delete_registered_model_tag(model, name)), (4, lambda: c.set_registered_model_alias(model, r.choice(["one",
                    "two"]), number)), (2, lambda: c.delete_registered_model_alias(model, r.choice(["one", "two"]))),
            (3, lambda: c.get_model_version_by_alias(model, r.choice(["one", "two"]))), (4, lambda: c.get_registered_model(model)), (3,
                lambda: c.transition_model_version_stage(model, number, r.choice(["Staging", "Production"]), r.random() < 0.5)), (3,
                    lambda: c.get_latest_versions(model, r.choice([None, ["Production"], ["None", "Staging"]]))),
            (1, lambda: c.delete_registered_model(model)), (3, lambda: c.create_registered_model(model, {name: word}, word)), (2,
                lambda: c.rename_registered_model(model, r.choice(self.models))),
            (6, lambda: c.search_registered_models(" AND ".join(filter(None, ["name LIKE 'random%'", clauses(r, model_clause, 1)])),
                r.choice([100, 2]), order(r, ["name", "creation_timestamp", "last_updated_timestamp"]))),
            (8, lambda: c.search_model_versions(" AND ".join(filter(None, ["name LIKE 'random%'", clauses(r, version_clause, 2)])),
                r.choice([100, 3]), order(r, ["name", "version_number", "creation_timestamp"]))),
        ]
        r.choices([a for _, a in actions], [w for w, _ in actions])[0]()


def sequence(t, offset):
    t.seed, seed = t.seed * 1000 + offset, t.seed
    try:
        pool = Pool(t)
        for _ in range(t.calls // 3):
            pool.act()
        for run in pool.runs:
            pool.c.get_run(run)
        for model in pool.models:
            pool.c.delete_registered_model(model)
        for index, experiment in enumerate(pool.experiments):
            pool.c.restore_experiment(experiment)
            pool.c.rename_experiment(experiment, f"was random {t.seed} {index}")
    finally:
        t.seed = seed


@step
def sequence_one(t):
    sequence(t, 1)


@step
def sequence_two(t):
    sequence(t, 2)


@step
def sequence_three(t):
    sequence(t, 3)
