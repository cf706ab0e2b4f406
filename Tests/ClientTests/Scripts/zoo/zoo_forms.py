# SPDX-License-Identifier: Apache-2.0
"""Every form in which clients send rows to a model, and how the answers read."""
import base64
import datetime
import io
import json
import struct

import numpy
import pandas

V2 = {"float64": "FP64", "float32": "FP32", "int64": "INT64", "int32": "INT32", "bool": "BOOL"}


def plain(value):
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, numpy.ndarray):
        return plain(value.tolist())
    if isinstance(value, (datetime.datetime, pandas.Timestamp)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, numpy.generic):
        value = value.item()
    if isinstance(value, float) and value != value:
        return None
    if value is pandas.NaT or value is pandas.NA:
        return None
    return value


def result(value):
    """What a model's own library predicts, row by row."""
    if isinstance(value, pandas.DataFrame):
        return [plain(row) for row in value.to_dict("records")]
    if isinstance(value, pandas.Series):
        return plain(value.tolist())
    if hasattr(value, "toarray"):
        return plain(value.toarray())
    if isinstance(value, dict) and value and all(isinstance(inner, numpy.ndarray) for inner in value.values()):
        return [dict(zip(value, row)) for row in zip(*(plain(inner) for inner in value.values()))]
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) and all(isinstance(inner, numpy.ndarray) for inner in value[0].values()):
        return result(value[0])
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    return plain(value)


def alike(left, right):
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, (int, float)) and isinstance(right, (int, float)) and type(left) is not bool and type(right) is not bool:
        return left == right or abs(left - right) <= 1e-4 * max(1, abs(left), abs(right)) or (left != left and right != right)
    if left is None or right is None:
        missing = lambda value: value is None or value != value or value == "NaN"
        return missing(left) and missing(right)
    if type(left) is bool or type(right) is bool:
        return type(left) is type(right) and left == right
    return left == right


def bare(rows):
    """Rows of one value each, whether they stand in an object or a list of one or alone."""
    if isinstance(rows, dict) and rows and all(isinstance(value, list) for value in rows.values()):
        rows = [dict(zip(rows, row)) for row in zip(*rows.values())]
    if not isinstance(rows, list):
        return rows
    bared = []
    for row in rows:
        while isinstance(row, (list, dict)) and len(row) == 1:
            row = next(iter(row.values())) if isinstance(row, dict) else row[0]
        bared.append(row)
    return bared


# Forms: each makes of rows a path, headers and a body; None where the rows cannot be said so.

def json_body(path, body, read):
    return path, {"content-type": "application/json"}, json.dumps(body).encode(), read


def predictions(answer):
    return answer["predictions"]


def invocations(name, body):
    return json_body(f"/endpoints/{name}/invocations", body, predictions)


def v1(name, body):
    return json_body(f"/v1/models/{name}:predict", body, predictions)


def dataframe_split(name, rows):
    if isinstance(rows, pandas.DataFrame):
        return invocations(name, {"dataframe_split": {"columns": list(rows.columns), "data": plain(rows.to_numpy(object))}})


def dataframe_split_shuffled(name, rows):
    if isinstance(rows, pandas.DataFrame) and len(rows.columns) > 1:
        return dataframe_split(name, rows[list(rows.columns[::-1])])


def dataframe_records(name, rows):
    if isinstance(rows, pandas.DataFrame):
        return invocations(name, {"dataframe_records": plain(rows.to_dict("records"))})


def inputs_columns(name, rows):
    if isinstance(rows, pandas.DataFrame):
        return invocations(name, {"inputs": plain(rows.to_dict("list"))})
    if isinstance(rows, dict) and "messages" not in rows:
        return invocations(name, {"inputs": plain(rows)})


def inputs_rows(name, rows):
    if isinstance(rows, pandas.DataFrame):
        return invocations(name, {"inputs": plain(rows.to_numpy(object))})
    if isinstance(rows, (list, numpy.ndarray)):
        return invocations(name, {"inputs": plain(rows)})


def inputs_records(name, rows):
    if isinstance(rows, pandas.DataFrame):
        return invocations(name, {"inputs": plain(rows.to_dict("records"))})


def instances_rows(name, rows):
    if isinstance(rows, pandas.DataFrame):
        return invocations(name, {"instances": plain(rows.to_numpy(object))})
    if isinstance(rows, (list, numpy.ndarray)):
        return invocations(name, {"instances": plain(rows)})


def instances_records(name, rows):
    if isinstance(rows, pandas.DataFrame):
        return invocations(name, {"instances": plain(rows.to_dict("records"))})
    if isinstance(rows, dict) and "messages" not in rows:
        return invocations(name, {"instances": [dict(zip(rows, row)) for row in zip(*map(plain, rows.values()))]})


def flat(rows):
    return isinstance(rows, pandas.DataFrame) and not rows.map(lambda value: isinstance(value, (list, dict))).any().any()


def csv(name, rows):
    if flat(rows):
        return f"/endpoints/{name}/invocations", {"content-type": "text/csv"}, rows.to_csv(index=False).encode(), predictions


def v1_rows(name, rows):
    made = instances_rows(name, rows)
    return made and (f"/v1/models/{name}:predict", *made[1:])


def v1_records(name, rows):
    made = instances_records(name, rows)
    return made and (f"/v1/models/{name}:predict", *made[1:])


def v1_inputs(name, rows):
    if isinstance(rows, pandas.DataFrame):
        return json_body(f"/v1/models/{name}:predict", {"inputs": plain(rows.to_dict("list"))}, outputs_by_column)


def outputs_by_column(answer):
    found = answer["outputs"] if "outputs" in answer else answer["predictions"]
    if isinstance(found, dict):
        return [dict(zip(found, row)) for row in zip(*found.values())]
    return found


def tensors(answer):
    """The rows of V2's outputs."""
    columns = {}
    for output in answer["outputs"]:
        data = output["data"]
        if output["datatype"] == "BYTES":
            data = [json.loads(text) if text[:1] in ("{", "[") else text for text in data]
        columns[output["name"]] = numpy.array(data, dtype=object).reshape(output["shape"]).tolist()
    if len(columns) == 1:
        return next(iter(columns.values()))
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def column(name, values, shape, kind=None):
    values = plain(list(values))
    numbers = [value for value in values if value is not None]
    parameters = None
    if all(type(value) is bool for value in numbers):
        datatype = "BOOL"
    elif all(type(value) is int for value in numbers) and len(numbers) == len(values):
        datatype = "INT64"
    elif all(isinstance(value, (int, float)) and type(value) is not bool for value in numbers):
        datatype = "FP64"
    else:
        datatype, parameters = "BYTES", {"content_type": "str"}
    made = {"name": str(name), "datatype": datatype, "shape": shape, "data": values}
    if parameters:
        made["parameters"] = parameters
    return made


def v2(name, inputs, parameters=None):
    body = {"inputs": inputs}
    if parameters:
        body["parameters"] = parameters
    return json_body(f"/v2/models/{name}/infer", body, tensors)


def v2_matrix(name, rows):
    """One tensor of any name."""
    if isinstance(rows, pandas.DataFrame) and all(kind.kind in "fi" for kind in rows.dtypes):
        values = rows.to_numpy("float64")
        return v2(name, [{"name": "anything", "datatype": "FP64", "shape": list(values.shape), "data": plain(values.ravel())}])
    if isinstance(rows, numpy.ndarray):
        return v2(name, [{"name": "anything", "datatype": V2[str(rows.dtype)], "shape": list(rows.shape), "data": plain(rows.ravel())}])


def v2_columns(name, rows):
    """A tensor for each column, [n]."""
    if flat(rows):
        return v2(name, [column(key, rows[key], [len(rows)]) for key in rows.columns])
    if isinstance(rows, dict) and "messages" not in rows:
        return v2(name, [{"name": key, "datatype": V2[str(value.dtype)], "shape": list(value.shape), "data": plain(value.ravel())} for key, value in rows.items()])


def v2_columns_pandas(name, rows):
    """As MLServer's and KServe's codecs for pandas send a table: [n, 1] each."""
    if flat(rows):
        return v2(name, [column(key, rows[key], [len(rows), 1]) for key in rows.columns], {"content_type": "pd"})


def v2_texts(name, rows):
    if isinstance(rows, list):
        return v2(name, [{"name": "anything", "datatype": "BYTES", "shape": [len(rows)], "data": rows, "parameters": {"content_type": "str"}}])


def v2_binary(name, rows):
    """Triton's extension: tensors as bytes behind the JSON."""
    if isinstance(rows, pandas.DataFrame) and all(kind.kind in "f" for kind in rows.dtypes):
        rows = rows.to_numpy("float64")
    if isinstance(rows, numpy.ndarray) and str(rows.dtype) in V2:
        content = rows.tobytes()
        head = json.dumps({"inputs": [{
            "name": "anything", "datatype": V2[str(rows.dtype)], "shape": list(rows.shape), "parameters": {"binary_data_size": len(content)}}]}).encode()
        return f"/v2/models/{name}/infer", {"inference-header-content-length": str(len(head))}, head + content, tensors


def messages(name, rows):
    if isinstance(rows, dict) and "messages" in rows:
        return json_body(f"/endpoints/{name}/invocations", rows, lambda answer: answer["choices"][0]["message"]["content"])


FORMS = [
    messages,
    dataframe_split, dataframe_split_shuffled, dataframe_records, inputs_columns, inputs_rows, inputs_records, instances_rows, instances_records, csv,
    v1_rows, v1_records, v1_inputs, v2_matrix, v2_columns, v2_columns_pandas, v2_texts, v2_binary]
