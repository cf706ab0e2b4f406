# SPDX-License-Identifier: Apache-2.0
"""Random pipelines run by dvc in one copy of a repository and by gyre in another: dvc.lock, run-cache, outputs and statuses are the same.

Stages have templates, `foreach`, `matrix`, lists of commands, parameters of several files, metrics and plots; steps change inputs, parameters,
outputs and `dvc.yaml`. Usage: dvc_pipelines.py GYRE FOLDER DVC [--seed N] [--days N] [--steps N]
"""
import json
import os

import dvc_differential as differential

VALUES = [1, 0.001, 1e-05, 1000.0, 1e20, True, False, None, "text", "with space", "yes", "0777", "2020-01-01", "a: b", "# no", "it's", "", [1, "x"], {"a": 1, "b": [2]}]


class Pipelines(differential.Day):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.caches_pairs = self.random.choice(["true", "false"])
        self.new_parameters()
        for name in ("in1.txt", "in2.txt"):
            self.write(name, self.content())
        self.both("add", "in1.txt")
        self.new_pipeline()
        self.commit()

    def new_parameters(self):
        values = {
            "lr": self.random.choice([0.1, 0.001, 1e-05, 3]), "name": self.random.choice(["x", "yes", "long name"]),
            "train": {"epochs": self.random.randrange(5), "layers": [1, 2], "flags": {"fast": True, "slow": False, "tag": "a b"}},
            "items": ["a", "b"], "pairs": {"p": {"n": 1}, "q": {"n": 2}}, "odd": self.random.choice(VALUES),
        }
        self.write("params.yaml", "".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items()))
        self.write("more.json", json.dumps({"alpha": self.random.choice(VALUES), "beta": {"c": self.random.randrange(3)}}))

    def new_pipeline(self):
        pick = self.random.choice
        lines = ["# the pipeline", "vars:", "- suffix: txt", "stages:"]
        lines += [
            "  prepare:", "    cmd: cat in1.txt in2.txt > prepared.${suffix}", "    deps:", "    - in1.txt", "    - in2.txt",
            "    params:", f"    - {pick(['lr', 'name', 'train', 'odd', 'train.epochs'])}", "    outs:", "    - prepared.txt"]
        if pick([True, False]):
            lines += [
                "  each:", "    foreach: ${items}", "    do:", "      cmd: (cat prepared.txt; echo ${item}) > each-${item}.txt", "      deps: [prepared.txt]",
                "      outs: [\"each-${item}.txt\"]"]
        if pick([True, False]):
            lines += [
                "  pairs:", "    foreach: ${pairs}", "    do:", "      cmd: echo ${key} ${item.n} ${lr} > pair-${key}.txt", "      params: [lr]",
                "      deps: [in2.txt]", "      outs:", "      - pair-${key}.txt:", "          cache: " + self.caches_pairs]
        if pick([True, False]):
            lines += [
                "  grid:", "    matrix:", "      n: [1, 2]", "      m: [u, v]", "    cmd:", "    - mkdir -p grid-${item.n}-${item.m}",
                "    - cat prepared.txt > grid-${item.n}-${item.m}/f; echo ${key} > grid-${item.n}-${item.m}/g", "    deps:", "    - prepared.txt",
                "    outs:", "    - grid-${item.n}-${item.m}"]
        command = pick([
            "echo '{\"acc\": 0.5}' > m.json; echo ${train.flags} > model",
            "echo \"{\\\"acc\\\": ${lr}}\" > m.json; wc -c < prepared.txt > model; echo a very long command line indeed, which goes on and on, so that it is folded somewhere",
            "printf '{\"acc\": 1}' > m.json && cp prepared.txt model"])
        lines += [
            "  train:", "    cmd: " + json.dumps(command), "    deps: [prepared.txt]", "    params:", "    - lr", "    - train.epochs", "    - more.json:",
            "    " + pick(["  - alpha", "  - beta.c"]), "    outs: [model]", "    metrics:", "    - m.json:", "        cache: false"]
        self.write("dvc.yaml", "\n".join(lines) + "\n")

    def step(self):
        choice = self.random.random()
        if choice < 0.35:
            self.both("repro", compares=None)
            self.both("status", "--json", compares=json.loads)
            self.commit()
        elif choice < 0.45:
            self.write(self.random.choice(["in1.txt", "in2.txt"]), self.content())
            self.both("status", "--json", compares=json.loads)
            self.both("repro")
        elif choice < 0.6:
            self.new_parameters()
            self.both("status", "--json", compares=json.loads)
            self.both("params", "diff", "--json", compares=json.loads)
            self.both("repro", *self.random.choice([(), ("train",), ("-s", "prepare"), ("--force", "prepare"), ("--downstream", "prepare")]))
        elif choice < 0.68:
            self.new_pipeline()
            self.both("status", "--json", compares=json.loads)
            self.both("repro")
        elif choice < 0.76:
            self.delete(self.random.choice(["prepared.txt", "model", "m.json"]))
            self.both("status", "--json", compares=json.loads)
            self.both(*self.random.choice([("repro",), ("checkout", "-f"), ("repro", "train")]))
        elif choice < 0.84:
            self.both("repro")
            self.both("metrics", "show", "--json", compares=json.loads)
            self.both("metrics", "diff", "--json", compares=json.loads)
            self.both("push", "--run-cache")
        elif choice < 0.95:
            self.both("dag", "--dot", compares=lambda text: sorted(filter(None, text.splitlines())))
            self.both("stage", "list", "--name-only", compares=lambda text: sorted(text.split()))
        else:
            self.both("repro")
            self.both("commit", "-f")


if __name__ == "__main__":
    differential.main(Pipelines, steps=10)
