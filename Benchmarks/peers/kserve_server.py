# SPDX-License-Identifier: Apache-2.0
"""KServe's Python model server over one ONNX model, the file that MODEL names."""
import argparse
import os

import numpy
import onnxruntime
from kserve import InferOutput, InferResponse, Model, ModelServer, model_server


class Trees(Model):
    def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options)
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        rows = payload.inputs[0].as_numpy().astype(numpy.float32)
        found = self.session.run(["probabilities"], {"X": rows})[0]
        output = InferOutput(name="probabilities", shape=list(found.shape), datatype="FP32")
        output.set_data_from_numpy(found, binary_data=False)
        return InferResponse(response_id="1", model_name="gb", infer_outputs=[output])


arguments, _ = argparse.ArgumentParser(parents=[model_server.parser]).parse_known_args()
model = Trees("gb")
model.load()
ModelServer(http_port=arguments.http_port, enable_grpc=False, workers=1, access_log_format=None).start([model])
