"""`int8.tflite`: full-integer post-training quantization, pixels in and probabilities out as uint8 (or int8).

The model converts in its float-input form: calibrated on images that span [0, 1], a uint8 input gets scale
1/255 and zero point 0, so that pixels go in as they are and the device scales nothing. With `io="int8"` the
zero point is -128: pixels minus 128.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..backend import tf
from . import tflite
from .logit_range import narrow_logits
from .options import Converted, ExportOptions
from .source_model import Source


def convert(source: Source, options: ExportOptions) -> Converted:
    """Return the TFLite file.

    Raises:
        ConversionError: The converter failed.
    """
    converter = tflite.converter_for(source.taking_floats(), "TFLITE_BUILTINS_INT8")
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: representative_dataset(source)
    converter.inference_input_type = converter.inference_output_type = getattr(tf, options.io)
    model = tflite.run(converter)
    narrow_logits(model, source.calibration.images)
    return Converted(tflite.finish(model, source, "int8"))


def representative_dataset(source: Source) -> Iterator[list[NDArray[np.float32]]]:
    """Yield the calibration images one by one as the converter wants them, float32 in [0, 1]."""
    for image in source.calibration.images:
        yield [image[None].astype(np.float32) / 255]
