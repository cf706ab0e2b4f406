# SPDX-License-Identifier: Apache-2.0
"""Every form in which a client may send the rows of a table, by every protocol."""
import csv
import io
import json
import os
import subprocess
import sys

import numpy

TYPES = {"FP64": "<f8", "FP32": "<f4", "INT64": "<i8"}
HERE = os.path.dirname(os.path.abspath(__file__))


def packed(values, datatype):
    """Elements as the protocol has them in bytes."""
    if datatype == "BYTES":
        return b"".join(len(text.encode()).to_bytes(4, "little") + text.encode() for text in map(str, values))
    return numpy.asarray(values, TYPES[datatype]).tobytes()


def tensors(names, rows, is_named):
    """The tensors of one request each, by the name of the form: one matrix, or one tensor for each column."""
    width, count = len(names), len(rows)
    flat = [value for row in rows for value in row]
    columns = list(zip(*rows))
    kinds = ["BYTES" if isinstance(column[0], str) else "INT64" if isinstance(column[0], int) else "FP64" for column in columns]
    forms = {}
    for datatype in ["BYTES"] if "BYTES" in kinds else ["FP64", "FP32"]:
        forms[f"one tensor {datatype}"] = [{"name": "anything", "datatype": datatype, "shape": [count, width], "data": [str(value) for value in flat] if datatype == "BYTES" else flat}]
    for shape in ([count], [count, 1]):
        own = [{"name": name, "datatype": kind, "shape": shape, "data": list(column)} for name, kind, column in zip(names, kinds, columns)]
        forms[f"columns {shape}"] = own
        if is_named:
            forms[f"columns {shape} in another order"] = own[::-1]
    return forms


def by_rest(server, model, inputs, binary):
    inputs = [dict(entry) for entry in inputs]
    content, headers = b"", {}
    if binary:
        for entry in inputs:
            own = packed(entry.pop("data"), entry["datatype"])
            entry["parameters"] = {"binary_data_size": len(own)}
            content += own
    head = json.dumps({"inputs": inputs}).encode()
    if binary:
        headers = {"Inference-Header-Content-Length": str(len(head))}
    status, answer = server.request("POST", f"/v2/models/{model}/infer", head + content, headers)
    return (status, answer["outputs"][0]["data"]) if status == 200 else (status, answer)


def by_grpc(python, address, model, forms):
    """The answers to all forms, by typed contents and by raw ones; `python` is one that has tritonclient."""
    asked = json.dumps({"model": model, "forms": forms})
    done = subprocess.run([python, f"{HERE}/grpc_rows.py", address], input=asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def answers(server, model, names, rows, is_named, grpc=None):
    """What every form of these rows got, by the name of the form: a status and the predictions.

    `is_named`: whether the model knows its columns by these names, so that they may come in any order.
    """
    order = -1 if is_named else 1
    found = {}

    def post(form, path, body, member, kind="application/json"):
        status, answer = server.request("POST", path, body, {"Content-Type": kind})
        answer = answer[member] if status == 200 else answer
        # An answer by columns names its outputs where there are several.
        found[form] = (status, next(iter(answer.values())) if isinstance(answer, dict) and status == 200 else answer)

    objects = [dict(list(zip(names, row))[::order]) for row in rows]
    columns = {name: list(column) for name, column in zip(names, zip(*rows))}
    for place in ["", "/versions/1"]:
        v1 = f"/v1/models/{model}{place}:predict"
        post(f"V1 rows{place}", v1, {"instances": rows}, "predictions")
        post(f"V1 objects{place}", v1, {"instances": objects}, "predictions")
        post(f"V1 inputs by rows{place}", v1, {"inputs": rows}, "outputs")
        post(f"V1 inputs by columns{place}", v1, {"inputs": columns}, "outputs")
    scored = f"/endpoints/{model}/invocations"
    post("scoring rows", scored, {"instances": rows}, "predictions")
    post("scoring objects", scored, {"instances": objects}, "predictions")
    post("scoring inputs by rows", scored, {"inputs": rows}, "predictions")
    post("scoring inputs by columns", scored, {"inputs": columns}, "predictions")
    post("scoring split", scored, {"dataframe_split": {"columns": names[::order], "data": [row[::order] for row in rows]}}, "predictions")
    post("scoring split without names", scored, {"dataframe_split": {"data": rows}}, "predictions")
    post("scoring split by numbers", scored, {"dataframe_split": {"columns": list(range(len(names))), "data": rows}}, "predictions")
    post("scoring records", scored, {"dataframe_records": objects}, "predictions")
    text = io.StringIO()
    csv.writer(text).writerows([names, *rows])
    post("scoring CSV", scored, text.getvalue(), "predictions", "text/csv")
    forms = tensors(names, rows, is_named)
    for form, inputs in forms.items():
        for binary in (False, True):
            found[f"V2 {form}, {'bytes' if binary else 'JSON'}"] = by_rest(server, model, inputs, binary)
    if any(isinstance(value, str) for value in rows[0]):
        mixed = [{"name": "anything", "datatype": "BYTES", "shape": [len(rows), len(names)], "data": rows}]
        found["V2 one tensor of numbers and texts, JSON"] = by_rest(server, model, mixed, False)
    if grpc:
        for form, answer in by_grpc(*grpc, model, forms).items():
            found[f"V2 {form} by gRPC"] = answer
    return found


def is_same(given, expected):
    """Whether predictions are the expected ones; records stand for several outputs, of which the first counts."""
    flat = numpy.asarray([next(iter(entry.values())) if isinstance(entry, dict) else entry for entry in given], dtype=object).ravel()
    if isinstance(expected[0], str):
        return [str(value) for value in flat] == [str(value) for value in expected]
    return len(flat) == len(expected) and numpy.allclose(flat.astype(float), numpy.asarray(expected, float), rtol=1e-5)


def check(server, model, names, rows, expected, is_named=True, grpc=None):
    """Asks in every form; all of them get what the model itself predicts."""
    found = answers(server, model, names, rows, is_named, grpc)
    wrong = {form: (status, str(given)[:300]) for form, (status, given) in found.items() if status != 200 or not is_same(given, expected)}
    assert not wrong, f"{model}: {json.dumps(wrong, indent=1)}"
    return found


def check_refused(server, model, names, rows):
    """Rows of another width, and columns of other names, are refused by every protocol with the width and the names that are taken."""
    wider = [row + row[:1] for row in rows]
    for path, body in [
        (f"/v1/models/{model}:predict", {"instances": wider}),
        (f"/endpoints/{model}/invocations", {"instances": wider}),
        (f"/v2/models/{model}/infer", {"inputs": [{
            "name": "anything", "datatype": "BYTES" if isinstance(rows[0][-1], str) else "FP64", "shape": [len(wider), len(wider[0])],
            "data": [str(v) if isinstance(rows[0][-1], str) else v for row in wider for v in row]}]}),
    ]:
        status, answer = server.request("POST", path, body, {"Content-Type": "application/json"})
        assert status == 400 and str(len(wider[0])) in json.dumps(answer) and str(len(names)) in json.dumps(answer), (path, status, answer)
    status, answer = server.request(
        "POST", f"/endpoints/{model}/invocations", {"dataframe_split": {"columns": ["no such"] + names[1:], "data": rows}},
        {"Content-Type": "application/json"})
    assert status == 400 and names[0] in json.dumps(answer), (status, answer)
