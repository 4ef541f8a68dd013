"""Keras itself: `.keras` files and legacy `.h5`, only where TensorFlow is installed."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EngineError
from ..tensors import TensorSpec
from .keras_loading import load_model
from .registry import Array, EngineOptions


class KerasEngine:
    """A Keras model, called directly, as Keras advises for inputs that fit into one batch."""

    def __init__(self, model: Any) -> None:
        self.input = TensorSpec(model.inputs[0].name, model.inputs[0].dtype, tuple(model.inputs[0].shape))
        # Keras numbers its tensors through a whole process; the last layer's name stays.
        name = model.layers[-1].name
        self.output = TensorSpec(name, model.outputs[0].dtype, tuple(model.outputs[0].shape))
        self.metadata: dict[str, str] = {}
        self.model = model

    def run(self, batch: Array, /) -> Array:
        """Return the raw output for a raw input batch."""
        return np.asarray(self.model(batch, training=False))

    def close(self) -> None:
        """Free the model, once calls under way are done."""
        self.model = _closed


def _closed(_batch: Array, **_arguments: bool) -> Array:
    raise EngineError("the engine is closed")


def load(path: Path, content: bytes, options: EngineOptions) -> KerasEngine:
    """Load a Keras model, so that no code in the file is run.

    TensorFlow's threads belong to the process; its first Keras predictor sets their number.
    """
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(options.num_threads)
        tf.config.threading.set_inter_op_parallelism_threads(options.num_threads)
    except RuntimeError:  # TensorFlow has started already
        pass
    return KerasEngine(load_model(path.name, content))
