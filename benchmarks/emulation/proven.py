"""Models in C that may be compiled and run: copies that were generated here, wherever the models are from."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ...proof.generated_c import Generate, prove_c
from ...runtime.files import sha256_of
from .model import CModel


@contextmanager
def proven_copies(models: Iterable[CModel], generate: Generate) -> Iterator[tuple[CModel, ...]]:
    """Prove models in C by generating them again, and yield the generator's own files in a private folder.

    An emulated processor keeps nothing in: its programs open files on this machine.

    Args:
        models: The models, wherever they come from.
        generate: What makes C of a TFLite file.

    Raises:
        UnprovenError: A TFLite file is not there, or another version of the generator wrote the C.
        ProofError: The C is not what the generator makes of the TFLite file.
        EdgeMnistError: The TFLite file is none to make C of.
    """
    with tempfile.TemporaryDirectory(prefix="edgemnist-c-") as folder:
        yield tuple(
            _proven(model, generate, Path(folder, str(number))) for number, model in enumerate(models)
        )


def _proven(model: CModel, generate: Generate, folder: Path) -> CModel:
    folder.mkdir()
    copy = prove_c(model.source, generate).write(folder)
    return replace(model, source=copy, sha256=sha256_of(copy))
