"""The proof of native code from a folder of anyone's, none of which is run."""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Split
from ..export.codegen.compiler import has_compiler
from ..export.convert.registry import Format
from ..runtime.artifact.manifest import ArtifactRecord
from ..runtime.engines.registry import LIBRARY_SUFFIX
from ..runtime.errors import ProofError, UnprovenError
from ..runtime.isolation.native_code import is_built_here
from .artifact import Proof, prove
from .generated_c import ENDINGS, Generate, prove_c


def prove_generated(
    path: Path,
    record: ArtifactRecord,
    row: Format,
    reference: NDArray[np.float32],
    test: Split,
    generate: Generate | None,
) -> Proof | None:
    """Prove C by generating it again, then run the generator's own files in a folder of their own.

    Args:
        path: The C file.
        record: What is on record for it.
        row: Its format, with the limits to keep.
        reference: (N, classes) float32, the source model's answers on the test images.
        test: The test images and their labels.
        generate: What makes C of a TFLite file; None leaves C unproven.

    Returns:
        The proof; None for C that is what it should be and cannot be run, for want of a compiler.

    Raises:
        UnprovenError: Nothing here can generate the same again.
        ProofError: It is not what the generator makes.
        EdgeMnistError: The generator refuses the TFLite file beside it.
    """
    unrecorded = [
        name
        for name in (path.stem + ending for ending in ENDINGS)
        if name not in (record.file, *record.companions)
    ]
    if unrecorded:
        raise ProofError(f"{', '.join(unrecorded)} is not in the manifest")
    if generate is None:
        raise UnprovenError("nothing here can generate it again")
    generated = prove_c(path, generate)
    library = path.with_suffix(LIBRARY_SUFFIX)
    built = library.name in record.companions and not why_foreign(record.companions[library.name])
    if not built and not has_compiler():
        return None
    with tempfile.TemporaryDirectory() as folder:
        return prove(
            generated.write(Path(folder)),
            row,
            reference,
            test,
            ours=True,
            structure=generated.structure,
            built=library if built else None,
        )


def why_foreign(sha256: str) -> str:
    """Return why a library with that content is unproven and must not be loaded; "" if it was built here."""
    if is_built_here(sha256):
        return ""
    return (
        "this user has not built it on this machine, and no library can be proven otherwise; it was not"
        " loaded (`edgemnist export --format int8.tflite --format int8.c --compile` builds one)"
    )
