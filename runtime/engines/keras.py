"""Keras itself: `.keras` files and legacy `.h5`, only where TensorFlow is installed."""

from contextlib import suppress
from typing import Any

import numpy as np

from ..signature import ModelSignature, SignatureOptions
from ..tensors import TensorSpec
from .keras_loading import KIND, load_model
from .keras_signature import infer_signature
from .registry import Array, EngineOptions, refuse_closed

__all__ = ["KIND", "KerasEngine", "load"]


class KerasEngine:
    """A Keras model, called directly, as Keras advises for inputs that fit into one batch."""

    def __init__(self, model: Any) -> None:
        source, result = model.inputs[0], model.outputs[0]
        self.input = TensorSpec(source.name, source.dtype, tuple(source.shape))
        # Keras numbers its tensors through a whole process; the last layer's name stays.
        self.output = TensorSpec(model.layers[-1].name, result.dtype, tuple(result.shape))
        self.metadata: dict[str, str] = {}
        self.model: Any = model

    def infer_signature(self, file: str, wanted: SignatureOptions) -> ModelSignature:
        """Return the model's signature, read off its layers where it is not given."""
        return infer_signature(file, self.model, wanted)

    def run(self, batch: Array, /) -> Array:
        """Return the raw output for a raw input batch."""
        return np.asarray(self.model(batch, training=False))

    def close(self) -> None:
        """Free the model, once calls under way are done."""
        self.model = refuse_closed


def load(content: bytes, options: EngineOptions) -> KerasEngine:
    """Load a Keras model, so that no code in the file is run.

    TensorFlow's threads belong to the process; its first Keras predictor sets their number.
    """
    import tensorflow as tf

    with suppress(RuntimeError):  # TensorFlow has started already
        tf.config.threading.set_intra_op_parallelism_threads(options.num_threads)
        tf.config.threading.set_inter_op_parallelism_threads(options.num_threads)
    return KerasEngine(load_model(content))
