"""The graph of a full-integer TFLite file as plain values: what the operators of `operators` take."""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ...runtime.artifact.metadata import Metadata, read_metadata
from ...runtime.artifact.tflite_file import metadata_of, operator_name, unpack
from ...runtime.errors import ConversionError
from ...runtime.tensors import TensorSpec


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor of the graph.

    Attributes:
        name: Its name in the file.
        dtype: The numpy name of its element type.
        shape: The axes of one image's tensor, or of a constant; without the batch.
        scales: The quantization steps: one, or one for each channel; float32.
        zero_point: The raw value that stands for 0.
        content: The constant's values; None for a tensor that is computed.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scales: NDArray[np.float32]
    zero_point: int
    content: NDArray[Any] | None = None

    @property
    def size(self) -> int:
        """The number of its elements."""
        return int(np.prod(self.shape))

    @property
    def scale(self) -> np.float32:
        """The quantization step of a tensor that has one for all its elements.

        Raises:
            ConversionError: It has none, or several.
        """
        if len(self.scales) != 1:
            raise ConversionError(
                f"the tensor {self.name} is not quantized per tensor", received=f"{len(self.scales)} scales"
            )
        step: np.float32 = self.scales[0]
        return step


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An operator of the graph.

    Attributes:
        name: The format's own name for it, such as "FULLY_CONNECTED".
        inputs: What it takes; None where an optional tensor is left out.
        output: What it gives.
        options: The schema's options of this operator, or None.
    """

    name: str
    inputs: tuple[Tensor | None, ...]
    output: Tensor
    options: Any


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A model with one input and one output.

    Attributes:
        input: What it takes, `(N, *image shape)`.
        output: What it gives, `(N, classes)`.
        nodes: Its operators, in order.
        contract: What the file says about itself, as far as its graph bears it out.
    """

    input: Tensor
    output: Tensor
    nodes: tuple[Node, ...]
    contract: Metadata


def read_graph(content: bytes) -> Graph:
    """Read a full-integer TFLite file that edgemnist made.

    Raises:
        ArtifactError: It is no TFLite file, or the contract inside it is damaged.
        ConversionError: It is not a graph with one input and one output, or it holds no contract.
    """
    model = unpack(content, schema)
    contract = read_metadata(metadata_of(model))
    graph = model.subgraphs[0]
    if contract is None or len(model.subgraphs) != 1 or len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ConversionError(
            "C code is made of one graph with one input and one output, exported by edgemnist",
            received=f"{len(model.subgraphs)} graphs, {len(graph.inputs)} inputs,"
            f" {len(graph.outputs)} outputs, {'a' if contract else 'no'} contract",
        )
    tensors = [_tensor(model, tensor) for tensor in graph.tensors]
    nodes = tuple(
        Node(
            operator_name(model, node, schema),
            tuple(tensors[index] if index >= 0 else None for index in node.inputs),
            tensors[node.outputs[0]],
            node.builtinOptions,
        )
        for node in graph.operators
    )
    taken, given = tensors[graph.inputs[0]], tensors[graph.outputs[0]]
    return Graph(taken, given, nodes, _borne_out(contract, taken, given))


def _borne_out(contract: Metadata, taken: Tensor, given: Tensor) -> Metadata:
    """Return a contract whose input and output are the graph's own.

    The C is written by the graph, but memory for what it reads and writes is laid out by the contract, and
    both may be a stranger's.

    Raises:
        ConversionError: The contract says something else.
    """
    own = msgspec.structs.replace(
        contract,
        input=_spec(contract.input.name, taken),
        output=_spec(contract.output.name, given),
    )
    if own != contract or given.shape != (len(contract.labels),):
        raise ConversionError(
            "the contract inside the file is not that of its graph",
            received=f"{contract.input}, {contract.output} and {len(contract.labels)} labels",
            expected=f"{own.input}, {own.output} and a label for each class",
        )
    return own


def _spec(name: str, tensor: Tensor) -> TensorSpec:
    return TensorSpec(name, tensor.dtype, (None, *tensor.shape), float(tensor.scale), tensor.zero_point)


def _tensor(model: Any, tensor: Any) -> Tensor:
    types = vars(schema.TensorType)
    dtype = next(name for name, number in types.items() if number == tensor.type).lower()
    axes = () if tensor.shape is None else tuple(int(axis) for axis in tensor.shape)
    raw = model.buffers[tensor.buffer].data
    quantization = tensor.quantization
    quantized = quantization is not None and quantization.scale is not None
    content = None if raw is None else np.asarray(raw, np.uint8).view(dtype).reshape(axes)
    return Tensor(
        tensor.name.decode(errors="replace"),
        dtype,
        axes if content is not None else axes[1:],
        np.asarray(quantization.scale if quantized else (), np.float32),
        int(quantization.zeroPoint[0]) if quantized and quantization.zeroPoint is not None else 0,
        content,
    )
