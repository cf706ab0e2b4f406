# SPDX-License-Identifier: Apache-2.0
"""Triton on the CPU, as nvidia-pytriton brings it, with ONNX Runtime in its Python process; the file that MODEL names, the port as argument."""
import os
import sys

import numpy
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options)


@batch
def infer(X):
    return [session.run(["probabilities"], {"X": X})[0]]


port = int(sys.argv[1])
config = TritonConfig(http_port=port, grpc_port=port + 1, metrics_port=port + 2, http_address="127.0.0.1", allow_grpc=False)
with Triton(config=config) as triton:
    triton.bind(
        model_name="gb", infer_func=infer, inputs=[Tensor(name="X", dtype=numpy.float32, shape=(-1,))],
        outputs=[Tensor(name="probabilities", dtype=numpy.float32, shape=(-1,))], config=ModelConfig(max_batch_size=64))
    triton.serve()
