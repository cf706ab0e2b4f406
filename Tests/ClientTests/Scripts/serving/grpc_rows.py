# SPDX-License-Identifier: Apache-2.0
"""Asks a server by gRPC for a model's answers to rows in several forms: JSON in, JSON out."""
import json
import sys

import grpc
import numpy
from tritonclient.grpc import InferenceServerClient, InferInput, service_pb2, service_pb2_grpc

TYPES = {"FP64": numpy.float64, "FP32": numpy.float32, "INT64": numpy.int64, "BYTES": object}
CONTENTS = {"FP64": "fp64_contents", "FP32": "fp32_contents", "INT64": "int64_contents", "BYTES": "bytes_contents"}
asked = json.loads(sys.stdin.read())
client = InferenceServerClient(sys.argv[1])
stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(sys.argv[1]))


def raw(inputs):
    given = []
    for entry in inputs:
        values = [value.encode() if isinstance(value, str) else value for value in entry["data"]]
        tensor = InferInput(entry["name"], entry["shape"], entry["datatype"])
        tensor.set_data_from_numpy(numpy.array(values, TYPES[entry["datatype"]]).reshape(entry["shape"]))
        given.append(tensor)
    answer = client.infer(asked["model"], given)
    return answer.as_numpy(answer.get_response().outputs[0].name)


def typed(inputs):
    request = service_pb2.ModelInferRequest(model_name=asked["model"])
    for entry in inputs:
        values = [value.encode() if isinstance(value, str) else value for value in entry["data"]]
        tensor = request.inputs.add(name=entry["name"], datatype=entry["datatype"], shape=entry["shape"])
        getattr(tensor.contents, CONTENTS[entry["datatype"]]).extend(values)
    answer = stub.ModelInfer(request)
    from tritonclient.grpc import InferResult

    result = InferResult(answer)
    return result.as_numpy(answer.outputs[0].name)


answers = {}
for form, inputs in asked["forms"].items():
    for how, ask in (("raw", raw), ("typed", typed)):
        try:
            values = [value.decode() if isinstance(value, bytes) else value for value in ask(inputs).ravel().tolist()]
            answers[f"{form}, {how}"] = (200, values)
        except Exception as error:
            answers[f"{form}, {how}"] = (400, str(error))
print(json.dumps(answers))
