"""Predictors, the artifact contract, and the errors that everything shares.

The base layer: numpy and one inference engine at a time, never TensorFlow.

    from edgemnist.runtime import load_predictor

    predictor = load_predictor("artifacts/mnist.int8.tflite")
    predictions = predictor.predict(images)  # (28, 28) or (N, 28, 28), uint8
    print(predictions.labels, predictions.confidences)
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .artifact.manifest import Manifest as Manifest
    from .artifact.manifest import read_manifest as read_manifest
    from .engines.registry import ENGINES as ENGINES
    from .engines.registry import SessionOptions as SessionOptions
    from .errors import EdgeMnistError as EdgeMnistError
    from .inputs.picture_files import PictureOptions as PictureOptions
    from .isolation.probe import Probe as Probe
    from .loading import load_predictor as load_predictor
    from .predictions import Prediction as Prediction
    from .predictions import Predictions as Predictions
    from .predictor import Predictor as Predictor

# Imported on first use, so that `edgemnist --help` needs no numpy.
_MODULES = {
    "ENGINES": "engines.registry",
    "EdgeMnistError": "errors",
    "Manifest": "artifact.manifest",
    "PictureOptions": "inputs.picture_files",
    "Prediction": "predictions",
    "Predictions": "predictions",
    "Predictor": "predictor",
    "Probe": "isolation.probe",
    "SessionOptions": "engines.registry",
    "load_predictor": "loading",
    "read_manifest": "artifact.manifest",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
