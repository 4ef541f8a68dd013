"""`int8.c`: `int8.tflite` as C99 that needs no library, and gives what LiteRT's reference kernels give.

Beside it go its header, a self-test for the board with images and answers, and a file that makes a shared
library for this machine of it: `<model>.int8.h`, `<model>.int8_selftest.c` and `<model>.int8_host.c`; on
request the library too.
"""

from dataclasses import replace

from ...runtime.engines import LIBRARY_SUFFIX
from ..c_source.writing import write_files
from ..compiling import compiled
from ..source import Source
from . import tflite_int8
from .options import Converted, ExportOptions


def convert(source: Source, options: ExportOptions) -> Converted:
    """Return the C file and what goes beside it.

    Raises:
        ConversionError: The converter failed, there is no C for what the model computes, or the C compiler is
            missing or failed.
    """
    content = tflite_int8.convert(source, replace(options, io="uint8")).content
    model, companions = write_files(content, source.calibration.images)
    if options.compile:
        name = f"{source.name}.int8"
        companions |= {LIBRARY_SUFFIX: compiled(name, {".c": model, **companions})}
    return Converted(model, companions)
