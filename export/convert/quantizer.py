"""Full-integer TFLite of a float TFLite file, with ranges of one's own choice and layers that stay float.

TensorFlow's converter calibrates and quantizes in one call, with the smallest and largest values as ranges.
Here the ranges are measured first, written into the float file, and its quantizer is called for the rest:
weights with a scale for each channel, biases, operators that keep their input's scale.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ...proof.layers.activations import LayerOutput, Trace, of_tflite
from ...runtime.artifact.tflite_file import unpack
from ...runtime.errors import ConversionError, OptionError, first_line
from ...runtime.process import quiet
from ..backend import tf
from .activation_ranges import Calibrator, Range
from .tflite_file import pack

Reals = NDArray[np.float32]
Batches = Callable[[], Iterable[Reals]]
_IO = ("int8", "uint8", "float32")


@dataclass(frozen=True, slots=True)
class QuantizerOptions:
    """How a model is quantized.

    Attributes:
        calibrator: How the ranges of activations are chosen.
        keep_float: The layers that stay float, each by its label, its tensor's name or a name in that.
        input_dtype: "int8", "uint8" or "float32".
        output_dtype: The same.
        input_range: The range of the input, such as (0, 1) for pixels, so that each is a step; None means
            that of the calibration inputs.
        per_channel: Whether weights have a scale for each channel; older runtimes need one for all in
            fully connected layers.
    """

    calibrator: Calibrator = field(default_factory=Calibrator)
    keep_float: tuple[str, ...] = ()
    input_dtype: str = "int8"
    output_dtype: str = "int8"
    input_range: Range | None = None
    per_channel: bool = True

    def __post_init__(self) -> None:
        for dtype in (self.input_dtype, self.output_dtype):
            if dtype not in _IO:
                expected = " or ".join(_IO)
                raise OptionError("unsupported input or output type", received=repr(dtype), expected=expected)


class Quantizer:
    """A float model that was calibrated once, and can be quantized again with other layers kept float.

    Attributes:
        content: The float TFLite file.
        trace: Its layers.
    """

    def __init__(self, content: bytes, batches: Batches, options: QuantizerOptions) -> None:
        """Measure the ranges.

        Args:
            content: A float TFLite file with one float input.
            batches: Returns calibration inputs, `(N, ...)` float32 each, from the start each time.
            options: How to quantize.

        Raises:
            ConversionError: The file is not float, or there are no finite calibration inputs.
        """
        self.content, self.options = content, options
        self.trace = of_tflite("the float model", content, exact=False)
        if self.trace.input.dtype != "float32" or any(layer.scale for layer in self.trace.layers):
            raise ConversionError(
                "the model to be quantized is not float", received=self.trace.input.dtype, expected="float32"
            )
        self._calibrated = self._calibrate(batches)

    @property
    def layers(self) -> tuple[LayerOutput, ...]:
        """The layers that can stay float."""
        return self.trace.layers

    def quantize(self, keep_float: Collection[str] | None = None) -> bytes:
        """Return the quantized TFLite file.

        Args:
            keep_float: The layers that stay float, instead of the options'.

        Raises:
            OptionError: There is no such layer.
            ConversionError: TensorFlow cannot quantize the model.
        """
        from tensorflow.lite.python import convert  # of no public module, and in TensorFlow 2.20 and 2.21

        names = self.options.keep_float if keep_float is None else keep_float
        kept = sorted({layer.name for name in names for layer in find_layers(self.trace, name)})
        try:
            with quiet():
                content: bytes = convert.mlir_quantize(
                    self._calibrated,
                    disable_per_channel=not self.options.per_channel,
                    input_data_type=getattr(tf, self.options.input_dtype),
                    output_data_type=getattr(tf, self.options.output_dtype),
                    denylisted_nodes=kept,
                )
        except Exception as error:  # MLIR raises what it likes
            raise ConversionError(
                "TensorFlow cannot quantize the model", received=first_line(error)
            ) from error
        return content

    def _calibrate(self, batches: Batches) -> bytes:
        """Return the float file with a range in each tensor that a layer outputs, and in the input."""
        ranges = self.options.calibrator.ranges(self.trace, batches)
        inputs = [(float(batch.min()), float(batch.max())) for batch in batches() if len(batch)]
        if not inputs or not np.isfinite(ranges).all() or not np.isfinite(inputs).all():
            raise ConversionError(
                "the calibration inputs give no ranges",
                received="no inputs" if not inputs else "values that are not finite",
                expected="finite inputs like those of the training",
            )
        model = unpack(self.content, schema)
        graph = model.subgraphs[0]
        lows, highs = zip(*inputs, strict=True)
        _set_range(
            graph.tensors[graph.inputs[0]],
            self.options.input_range or (min(0.0, *lows), max(0.0, *highs)),
        )
        tensors = {tensor.name.decode(): tensor for tensor in graph.tensors}
        for layer, limits in zip(self.trace.layers, ranges, strict=True):
            _set_range(tensors[layer.name], limits)
        return pack(model)


def quantize(content: bytes, batches: Batches, options: QuantizerOptions | None = None) -> bytes:
    """Return a float TFLite file in integers.

    Args:
        content: The float TFLite file.
        batches: Returns calibration inputs, `(N, ...)` float32 each, from the start each time.
        options: How to quantize.

    Raises:
        OptionError: A layer that is to stay float is not there.
        ConversionError: The file is not float, or TensorFlow cannot quantize it.
    """
    return Quantizer(content, batches, options or QuantizerOptions()).quantize()


def find_layers(trace: Trace, name: str) -> list[LayerOutput]:
    """Return the layers of a TFLite model that are called so: by label, by name, or in a fused layer's names.

    Raises:
        OptionError: There is none.
    """
    whole = [layer for layer in trace.layers if layer.name == name]
    labelled = [layer for layer in trace.layers if layer.label == name]
    within = [layer for layer in trace.layers if name in layer.name.replace(";", "/").split("/")]
    found = whole or labelled or within
    if not found:
        labels = ", ".join(dict.fromkeys(layer.label for layer in trace.layers))
        raise OptionError(
            "no such layer to keep float", received=repr(name), expected=f"one of {labels[:1000]}"
        )
    return found


def _set_range(tensor: Any, limits: Range) -> None:
    quantization = tensor.quantization or schema.QuantizationParametersT()
    quantization.min, quantization.max = (np.array([each], np.float32) for each in limits)
    tensor.quantization = quantization
