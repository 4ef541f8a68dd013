"""`int8.c`: `int8.tflite` as C99 that needs no library, and gives what LiteRT's reference kernels give.

Beside it go its header, a self-test for the board with images and answers, and a file that makes a shared
library for this machine of it: `<model>.int8.h`, `<model>.int8_selftest.c` and `<model>.int8_host.c`; on
request the library too.
"""

from ...runtime.engines.registry import LIBRARY_SUFFIX
from ..codegen.artifact import choose_samples, make_c
from ..codegen.compiler import compiled
from . import tflite_int8
from .options import Converted, ExportOptions
from .source_model import Source


def convert(source: Source, options: ExportOptions) -> Converted:
    """Return the C file and what goes beside it.

    Raises:
        ConversionError: The converter failed, there is no C for what the model computes, or the C compiler is
            missing or failed.
    """
    # Of the very file that int8.tflite becomes, so that both can lie side by side and prove each other.
    content = tflite_int8.convert(source, options).content
    generated = make_c(content, source.name, samples=choose_samples(content, source.calibration.images))
    files = dict(generated.files)
    if options.compile:
        files |= {LIBRARY_SUFFIX: compiled(f"{source.name}.int8", files)}
    return Converted(files.pop(".c"), files, generated.structure)
