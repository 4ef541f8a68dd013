"""The proof of one artifact: its structure and its answers, from the file alone. Needs no TensorFlow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Split
from ..runtime.artifact.metadata import Metadata, read_metadata
from ..runtime.errors import EdgeMnistError, ProofError
from ..runtime.files import read_model
from ..runtime.isolation.probe import Probe
from ..runtime.loading import load_predictor
from ..runtime.predictor import Predictor
from ..runtime.process import quiet
from ..runtime.signature import ModelSignature
from .formats import Format
from .inspect.structure import Structure, probe_structure, read_structure
from .parity import Parity, compare
from .reference import outputs_of

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
    batch: int | None = None,
    structure: Structure | None = None,
    signature: ModelSignature | None = None,
    files: Mapping[Path, str | None] | None = None,
) -> Proof:
    """Check an artifact against its format spec, and its outputs against the source model's.

    Args:
        path: The artifact.
        row: Its format.
        reference: (N, ...) float32, the source model's outputs on the test set.
        test: The test set.
        ours: Whether this process made the file; any other is probed in a subprocess before it is loaded.
        batch: The size that its batch must have; None is any.
        structure: What the file contains, if only its generator knows.
        signature: Of the file; None reads it from its metadata.
        files: What is run instead of the file itself, such as libraries compiled of it, each with its
            expected hash if there is one; all must give the same outputs.
    """
    metadata = predictor = None
    probe = _NEVER if ours else _ALWAYS
    files = {path: None} if files is None else files
    outputs: list[tuple[str, NDArray[np.float32]]] = []
    try:
        if structure is None:
            structure = read_structure(path) if ours else probe_structure(path, read_model(path), probe)
        metadata = read_metadata(structure.metadata)
        known = signature or (metadata.signature if metadata else None)
        for file, sha256 in files.items():
            # LiteRT announces its kernels
            with quiet(), load_predictor(file, probe=probe, sha256=sha256, signature=known) as predictor:
                outputs.append((file.name, outputs_of(predictor, test)))
        if predictor is None:
            raise ProofError(f"nothing runs {path.name}")
        (_, first), *others = outputs
        classes = predictor.signature.output.kind == "classes"
        parity = compare(first, reference, test.labels, classes=classes, targets=test.targets)
    except EdgeMnistError as error:
        return Proof((str(error),), structure, metadata, predictor)
    failures = (
        *(
            f"{name} gives other answers than what it is made of"
            for name, output in others
            if not np.array_equal(output, first)
        ),
        *row.spec.violations(structure, predictor.signature, batch),
        *(_contract_violations(row, metadata, predictor) if row.spec.contract else ()),
        *row.tolerances.violations(parity),
    )
    return Proof(failures, structure, metadata, predictor, parity)


def _contract_violations(row: Format, metadata: Metadata | None, predictor: Predictor) -> Iterator[str]:
    if metadata is None:
        yield "the artifact contract is not inside the file"
        return
    found = (metadata.precision, metadata.input, metadata.output, metadata.signature)
    expected = (row.precision, predictor.input, predictor.output, predictor.signature)
    if found != expected:
        yield f"the artifact contract inside the file says {found}, the engine {expected}"
