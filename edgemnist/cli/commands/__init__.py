"""The commands: each is a function of its own name, in a module of its own name, with `EXAMPLES` beside it.

`edgemnist --help` shows this table and imports none of them.
"""

import importlib
from types import ModuleType

SUMMARIES = {
    "train": "Train a network and draw how it went.",
    "curves": "Draw accuracy and loss of several trainings over their epochs, a colour for each.",
    "export": "Convert the model to TFLite and ONNX, and prove every file on the whole test set.",
    "formats": "List every export format, its engine, the extra that brings it, and if it runs here.",
    "predict": "Run a model on pictures, or on rows of numbers, and print classes or values.",
    "inspect": "Draw a model as text: operators, shapes, types, scales, sizes, versions and metadata.",
    "verify": "Prove every artifact of a folder again: hashes, structure, metadata, and all outputs.",
    "bench": "Measure accuracy, agreement with Keras and latency of every artifact on every engine.",
    "layers": "Show where two forms of a model part: each layer against its counterpart.",
    "size": "Show the flash and RAM that a network needs as C on a microcontroller, layer by layer.",
    "advise": "Name the artifact to ship, why, and what the next ones would gain or lose.",
    "compare": "Compare two benchmarks row by row: how many times slower, how much more accurate.",
    "sweep": "Train and export every combination of options, prove all of them, and show the frontier.",
    "env": "Show versions, CPU, engines found and missing extras.",
}
ALIASES = {"benchmark": "bench"}


def load_module(name: str) -> ModuleType:
    """Import the module of a command."""
    return importlib.import_module(f".{name}", __name__)
