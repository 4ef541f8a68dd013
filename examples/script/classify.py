"""Classify raw images with numpy and onnxruntime alone, without edgemnist.

    python examples/script/classify.py artifacts/mnist.float32.onnx images.npy

`images.npy` holds raw pixels, `(N, 28, 28)` uint8, light ink on dark ground. One label a line is printed.
"""

import json
import sys

import numpy as np
import onnxruntime as ort

model, images = sys.argv[1:]

options = ort.SessionOptions()
options.intra_op_num_threads = 1  # one small image is not worth a second thread
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

labels = json.loads(session.get_modelmeta().custom_metadata_map["edgemnist.labels"])
(probabilities,) = session.run(["probabilities"], {"image": np.load(images)})
for row in probabilities:
    print(labels[row.argmax()], f"{row.max():.4f}")
