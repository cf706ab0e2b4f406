# SPDX-License-Identifier: Apache-2.0
"""Small ONNX models for the tests of serving, made with onnx alone, and a repository of them in Triton's layout."""
import os

import numpy
import onnx
from onnx import TensorProto, helper

TYPES = {
    "BOOL": TensorProto.BOOL, "UINT8": TensorProto.UINT8, "UINT16": TensorProto.UINT16, "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64, "INT8": TensorProto.INT8, "INT16": TensorProto.INT16, "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64, "FP16": TensorProto.FLOAT16, "FP32": TensorProto.FLOAT, "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
}


def save(path, nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    onnx.save(model, path)


def identity(path, datatype="FP32", shape=("n", "m")):
    """Gives back what it takes."""
    port = lambda name: helper.make_tensor_value_info(name, TYPES[datatype], list(shape))
    save(path, [helper.make_node("Identity", ["IN"], ["OUT"])], [port("IN")], [port("OUT")])


def line(path, slope=2.0, bias=1.0, width=3):
    """`OUT = slope * sum(IN) + bias`, one number a row."""
    save(
        path,
        [helper.make_node("MatMul", ["IN", "w"], ["product"]), helper.make_node("Add", ["product", "b"], ["OUT"])],
        [helper.make_tensor_value_info("IN", TensorProto.FLOAT, ["n", width])],
        [helper.make_tensor_value_info("OUT", TensorProto.FLOAT, ["n", 1])],
        [helper.make_tensor("w", TensorProto.FLOAT, [width, 1], [slope] * width), helper.make_tensor("b", TensorProto.FLOAT, [1], [bias])])


def two_inputs(path):
    """`SUM = A + B`, `DIFFERENCE = A - B`."""
    port = lambda name: helper.make_tensor_value_info(name, TensorProto.INT32, ["n", 4])
    save(
        path, [helper.make_node("Add", ["A", "B"], ["SUM"]), helper.make_node("Sub", ["A", "B"], ["DIFFERENCE"])],
        [port("A"), port("B")], [port("SUM"), port("DIFFERENCE")])


def perceptron(path, widths=(64, 1024, 1024, 10)):
    """A costly model: dense layers."""
    nodes, initializers, name, generator = [], [], "IN", numpy.random.default_rng(1)
    for index, (before, after) in enumerate(zip(widths, widths[1:])):
        weights = (generator.standard_normal((before, after)) / before**0.5).astype(numpy.float32)
        initializers.append(onnx.numpy_helper.from_array(weights, f"w{index}"))
        last = index == len(widths) - 2
        nodes.append(helper.make_node("MatMul", [name, f"w{index}"], ["OUT" if last else f"h{index}"]))
        name = f"h{index}"
        if not last:
            nodes.append(helper.make_node("Relu", [name], [name + "r"]))
            name += "r"
    save(
        path, nodes, [helper.make_tensor_value_info("IN", TensorProto.FLOAT, ["n", widths[0]])],
        [helper.make_tensor_value_info("OUT", TensorProto.FLOAT, ["n", widths[-1]])], initializers)


def repository(root):
    for datatype in TYPES:
        identity(f"{root}/identity_{datatype.lower()}/1/model.onnx", datatype)
    identity(f"{root}/scalar/1/model.onnx", "FP32", ())
    line(f"{root}/line/1/model.onnx", slope=1)
    line(f"{root}/line/3/model.onnx", slope=3)
    line(f"{root}/line/2/model.onnx", slope=2)
    two_inputs(f"{root}/sums/1/model.onnx")
    perceptron(f"{root}/batched/1/model.onnx")
    open(f"{root}/line/config.pbtxt", "w").write("""
        name: "line"  # versions 2 and 3 are served
        platform: "onnxruntime_onnx"
        max_batch_size: 8
        version_policy: { specific { versions: [ 2, 3 ] } }
        input [ { name: "IN", data_type: TYPE_FP32, dims: [ 3 ] } ]
        output [ { name: "OUT" data_type: TYPE_FP32 dims: [ 1 ] } ]
    """)
    open(f"{root}/batched/config.pbtxt", "w").write("""
        backend: "onnxruntime" max_batch_size: 32
        dynamic_batching { max_queue_delay_microseconds: 2000 preferred_batch_size: [ 32 ]
          default_queue_policy { allow_timeout_override: true } }
        output [ { name: "OUT" data_type: TYPE_FP32 dims: 10 label_filename: "labels.txt" } ]
    """)
    open(f"{root}/batched/labels.txt", "w").write("\n".join(f"digit {n}" for n in range(10)))
