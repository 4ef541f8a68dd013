"""The C of a model as the rest of edgemnist handles it: its files, and what they consist of."""

from collections.abc import Iterator
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...proof.generated_c import GeneratedC
from ...proof.inspect.structure import GraphTensor, Operator, Structure
from ...runtime.tensors import TensorSpec
from .arithmetic.fixed_point import Match
from .emitting.ends import is_batched
from .emitting.writing import GOLDEN_INPUTS, generate
from .graph.importing import read_graph
from .graph.ir import Tensor
from .planning.plan import Plan
from .proving.reference import Arrays, run_reference

_STANDARD, _STDC_VERSION = "ISO C 1999", 199901
_CHUNK = 100


def make_c(
    content: bytes, name: str, *, match: Match = Match.LITERT, samples: Arrays | None = None
) -> GeneratedC:
    """Return the C of a TFLite file; the arguments and errors are those of `generate`."""
    sources = generate(content, name, match=match, samples=samples)
    files = {".c": sources.model, **sources.companions}
    return GeneratedC(f"{name}.int8", MappingProxyType(files), structure_of(sources.plan), content)


def choose_samples(content: bytes, images: NDArray[np.uint8], match: Match = Match.LITERT) -> Arrays:
    """Return the first image of each class that the model gives, up to as many as a self-test has.

    Args:
        content: The TFLite file: one input of 8 bits, one output.
        images: `(N, *input shape)`, the model's raw input as it is, or as uint8 plus 128 where that is int8.
        match: Whose answers decide.
    """
    raw = raw_images(content, images)
    chosen: dict[int, int] = {}
    for start in range(0, len(raw), _CHUNK):
        (outputs,) = run_reference(content, (raw[start : start + _CHUNK],), match).outputs
        for number, label in enumerate(outputs.reshape(len(outputs), -1).argmax(axis=1).tolist(), start):
            chosen.setdefault(label, number)
        if len(chosen) >= min(GOLDEN_INPUTS, outputs[0].size):
            break
    return (raw[sorted(chosen.values())[:GOLDEN_INPUTS]],)


def raw_images(content: bytes, images: NDArray[np.uint8]) -> NDArray[np.generic]:
    """Return images as a model of one input takes them one by one, `(N, 1, *image shape)`."""
    (tensor,) = read_graph(content).inputs
    one_by_one = images[:, None]
    if images.dtype == tensor.dtype:
        return one_by_one
    return (one_by_one ^ np.uint8(128)).view(np.int8) if tensor.dtype == "int8" else one_by_one


def spec_of(tensor: Tensor, *, batched: bool) -> TensorSpec:
    """Return an input or output as the runtime's engines describe it."""
    quantized = len(tensor.scales) == 1
    return TensorSpec(
        tensor.name,
        tensor.dtype,
        (None, *tensor.shape[1:]) if batched else tensor.shape,
        float(tensor.scale) if quantized else 0.0,
        tensor.zero_point if quantized else 0,
    )


def structure_of(plan: Plan) -> Structure:
    """Return what the code consists of: constants, what is between layers, and the operators at run time."""
    graph = plan.graph
    batched = is_batched(graph)
    nodes = {step.node.position: step.node for step in plan.steps}
    tensors = {tensor: None for node in nodes.values() for tensor in _tensors(node.inputs, node.outputs)}
    return Structure(
        inputs=tuple(spec_of(tensor, batched=batched) for tensor in graph.inputs),
        outputs=tuple(spec_of(tensor, batched=batched) for tensor in graph.outputs),
        tensors=tuple(_described(tensor) for tensor in tensors),
        operators=tuple(
            Operator(
                node.operator,
                inputs=tuple(tensor.name for tensor in _tensors(node.inputs)),
                outputs=tuple(tensor.name for tensor in node.outputs),
            )
            for node in nodes.values()
        ),
        versions={"c": _STDC_VERSION},
        oldest_runtime=_STANDARD,
        metadata=dict(graph.metadata),
    )


def _tensors(*groups: tuple[Tensor | None, ...]) -> Iterator[Tensor]:
    for group in groups:
        for tensor in group:
            if tensor is not None:
                yield tensor


def _described(tensor: Tensor) -> GraphTensor:
    return GraphTensor(
        tensor.name,
        tensor.dtype,
        tensor.shape,
        0 if tensor.data is None else tensor.size_bytes,
        tuple(float(scale) for scale in tensor.scales),
        tuple(int(zero) for zero in tensor.zero_points),
    )
