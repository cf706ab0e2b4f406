# SPDX-License-Identifier: Apache-2.0
"""BentoML with adaptive batching over ONNX Runtime; the file that MODEL names."""
import os

import bentoml
import numpy
import onnxruntime


@bentoml.service(workers=1, traffic={"timeout": 60, "max_concurrency": 1024})
class Model:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options)

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        return self.session.run(["probabilities"], {"X": x.astype(numpy.float32)})[0]
