"""The proof of one artifact: its structure and its answers, from the file alone. Needs no TensorFlow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.datasets import Split
from ..export.convert.quiet import quiet
from ..export.convert.registry import Format
from ..runtime.artifact.metadata import Metadata, read_metadata
from ..runtime.errors import EdgeMnistError
from ..runtime.isolation.probe import Probe
from ..runtime.loading import load_predictor
from ..runtime.model_file import read_model
from ..runtime.predictor import Predictor
from .inspect.structure import Structure, probe_structure, read_structure
from .parity import Parity, compare

_OUR_OWN = Probe(when="never")  # the file was made a moment ago
_ANYBODYS = Probe(when="always")


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found in an artifact's file.

    Attributes:
        failures: A sentence for each thing that does not hold; empty where the artifact is good.
        structure: What the file contains; None where it cannot be read.
        embedded: The contract inside it; None where there is none.
        predictor: The closed predictor of the file, for its input and output; None where it did not load.
        parity: How its answers compare with the source model's; None where it did not run.
    """

    failures: tuple[str, ...]
    structure: Structure | None = None
    embedded: Metadata | None = None
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
    built: Path | None = None,
) -> Proof:
    """Prove that a file is what its format promises and answers as the source model does.

    Args:
        path: The artifact.
        row: Its format, with the limits to keep.
        reference: (N, classes) float32, the source model's answers on the test images.
        test: The test images and their labels.
        ours: Whether this process has made the file; any other is tried in a subprocess before it is loaded.
        structure: What the file contains, where only its generator can tell.
        built: For C, a library that was compiled of it here before; it has to give the same answers.
    """
    embedded = predictor = None
    probe = _OUR_OWN if ours else _ANYBODYS
    try:
        if structure is None:
            structure = read_structure(path) if ours else probe_structure(path, read_model(path), probe)
        embedded = read_metadata(structure.metadata)
        with row.runnable(path, built) as files:
            answers = []
            for file, sha256 in files.items():
                with (
                    quiet(),
                    load_predictor(file, probe=probe, sha256=sha256) as predictor,
                ):  # LiteRT announces its kernels
                    answers.append(predictor.predict(test.images).probabilities)
        parity = compare(answers[0], reference, test.labels)
    except EdgeMnistError as error:
        return Proof((str(error),), structure, embedded, predictor)
    failures = (
        *_different(tuple(files), answers),
        *row.promise.broken_by(structure),
        *(_wrong_contract(row, embedded, predictor) if predictor else ()),
        *row.gates.broken_by(parity),
    )
    return Proof(failures, structure, embedded, predictor, parity)


def _different(files: Sequence[Path], answers: Sequence[NDArray[np.float32]]) -> Iterator[str]:
    for file, answer in zip(files[1:], answers[1:], strict=True):
        if not np.array_equal(answer, answers[0]):
            yield f"{file.name} gives other answers than what it is made of"


def _wrong_contract(row: Format, embedded: Metadata | None, predictor: Predictor) -> tuple[str, ...]:
    if not row.promise.contract:
        return ()
    if embedded is None:
        return ("its contract is not inside the file",)
    found = (embedded.precision, embedded.input, embedded.output, len(embedded.labels))
    expected = (row.precision, predictor.input, predictor.output, predictor.output.shape[-1])
    return () if found == expected else (f"the contract inside the file says {found}, the engine {expected}",)
