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
    from .engines import ENGINES, SessionOptions
    from .errors import EdgeMnistError
    from .loading import load_predictor
    from .manifest import Manifest, read_manifest
    from .pictures import PictureOptions
    from .predictions import Prediction, Predictions
    from .predictor import Predictor
    from .probing import Probe

__all__ = [
    "ENGINES",
    "EdgeMnistError",
    "Manifest",
    "PictureOptions",
    "Prediction",
    "Predictions",
    "Predictor",
    "Probe",
    "SessionOptions",
    "load_predictor",
    "read_manifest",
]

# Imported on first use, so that `edgemnist --help` needs no numpy.
_MODULES = {
    "ENGINES": "engines",
    "EdgeMnistError": "errors",
    "Manifest": "manifest",
    "PictureOptions": "pictures",
    "Prediction": "predictions",
    "Predictions": "predictions",
    "Predictor": "predictor",
    "Probe": "probing",
    "SessionOptions": "engines",
    "load_predictor": "loading",
    "read_manifest": "manifest",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
