"""A full-integer TFLite file of any Keras model, calibrated on random inputs: good for its size only."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...runtime.model_file import read_model
from ..backend import tf
from . import tflite
from .tflite_file import pack

_SAMPLES = 4


def to_int8(path: Path) -> bytes:
    """Return a Keras file's network in integers, with scales of no meaning.

    Raises:
        ArtifactError: It is no Keras model with one input and one output.
        ConversionError: The converter failed.
    """
    from ...runtime.engines.keras_loading import load_model  # after the backend, which sets Keras up

    model = load_model(path.name, read_model(path))
    shapes = [tuple(axis or 1 for axis in tensor.shape) for tensor in model.inputs]
    generator = np.random.default_rng(0)

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        for _ in range(_SAMPLES):
            yield [generator.random(shape, np.float32) for shape in shapes]

    converter = tflite.converter_for(model, "TFLITE_BUILTINS_INT8")
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return pack(tflite.run(converter))
