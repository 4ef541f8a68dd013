"""The proof of WebAssembly and of pages: they are made again, and compared.

What made them is handed in, since it lies in a higher room. A module of a compiler that is not here is data
in a sandbox: it has no imports, and runs where it reaches nothing but its own memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Split
from ..runtime.artifact.manifest import ArtifactRecord, ExactnessRecord
from .artifact import Proof
from .formats import Format
from .inspect.structure import Structure

WEB_FORMATS = ("wasm", "html")


@dataclass(frozen=True, slots=True)
class WebFound:
    """What was found of WebAssembly or a page.

    Attributes:
        structure: What its module contains.
        exactness: What was compared with the runtime.
        proof: Its answers on the test images; None without a data set.
        note: How it was proven, where it is not what the compiler here makes; "" where it is.
    """

    structure: Structure
    exactness: ExactnessRecord | None
    proof: Proof | None = None
    note: str = ""


ProveForeignC = Callable[[Path, NDArray[np.uint8]], WebFound]
"""`prove_foreign_c(path, images)`: runs C that another version wrote, as WebAssembly in a sandbox.

Raises ProofError if a byte is not the runtime's, and UnprovenError where it cannot be run.
"""

ProveWeb = Callable[[Path, ArtifactRecord, Format | None, NDArray[np.float32] | None, Split], WebFound]
"""`prove_web(path, record, row, reference, test)`: makes a file again of the TFLite file beside it.

Format and reference are None without a data set. Raises UnprovenError where something is missing, and
ProofError if the file is not what it must be.
"""
