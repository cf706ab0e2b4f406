# SPDX-License-Identifier: Apache-2.0
"""A real Triton whose models give back what they take, for `triton_differential.py`: its Python is that of an environment with nvidia-pytriton."""
import sys

import numpy
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig, TritonSecurityConfig

TYPES = {
    "bool": numpy.bool_, "uint8": numpy.uint8, "uint16": numpy.uint16, "uint32": numpy.uint32, "uint64": numpy.uint64, "int8": numpy.int8,
    "int16": numpy.int16, "int32": numpy.int32, "int64": numpy.int64, "fp16": numpy.float16, "fp32": numpy.float32, "fp64": numpy.float64,
    "bytes": numpy.bytes_}


@batch
def identity(IN):
    return [IN]


@batch
def sums(A, B):
    return [A + B, A - B]


port = int(sys.argv[1])
config = TritonConfig(http_port=port, grpc_port=port + 1, metrics_port=port + 2, http_address="127.0.0.1", exit_on_error=True, log_verbose=0)
with Triton(config=config, security_config=TritonSecurityConfig(access_token="open")) as triton:
    for name, kind in TYPES.items():
        triton.bind(
            model_name=f"identity_{name}", infer_func=identity, inputs=[Tensor(name="IN", dtype=kind, shape=(-1,))],
            outputs=[Tensor(name="OUT", dtype=kind, shape=(-1,))], config=ModelConfig(max_batch_size=8))
    triton.bind(
        model_name="sums", infer_func=sums, inputs=[Tensor(name="A", dtype=numpy.int32, shape=(4,)), Tensor(name="B", dtype=numpy.int32, shape=(4,))],
        outputs=[Tensor(name="SUM", dtype=numpy.int32, shape=(4,)), Tensor(name="DIFFERENCE", dtype=numpy.int32, shape=(4,))],
        config=ModelConfig(max_batch_size=8))
    triton.serve()
