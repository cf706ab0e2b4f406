# SPDX-License-Identifier: Apache-2.0
"""The ONNX project's own backend tests (Debian's libonnx-testdata), each model served and asked with its recorded inputs, as bytes and as JSON.

The answers must be the recorded ones. A case is left out only where ONNX Runtime itself does not run it, where what it takes or gives is no
tensor, or where its outputs are random.
"""
import glob
import http.client
import json
import os
import struct
import sys

import numpy
import onnx
import onnxruntime
from onnx import numpy_helper
from server import Server

onnxruntime.set_default_logger_severity(4)
ROOT = "/usr/include/onnx/backend/test/data"
NAMES = {
    "bool": "BOOL", "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64", "int8": "INT8", "int16": "INT16", "int32": "INT32",
    "int64": "INT64", "float16": "FP16", "float32": "FP32", "float64": "FP64", "object": "BYTES"}
DTYPES = {name: dtype for dtype, name in NAMES.items()}


def encode(array):
    if array.dtype == object:
        parts = [text if isinstance(text, bytes) else str(text).encode() for text in array.ravel()]
        return b"".join(struct.pack("<I", len(part)) + part for part in parts)
    return numpy.ascontiguousarray(array).tobytes()


def decode(content, datatype, shape):
    if datatype == "BYTES":
        texts, place = [], 0
        while place < len(content):
            length, = struct.unpack_from("<I", content, place)
            texts.append(content[place + 4:place + 4 + length].decode())
            place += 4 + length
        return numpy.array(texts, dtype=object).reshape(shape)
    if datatype == "BF16":
        wide = numpy.frombuffer(content, "uint16").astype("uint32") << 16
        return wide.view("float32").reshape(shape)
    return numpy.frombuffer(content, DTYPES[datatype]).reshape(shape)


def read(path, value_info):
    """A recorded tensor; None for what is none."""
    if not value_info.type.HasField("tensor_type"):
        return None
    tensor = onnx.TensorProto()
    tensor.ParseFromString(open(path, "rb").read())
    array = numpy_helper.to_array(tensor)
    if array.dtype.kind in "SU":
        array = array.astype(object)
    return array if array.dtype.name in NAMES and tensor.data_type != onnx.TensorProto.BFLOAT16 else None


def ask(connection, name, inputs, is_binary):
    head, content = [], b""
    for key, array in inputs.items():
        entry = {"name": key, "shape": list(array.shape), "datatype": NAMES[array.dtype.name]}
        if is_binary or entry["datatype"] == "FP16":
            part = encode(array)
            entry["parameters"] = {"binary_data_size": len(part)}
            content += part
        else:
            entry["data"] = [t.decode() if isinstance(t, bytes) else t for t in array.ravel().tolist()]
        head.append(entry)
    text = json.dumps({"inputs": head, "parameters": {"binary_data_output": True} if is_binary else {}}).encode()
    connection.request("POST", f"/v2/models/{name}/infer", text + content, {"Inference-Header-Content-Length": str(len(text))})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        return answer.status, body.decode()
    length = int(answer.getheader("inference-header-content-length", len(body)))
    told, place, outputs = json.loads(body[:length]), length, {}
    for output in told["outputs"]:
        if "data" in output:
            outputs[output["name"]] = numpy.array(output["data"], dtype=DTYPES[output["datatype"]]).reshape(output["shape"])
        else:
            size = output["parameters"]["binary_data_size"]
            outputs[output["name"]] = decode(body[place:place + size], output["datatype"], output["shape"])
            place += size
    return 200, outputs


def same(found, expected):
    if found.shape != expected.shape:
        return False
    if expected.dtype == object:
        return [str(v) for v in found.ravel()] == [v.decode() if isinstance(v, bytes) else str(v) for v in expected.ravel()]
    return numpy.allclose(found.astype(float), expected.astype(float), rtol=2e-3, atol=1e-5, equal_nan=True)


cases = sorted(path for path in glob.glob(f"{ROOT}/*/test_*") if os.path.exists(f"{path}/model.onnx"))
assert len(cases) > 900, f"libonnx-testdata is not installed: {len(cases)} cases"
root = f"{sys.argv[2]}/models"
for case in cases:
    os.makedirs(f"{root}/{os.path.basename(case)}/1", exist_ok=True)
    os.symlink(f"{case}/model.onnx", f"{root}/{os.path.basename(case)}/1/model.onnx")
server = Server(sys.argv[1], sys.argv[2], options=["--model-repository", root, "--model-memory", "1G"]).start()
connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
passed, left_out, failed = 0, {}, []
for case in cases:
    name = os.path.basename(case)
    model = onnx.load(f"{case}/model.onnx")
    constant = {initializer.name for initializer in model.graph.initializer}
    takes = [port for port in model.graph.input if port.name not in constant or len(model.graph.input) == 1]
    for data in sorted(glob.glob(f"{case}/test_data_set_*")):
        files = sorted(glob.glob(f"{data}/input_*.pb"), key=lambda path: int(path.split("_")[-1][:-3]))
        try:
            inputs = {port.name: read(path, port) for path, port in zip(files, model.graph.input)}
            expected = {port.name: read(f"{data}/output_{index}.pb", port) for index, port in enumerate(model.graph.output)}
        except Exception as error:
            left_out.setdefault("its data cannot be read", []).append(name)
            continue
        if any(value is None for value in [*inputs.values(), *expected.values()]):
            left_out.setdefault("takes or gives what is no tensor", []).append(name)
            continue
        try:
            session = onnxruntime.InferenceSession(f"{case}/model.onnx", providers=["CPUExecutionProvider"])
            own = session.run(list(expected), {key: value if value.dtype != object else numpy.array([t.decode() if isinstance(t, bytes) else t for t in value.ravel()], dtype=object).reshape(value.shape) for key, value in inputs.items()})
        except Exception:
            own = None
        for is_binary in [True, False]:
            if not is_binary and (any(v.dtype == numpy.float16 for v in [*inputs.values(), *expected.values()])):
                continue
            status, answer = ask(connection, name, inputs, is_binary)
            if own is None:
                left_out.setdefault("ONNX Runtime does not run it", []).append(name)
                if status == 500 and "could not be run" not in answer:
                    failed.append((name, status, answer[:200]))
            elif not all(same(value, expected[key]) for key, value in zip(expected, own)):
                left_out.setdefault("ONNX Runtime answers otherwise (random, or another version)", []).append(name)
            elif status != 200 or not all(key in answer and same(answer[key], value) for key, value in expected.items()):
                failed.append((name, is_binary, status, str(answer)[:300]))
            else:
                passed += 1
for reason, names in left_out.items():
    print(f"left out, {reason}: {len(set(names))}")
assert server.process.poll() is None
server.stop()
print(f"{passed} answers as recorded, {len(failed)} not")
assert passed > 1400 and not failed, failed[:20]
