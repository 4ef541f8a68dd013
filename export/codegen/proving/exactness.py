"""The proof that C gives a runtime's bytes: on seeded random inputs, and on test images where they fit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....proof.generated_c import read_claims
from ....runtime.artifact.manifest import ExactnessRecord
from ....runtime.engines.registry import ENGINES, EngineOptions
from ....runtime.errors import ProofError
from ....runtime.process import usable_cpu_count
from ..arithmetic.fixed_point import Match
from ..compiler import libraries
from ..graph.importing import read_graph
from ..graph.ir import Graph
from ..graph.normalize import normalize
from .reference import Arrays, random_inputs, run_reference

RANDOM_INPUTS, SEED = 1000, 0
_CHUNK = 50


def prove_generated(source: Path, original: bytes, images: NDArray[np.uint8]) -> ExactnessRecord:
    """Prove generated C with the runtime that its first comment names; see `prove_exact`."""
    match = Match(read_claims(source.read_bytes()).match)
    return prove_exact(source, original, match, images)[0]


def prove_exact(
    source: Path,
    original: bytes,
    match: Match,
    images: NDArray[np.uint8],
    *,
    built: Path | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[ExactnessRecord, Arrays]:
    """Run the library of a model in C, and the runtime whose bytes it has to give.

    Args:
        source: The C file, which the caller has generated; it is compiled.
        original: The TFLite file that it was made of, harmless by the caller's word.
        match: The runtime.
        images: (N, ...) uint8, which the model gets too if its input has their size.
        built: A library that was compiled before; it has to give the same.
        report: Called with what is under way.

    Returns:
        What was compared, and the runtime's outputs for the random inputs.

    Raises:
        ProofError: A byte differs.
        MissingCompilerError: There is neither a C compiler nor a library.
        ConversionError: The compiler failed, or the runtime cannot run the model.
        MissingExtraError: The runtime is not installed.
    """
    graph = normalize(read_graph(original))
    inputs = random_inputs(graph, RANDOM_INPUTS, SEED)
    fitting = fitting_images(images, graph)
    report(f"asking {match.value}")
    expected = run_reference(original, inputs, match).outputs
    compared = 0
    with libraries(source, built) as found:
        for library in found:
            compared = _compare(library, graph, inputs, expected)
            for begin in range(0, len(fitting), _CHUNK):
                part = (fitting[begin : begin + _CHUNK],)
                report(f"test images from {begin:,} on")
                answers = run_reference(original, part, match).outputs
                compared += _compare(library, graph, part, answers)
    return ExactnessRecord(match.value, RANDOM_INPUTS, SEED, len(fitting), compared), expected


def _compare(library: Path, graph: Graph, inputs: Arrays, expected: Arrays) -> int:
    """Return how many bytes are equal, all of them."""
    options = EngineOptions(num_threads=usable_cpu_count())
    engine: Any = ENGINES["c"].load(library, library.read_bytes(), options)
    found = run_engine(engine, graph, inputs)
    engine.close()
    for tensor, given, right in zip(graph.outputs, found, expected, strict=True):
        wrong = np.ascontiguousarray(given).view(np.uint8) != np.ascontiguousarray(right).view(np.uint8)
        if wrong.any():
            raise ProofError(
                f"{library.name} does not give the runtime's bytes",
                received=f"{int(wrong.sum()):,} of {wrong.size:,} bytes of {tensor.name} differ",
            )
    return sum(array.nbytes for array in expected)


def run_engine(engine: Any, graph: Graph, inputs: Arrays) -> Arrays:
    """Return the outputs for inputs one by one, `(N, *shape)` each, as the runtime's are."""
    count = len(inputs[0])
    batched = engine.input.shape[:1] == (None,)
    if batched:
        given = [array.reshape(count, *array.shape[2:]) for array in inputs]
        answers = engine.run(given if len(given) > 1 else given[0])
        found = answers if len(graph.outputs) > 1 else (answers,)
        return tuple(
            array.reshape(count, *tensor.shape) for array, tensor in zip(found, graph.outputs, strict=True)
        )
    rows = []
    for number in range(count):
        one = [array[number] for array in inputs]
        answer = engine.run(one if len(one) > 1 else one[0])
        rows.append(answer if len(graph.outputs) > 1 else (answer,))
    return tuple(np.stack(arrays) for arrays in zip(*rows, strict=True))


def fitting_images(images: NDArray[np.uint8], graph: Graph) -> NDArray[Any]:
    """Return test images as the model takes them one by one; none if they are not of its input's size."""
    (*others, tensor) = graph.inputs
    if (
        images.dtype != np.uint8
        or others
        or tensor.dtype not in {"uint8", "int8"}
        or not len(images)
        or images[0].size != tensor.size
    ):
        return np.empty((0, *tensor.shape), tensor.dtype)
    raw = np.ascontiguousarray(images).reshape(-1, *tensor.shape)
    return (raw ^ np.uint8(128)).view(np.int8) if tensor.dtype == "int8" else raw
