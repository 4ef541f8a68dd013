"""The TFLite formats, by TensorFlow's converter.

float32, float16 and dynamic convert the model that takes raw items. The calibrated ones, int8 and int16x8,
convert its float-input form: their quantizer has no CAST (TensorFlow 2.21).

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

from ...runtime.artifact.tflite_file import unpack
from ...runtime.engines.registry import ENGINES, EngineOptions
from ...runtime.errors import ConversionError
from ...runtime.files import read_model
from ...runtime.process import quiet
from ...runtime.signature import PIXEL_VALUES
from ..backend import tf
from . import mixed as mixed_files
from .logit_range import narrow_logits
from .options import Converted, ExportOptions
from .refusals import require_quantizable
from .source import Form, Source
from .tflite_file import finish, pack, scale_first

# Of `tf.lite.OpsSet`. The default set would let operators in that need TensorFlow on the device.
_BUILTINS = "TFLITE_BUILTINS"
_INT8 = "TFLITE_BUILTINS_INT8"
_INT16X8 = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"
_UNTRAINED_SAMPLES = 4


def float32(source: Source, _options: ExportOptions) -> Converted:
    """Convert the model as it is."""
    form = source.raw_form()
    return Converted(finish(run(_converter(form.model)), source, "float32", form.signature))


def float16(source: Source, _options: ExportOptions) -> Converted:
    """Store weights as float16, half the size; the device computes in float32 or float16."""
    form = source.raw_form()
    converter = _converter(form.model, optimize=True)
    converter.target_spec.supported_types = [tf.float16]
    return Converted(finish(run(converter), source, "float16", form.signature))


def dynamic(source: Source, _options: ExportOptions) -> Converted:
    """Store weights as int8; the device quantizes activations while it runs."""
    form = source.raw_form()
    converter = _converter(form.model, optimize=True)
    _scale_matrices_as_a_whole(converter)
    return Converted(finish(run(converter), source, "dynamic", form.signature))


def int8(source: Source, options: ExportOptions) -> Converted:
    """Quantize to full-integer, with uint8 (or int8) input and output.

    Where images are scaled as most are, pixels are the input as they are and the device scales nothing: for
    [0, 1] a uint8 input has scale 1/255 and zero point 0. With `io="int8"` the zero point is less by 128.
    """
    form = source.quantizer_form()
    if options.calibrator.method != "minmax":
        return mixed_files.int8(source, options, form, pack(run(_converter(form.model))))
    converter = _calibrated(source, form, _INT8)
    converter.inference_input_type = converter.inference_output_type = getattr(tf, options.io)
    model = run(converter)
    if form.signature.output.activation == "softmax":
        narrow_logits(model, source.calibration.inputs, form.signature.input)
    return Converted(finish(model, source, "int8", form.signature))


def mixed(source: Source, options: ExportOptions) -> Converted:
    """Quantize to int8 but for some layers, which stay float."""
    form = source.quantizer_form()
    return mixed_files.mixed(source, options, form, pack(run(_converter(form.model))))


def int16x8(source: Source, _options: ExportOptions) -> Converted:
    """Quantize to int16 activations and int8 weights: nearly float accuracy in integer arithmetic."""
    form = source.quantizer_form()
    converter = _calibrated(source, form, _INT16X8)
    _scale_matrices_as_a_whole(converter)
    model = run(converter)
    scale_first(model, form.signature.input)
    return Converted(finish(model, source, "int16x8", source.raw_form().signature))


def untrained_int8(path: Path) -> bytes:
    """Return any Keras file's network in integers, calibrated on random inputs: good for its size only.

    Raises:
        ArtifactError: It is no Keras model with one input and one output.
        ConversionError: The converter failed.
    """
    engine: Any = ENGINES["keras"].load(path, read_model(path), EngineOptions())
    model = engine.model
    shapes = [tuple(axis or 1 for axis in tensor.shape) for tensor in model.inputs]
    draw = np.random.default_rng(0)
    samples = [[draw.random(shape, np.float32) for shape in shapes] for _ in range(_UNTRAINED_SAMPLES)]
    converter = _converter(model, _INT8, optimize=True, samples=lambda: samples)
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return pack(run(converter))


def _calibrated(source: Source, form: Form, operators: str) -> Any:
    """Return the converter for a form with float input, to be quantized by the calibration items."""
    require_quantizable(source.model)
    inputs = source.calibration.inputs
    if form.signature.input.kind == "image":
        inputs = spanning(inputs)
    scaled = form.signature.input.scaled

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        for item in inputs:
            yield [scaled(item[None])]

    return _converter(form.model, operators, optimize=True, samples=samples)


def spanning(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images in which some pixel is 0 and some is 255, so that a step of their range is one pixel.

    Where none is, one pixel in the corner of the first image and one of the last is changed, which hardly
    changes what layers give for them.
    """
    corners = (((0,) * images.ndim, 0, images.min()), ((-1,) * images.ndim, PIXEL_VALUES - 1, images.max()))
    for corner, wanted, found in corners:
        if found != wanted:
            images = images.copy()
            images[corner] = wanted
    return images


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
