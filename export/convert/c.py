"""The format int8.c: int8.tflite as C99 that needs no library, with the bytes of LiteRT's reference kernels.

Beside it go its header, a self-test for the board with images and answers, and a file of which a shared
library for this machine is made: `<model>.int8.h`, `<model>.int8_selftest.c` and `<model>.int8_host.c`; on
request the library too.
"""

from ...runtime.engines.registry import LIBRARY_SUFFIX
from ..codegen.artifact import choose_samples, make_c, spec_of
from ..codegen.compiler import compiled
from ..codegen.importing import read_graph
from . import tflite
from .options import Converted, ExportOptions
from .source import Source


def int8(source: Source, options: ExportOptions) -> Converted:
    """Return the C file and what goes beside it.

    Raises:
        ConversionError: The converter failed, there is no C for what the model computes, or the C compiler is
            missing or failed.
    """
    # Of the very file that int8.tflite becomes, so that both can lie side by side and prove each other.
    content = tflite.int8(source, options).content
    tensor = spec_of(read_graph(content).inputs[0], batched=True)
    inputs = source.quantizer_form().signature.input.encode(source.calibration.inputs, tensor)
    generated = make_c(content, source.name, samples=choose_samples(content, inputs))
    files = dict(generated.files)
    if options.compile:
        files |= {LIBRARY_SUFFIX: compiled(f"{source.name}.int8", files)}
    return Converted(files.pop(".c"), files, generated.structure)
