"""A model in C, compiled into a shared library: what `edgemnist export --format int8.c --compile` makes.

The library is loaded from a copy of the content that was checked, so that a file which changes later changes
nothing here. Its code keeps no state: any number of threads may be in it at once, and ctypes lets go of
Python's lock meanwhile.
"""

import ctypes
import tempfile
from pathlib import Path

import numpy as np

from ..embedded import Embedded, read_embedded
from ..errors import ArtifactError, EngineError, first_line
from ..tensors import TensorSpec
from . import Array, EngineOptions

# The meaning of the library's functions; another meaning is another number.
ABI_VERSION = 1
_COMPILE_HERE = "Compile it on this machine: edgemnist export --format int8.c --compile"


class CEngine:
    """A model in a shared library."""

    input: TensorSpec
    output: TensorSpec

    def __init__(self, library: ctypes.CDLL, contract: Embedded, metadata: dict[str, str]) -> None:
        self.input = contract.input
        self.output = contract.output
        self.metadata = metadata
        self._classes = int(contract.output.shape[-1] or 0)
        self._probabilities = library.edgemnist_probabilities
        self._probabilities.argtypes = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
        self._probabilities.restype = None

    def run(self, batch: Array) -> Array:
        """Return the raw output for a raw input batch."""
        images = np.ascontiguousarray(batch)
        probabilities = np.empty((len(images), self._classes), np.uint8)
        self._probabilities(images.ctypes.data, len(images), probabilities.ctypes.data)
        return probabilities

    def close(self) -> None:
        """Refuse further calls; the code stays in memory, since one may be under way."""
        self.run = _closed  # type: ignore[method-assign]


def load(path: Path, content: bytes, options: EngineOptions) -> CEngine:
    """Load a shared library that edgemnist compiled; there is one thread, whatever the options say."""
    del options
    try:
        library = _open(content, path.suffix)
        version = ctypes.c_uint32.in_dll(library, "edgemnist_abi_version").value
        if version == ABI_VERSION:
            metadata = _metadata(library)
            contract = read_embedded(metadata)
            if contract is None:
                raise ValueError("it holds no contract")
            return CEngine(library, contract, metadata)
    except ArtifactError:
        raise
    except (OSError, ValueError, AttributeError) as error:  # of another CPU, damaged, or not edgemnist's
        raise ArtifactError(
            f"{path.name} is not a model's library for this machine",
            received=first_line(error),
            fix=_COMPILE_HERE,
        ) from error
    raise ArtifactError(
        f"{path.name} was compiled by another edgemnist",
        received=f"ABI version {version}",
        expected=ABI_VERSION,
        fix=_COMPILE_HERE,
    )


def _open(content: bytes, suffix: str) -> ctypes.CDLL:
    """Load a library from a file that nobody else has: the loader knows files by their names."""
    with tempfile.TemporaryDirectory(prefix="edgemnist-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder, f"model{suffix}")
        copy.write_bytes(content)
        return ctypes.CDLL(str(copy))


def _metadata(library: ctypes.CDLL) -> dict[str, str]:
    text = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(library, "edgemnist_contract")))
    return dict(line.split(": ", 1) for line in text.decode("ascii").splitlines())


def _closed(_batch: Array) -> Array:
    raise EngineError("the engine is closed")
