"""The TFLite formats, by TensorFlow's converter.

float32, float16 and dynamic convert the model that begins with uint8 pixels. The calibrated ones, int8 and
int16x8, convert its float-input form: their quantizer has no CAST (TensorFlow 2.21).

dynamic and int16x8 have one scale for a whole weight matrix: with one per channel the file needs TensorFlow
Lite 2.17 or 2.10 instead of 2.7, and on the default recipe's five seeds it agreed with Keras no better
(dynamic: 99.90-99.94 % against 99.89-99.96 %).
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ...proof.quiet import quiet
from ...runtime.artifact.tflite_file import unpack
from ...runtime.errors import ConversionError
from ...runtime.model_file import read_model
from ..backend import tf
from .logit_range import narrow_logits
from .options import Converted, ExportOptions
from .source import Source
from .tflite_file import finish, pack, scale_pixels_first

# Of `tf.lite.OpsSet`. The default set would let operators in that need TensorFlow on the device.
_BUILTINS = "TFLITE_BUILTINS"
_INT8 = "TFLITE_BUILTINS_INT8"
_INT16X8 = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"
_UNTRAINED_SAMPLES = 4


def float32(source: Source, _options: ExportOptions) -> Converted:
    """Convert the model as it is."""
    return Converted(finish(run(_converter(source.with_pixel_input())), source, "float32"))


def float16(source: Source, _options: ExportOptions) -> Converted:
    """Store weights as float16, half the size; the device computes in float32 or float16."""
    converter = _converter(source.with_pixel_input(), optimize=True)
    converter.target_spec.supported_types = [tf.float16]
    return Converted(finish(run(converter), source, "float16"))


def dynamic(source: Source, _options: ExportOptions) -> Converted:
    """Store weights as int8; the device quantizes activations while it runs."""
    converter = _converter(source.with_pixel_input(), optimize=True)
    _scale_matrices_as_a_whole(converter)
    return Converted(finish(run(converter), source, "dynamic"))


def int8(source: Source, options: ExportOptions) -> Converted:
    """Quantize to full-integer, with uint8 (or int8) pixels as input and such probabilities as output.

    Calibrated on images that span [0, 1], a uint8 input has scale 1/255 and zero point 0, so that pixels are
    its input as they are and the device scales nothing. With `io="int8"` the zero point is -128.
    """
    converter = calibrated_converter(source, _INT8)
    converter.inference_input_type = converter.inference_output_type = getattr(tf, options.io)
    model = run(converter)
    narrow_logits(model, source.calibration.images)
    return Converted(finish(model, source, "int8"))


def int16x8(source: Source, _options: ExportOptions) -> Converted:
    """Quantize to int16 activations and int8 weights: nearly float accuracy in integer arithmetic."""
    converter = calibrated_converter(source, _INT16X8)
    _scale_matrices_as_a_whole(converter)
    model = run(converter)
    scale_pixels_first(model)
    return Converted(finish(model, source, "int16x8"))


def untrained_int8(path: Path) -> bytes:
    """Return any Keras file's network in integers, calibrated on random inputs: good for its size only.

    Raises:
        ArtifactError: It is no Keras model with one input and one output.
        ConversionError: The converter failed.
    """
    from ...runtime.engines.keras_loading import load_model  # after the backend, which sets Keras up

    model = load_model(path.name, read_model(path))
    shapes = [tuple(axis or 1 for axis in tensor.shape) for tensor in model.inputs]
    draw = np.random.default_rng(0)
    samples = [[draw.random(shape, np.float32) for shape in shapes] for _ in range(_UNTRAINED_SAMPLES)]
    converter = _converter(model, _INT8, optimize=True, samples=lambda: samples)
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return pack(run(converter))


def calibrated_converter(source: Source, operators: str) -> Any:
    """Return the converter for the float-input form, to be quantized by the calibration images."""

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        for image in source.calibration.images:
            yield [image[None].astype(np.float32) / 255]

    return _converter(source.with_float_input(), operators, optimize=True, samples=samples)


def _converter(
    model: Any,
    operators: str = _BUILTINS,
    *,
    optimize: bool = False,
    samples: Callable[[], Iterable[list[NDArray[np.float32]]]] | None = None,
) -> Any:
    """Return the converter for a Keras model; `samples` of its inputs calibrate the quantization."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.target_spec.supported_ops = [getattr(tf.lite.OpsSet, operators)]
    converter.optimizations = [tf.lite.Optimize.DEFAULT] if optimize else []
    converter.representative_dataset = samples
    return converter


def run(converter: Any) -> Any:
    """Return what a converter makes, as the flatbuffer schema's `ModelT`.

    Raises:
        ConversionError: The converter failed.
    """
    try:
        with quiet():
            content: bytes = converter.convert()
    except Exception as error:  # the converter raises MLIR, flatbuffer and calibration errors of all types
        raise ConversionError("the TFLite converter failed", received=error) from error
    return unpack(content, schema)


def _scale_matrices_as_a_whole(converter: Any) -> None:
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True  # noqa: SLF001
