"""The proof of one artifact: its structure and its answers, from the file alone. Needs no TensorFlow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Split
from ..runtime.artifact.metadata import Metadata, read_metadata
from ..runtime.errors import EdgeMnistError
from ..runtime.files import read_model
from ..runtime.isolation.probe import Probe
from ..runtime.loading import load_predictor
from ..runtime.predictor import Predictor
from ..runtime.process import quiet
from .formats import Format
from .inspect.structure import Structure, probe_structure, read_structure
from .parity import Parity, compare

_NEVER, _ALWAYS = Probe(when="never"), Probe(when="always")


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found in an artifact's file.

    Attributes:
        failures: A sentence for each failed check; empty if the artifact passed.
        metadata: The artifact contract inside the file.
        predictor: The closed predictor of the file, for its input and output.
        parity: Against the source model.
    """

    failures: tuple[str, ...]
    structure: Structure | None = None
    metadata: Metadata | None = None
    predictor: Predictor | None = None
    parity: Parity | None = None


def prove(
    path: Path,
    row: Format,
    reference: NDArray[np.float32],
    test: Split,
    *,
    ours: bool,
    structure: Structure | None = None,
    files: Mapping[Path, str | None] | None = None,
) -> Proof:
    """Check an artifact against its format spec, and its answers against the source model's.

    Args:
        path: The artifact.
        row: Its format.
        reference: (N, classes) float32, the source model's answers on the test images.
        test: These images.
        ours: Whether this process made the file; any other is probed in a subprocess before it is loaded.
        structure: What the file contains, if only its generator knows.
        files: What is run instead of the file itself, such as libraries compiled of it, each with its
            expected hash if there is one; all must give the same answers.
    """
    metadata = predictor = None
    probe = _NEVER if ours else _ALWAYS
    files = {path: None} if files is None else files
    answers: list[tuple[str, NDArray[np.float32]]] = []
    try:
        if structure is None:
            structure = read_structure(path) if ours else probe_structure(path, read_model(path), probe)
        metadata = read_metadata(structure.metadata)
        for file, sha256 in files.items():
            # LiteRT announces its kernels
            with quiet(), load_predictor(file, probe=probe, sha256=sha256) as predictor:
                answers.append((file.name, predictor.predict(test.images).probabilities))
        (_, first), *others = answers
        parity = compare(first, reference, test.labels)
    except EdgeMnistError as error:
        return Proof((str(error),), structure, metadata, predictor)
    failures = (
        *(
            f"{name} gives other answers than what it is made of"
            for name, answer in others
            if not np.array_equal(answer, first)
        ),
        *row.spec.violations(structure),
        *(_contract_violations(row, metadata, predictor) if predictor and row.spec.contract else ()),
        *row.tolerances.violations(parity),
    )
    return Proof(failures, structure, metadata, predictor, parity)


def _contract_violations(row: Format, metadata: Metadata | None, predictor: Predictor) -> Iterator[str]:
    if metadata is None:
        yield "the artifact contract is not inside the file"
        return
    found = (metadata.precision, metadata.input, metadata.output, len(metadata.labels))
    expected = (row.precision, predictor.input, predictor.output, predictor.output.shape[-1])
    if found != expected:
        yield f"the artifact contract inside the file says {found}, the engine {expected}"
