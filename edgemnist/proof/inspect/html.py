"""Pages with a model: the WebAssembly module inside."""

from ...runtime.artifact.page_file import read_modules
from . import wasm
from .structure import Structure

KIND = "a page with a model"


def read(name: str, content: bytes) -> Structure:
    """Read the module with vectors of a page.

    Raises:
        ArtifactError: There is none, or it is damaged.
    """
    return wasm.read(name, read_modules(content)["simd"])
