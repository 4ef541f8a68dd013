"""TFLite in integers with ranges that were chosen, and with layers that stay float.

int8.tflite is made here where another calibration method than the converter's own is wanted, and mixed.tflite
always. Both are quantized from the float TFLite file, so that what is kept float can be found and changed.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ...proof.layers.activations import Trace, of_keras, of_tflite
from ...runtime.artifact.tflite_file import unpack
from ...runtime.signature import PIXEL_VALUES
from .logit_range import narrow_logits
from .mixed_precision import counterparts, fewest_float_layers
from .options import Converted, ExportOptions
from .quantizer import Quantizer, QuantizerOptions, find_layers
from .source import Form, Source
from .tflite_file import finish

Reals = NDArray[np.float32]
_BATCH = 32
_ALIGNED_ON = 4
_COMPARED_ON = 16


def int8(source: Source, options: ExportOptions, form: Form, content: bytes) -> Converted:
    """Quantize a float TFLite file to full-integer with the chosen ranges.

    Args:
        source: The model.
        options: Of the converters.
        form: The form of the model that `content` was made of.
        content: The float TFLite file.
    """
    chosen = QuantizerOptions(options.calibrator, (), options.io, options.io, _input_range(form))
    quantized = Quantizer(content, _batches(source, form), chosen).quantize()
    return _finished(quantized, source, form, "int8")


def mixed(source: Source, options: ExportOptions, form: Form, content: bytes) -> Converted:
    """Quantize a float TFLite file but for the layers that were named or that a search found.

    Its input is raw and its output float, as in the float formats.

    Args:
        source: The model.
        options: Of the converters.
        form: The form of the model that `content` was made of.
        content: The float TFLite file.

    Raises:
        OptionError: A layer that is to stay float is not there.
        ConversionError: No choice of layers keeps the accuracy.
    """
    dtype = "uint8" if form.signature.input.kind == "image" else "float32"
    chosen = QuantizerOptions(options.calibrator, (), dtype, "float32", _input_range(form))
    quantizer = Quantizer(content, _batches(source, form), chosen)
    kept = _names(source, quantizer.trace, form, options.keep_float) if options.keep_float else []
    if options.auto_drop is None:
        return _finished(quantizer.quantize(kept), source, form, "mixed")
    measure = _accuracy_drop(source, form, quantizer)
    inputs = form.signature.input.scaled(source.calibration.inputs[:_COMPARED_ON])
    found = fewest_float_layers(quantizer, inputs, measure, options.auto_drop, always=kept)
    return replace(
        _finished(found.content, source, form, "mixed"),
        note=f"{len(found.keep_float)} of {len(quantizer.layers)} layers stay float"
        + (f": {', '.join(_labels(quantizer, found.keep_float))}" if found.keep_float else "")
        + f"; on the calibration items it loses {found.accuracy_drop:.2%} of accuracy",
    )


def _finished(content: bytes, source: Source, form: Form, precision: str) -> Converted:
    model = unpack(content, schema)
    if form.signature.output.activation == "softmax":
        narrow_logits(model, source.calibration.inputs, form.signature.input)
    return Converted(finish(model, source, precision, form.signature))


def _labels(quantizer: Quantizer, names: tuple[str, ...]) -> list[str]:
    return [layer.label for layer in quantizer.layers if layer.name in names]


def _batches(source: Source, form: Form) -> Any:
    items, scaled = source.calibration.inputs, form.signature.input.scaled

    def batches() -> Iterator[Reals]:
        for start in range(0, len(items), _BATCH):
            yield scaled(items[start : start + _BATCH])

    return batches


def _input_range(form: Form) -> tuple[float, float] | None:
    """Return the range of all pixels, so that each is a step of the quantized input; None for features."""
    spec = form.signature.input
    if spec.kind != "image":
        return None
    low, high = ((pixel * spec.scale[0] + spec.offset[0]) for pixel in (0, PIXEL_VALUES - 1))
    return low, high


def _names(source: Source, trace: Trace, form: Form, wanted: tuple[str, ...]) -> list[str]:
    """Return the names in TFLite of layers that are named as in Keras, or as in TFLite."""
    keras = replace(of_keras(source.path.name, source.read()), signature=source.signature)
    items = source.calibration.inputs[:_ALIGNED_ON]
    became = counterparts(keras, replace(trace, signature=form.signature), items, form.signature.input)
    return [
        layer
        for name in wanted
        for layer in ([became[name]] if name in became else [each.name for each in find_layers(trace, name)])
    ]


def _accuracy_drop(source: Source, form: Form, quantizer: Quantizer) -> Any:
    """Return what measures how much accuracy a file loses on the calibration items, which are no test items.

    Without labels it is the share of items to which it gives another class than the float model.
    """
    spec, items = form.signature.input, source.calibration.inputs
    exact = quantizer.trace.values(spec.scaled(items))[-1]
    expected = _classes(exact)
    labels = source.calibration.labels
    right = None if labels is None else float((expected == labels).mean())

    def drop(content: bytes) -> float:
        trace = of_tflite("quantized", content, exact=False)
        found = _classes(trace.run(items, spec)[-1])
        return float((found != expected).mean()) if right is None else right - float((found == labels).mean())

    return drop


def _classes(outputs: Reals) -> NDArray[Any]:
    return outputs.argmax(axis=1) if outputs.shape[-1] > 1 else (outputs[:, 0] > 0.5).astype(int)  # noqa: PLR2004
