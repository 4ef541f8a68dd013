"""`int8.tflite`: full-integer post-training quantization, pixels in and probabilities out as uint8.

The model converts in its float-input form: calibrated on images that span [0, 1], a uint8 input gets scale
1/255 and zero point 0, so that pixels go in as they are and the device scales nothing.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...runtime.structure import Structure
from ...runtime.tensors import pixel_table
from ..backend import tf
from ..source import Source
from . import tflite
from .options import ExportOptions

_INTEGERS = ("uint8", "int8", "int32")


def convert(source: Source, options: ExportOptions) -> bytes:  # noqa: ARG001 - every exporter has this shape
    """Return the TFLite file's content.

    Raises:
        ConversionError: The converter failed.
    """

    def representative_dataset() -> Iterator[list[NDArray[np.float32]]]:
        for image in source.calibration.images:
            yield [image[None].astype(np.float32) / 255]

    converter = tflite.converter_for(source.taking_floats(), "TFLITE_BUILTINS_INT8")
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative_dataset
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    return tflite.run(converter)


def faults(structure: Structure) -> tuple[str, ...]:
    """Return a sentence for each way in which a file is not full-integer with pixels in."""
    found = list(tflite.faults(structure))
    found += [
        f"tensor {tensor.name} is {tensor.dtype}"
        for tensor in structure.tensors
        if tensor.dtype not in _INTEGERS
    ]
    for role, tensor in (("input", structure.inputs[0]), ("output", structure.outputs[0])):
        if tensor.dtype != "uint8":
            found.append(f"its {role} is {tensor.dtype}, not uint8")
    if pixel_table(structure.inputs[0]) is not None:
        found.append(
            "its input takes no raw pixels, since the calibration images do not span 0 to 255"
            " (calibrate on more images)"
        )
    return tuple(found)
