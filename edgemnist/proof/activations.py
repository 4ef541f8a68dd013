"""What every layer of a model outputs, for one form of file each: Keras, TFLite, ONNX.

A trace runs a model on raw items, whatever the file's own input is: pixels, floats, or integers with a scale.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.artifact.metadata import read_metadata
from ..runtime.engines.keras_signature import leading_scaling
from ..runtime.engines.registry import ENGINES, EngineOptions, engine_for
from ..runtime.errors import ArtifactError, EdgeMnistError, MissingExtraError, first_line
from ..runtime.signature import InputSpec, ModelSignature, SignatureOptions
from ..runtime.tensors import TensorSpec, require_one, to_real

Reals = NDArray[np.float32]
WATCHED = (".keras", ".h5", ".hdf5", ".tflite", ".onnx")
_MAX_TENSORS = 20_000


@dataclass(frozen=True, slots=True)
class LayerOutput:
    """One tensor that a layer outputs.

    Attributes:
        name: The layer's name, or the tensor's where the format names only these.
        kind: The layer's class or the operator, such as "Conv2D" or "CONV_2D".
        scale: The size of one quantization step, or 0.
        limits: The smallest and largest real value that a quantized tensor can hold.
        weight_scales: How many scales the layer's quantized weights have; 0 for float ones.
    """

    name: str
    kind: str
    scale: float = 0.0
    limits: tuple[float, float] | None = None
    weight_scales: int = 0

    @property
    def label(self) -> str:
        """The name in short: the layer in TFLite's path of scopes and operators, the last of several."""
        *_, last = self.name.split(";")
        *scopes, operator = last.partition("/ReadVariableOp")[0].removesuffix(":0").split("/")
        named = [scope for scope in scopes if scope and scope != "batchnorm"]
        return named[-1] if named else operator


@dataclass(frozen=True, slots=True)
class Trace:
    """A loaded model whose layers can be watched.

    Attributes:
        file: The file's name.
        input: What the file takes.
        output: What it gives.
        signature: What its input means, as its metadata or the layers of it say; None where they do not.
        layers: The layers' outputs, in the order in which they are computed.
        parents: For each of them, which of them its layer takes as inputs.
        values: From a raw batch of the input to the real values of each of these.
    """

    file: str
    input: TensorSpec
    output: TensorSpec
    signature: ModelSignature | None
    layers: tuple[LayerOutput, ...]
    parents: tuple[tuple[int, ...], ...]
    values: Callable[[NDArray[Any]], list[Reals]]

    def run(self, raw: NDArray[Any], spec: InputSpec) -> list[Reals]:
        """Return every layer's output for raw items, `(N, ...)`.

        Args:
            raw: The items.
            spec: What they mean to a model that does not say so itself.

        Raises:
            ArtifactError: The model takes items of another shape.
        """
        own = self.signature.input if self.signature else spec
        return self.values(_in_layout(own.encode(raw, self.input), self.input))


def open_trace(path: Path, content: bytes) -> Trace:
    """Load a model whose file was read before.

    Raises:
        ArtifactError: It is no model, or has several inputs, or inputs without a fixed shape.
        MissingExtraError: The package that runs it is not installed.
    """
    openers = {"keras": of_keras, "litert": of_tflite, "onnxruntime": of_onnx}
    entry = engine_for(path)
    if path.suffix not in WATCHED:
        raise ArtifactError(
            f"the layers of {path.name} cannot be watched",
            received=f"the suffix {path.suffix!r}",
            expected=f"one of {', '.join(WATCHED)}",
        )
    if not entry.available:
        raise MissingExtraError(entry.package, entry.extra, f"watching the layers of {path.name}")
    try:
        trace = openers[entry.name](path.name, content)
    except EdgeMnistError:
        raise
    except Exception as error:  # the engines raise what they like
        raise ArtifactError(f"{path.name} cannot be loaded", received=first_line(error)) from error
    if None in trace.input.shape[1:] or len(trace.layers) > _MAX_TENSORS:
        raise ArtifactError(
            f"the layers of {path.name} cannot be watched",
            received=f"an input of {trace.input.shape} and {len(trace.layers):,} layers",
            expected=f"an input that is fixed but for its batch, and at most {_MAX_TENSORS:,} layers",
        )
    return trace


def try_trace(path: Path, content: bytes) -> None:
    """Load a stranger's model and run it once: in a subprocess, which it may crash.

    Raises:
        ArtifactError: It does not run.
    """
    trace = open_trace(path, content)
    trace.values(np.zeros([1, *(axis or 1 for axis in trace.input.shape[1:])]).astype(trace.input.dtype))


def of_keras(name: str, content: bytes) -> Trace:
    """Watch the layers of a Keras model while it computes, those of nested models too."""
    engine: Any = ENGINES["keras"].load(Path(name), content, EngineOptions())
    model = engine.model
    recorded: list[_Call] = []
    for layer in _parts(model):
        layer.call = _recording(layer, layer.call, recorded)

    def values(batch: NDArray[Any]) -> list[Reals]:
        recorded.clear()
        model(batch, training=False)
        found = [np.asarray(call.result, np.float32) for call in recorded]
        positions = {id(call.result): index for index, call in enumerate(recorded)}
        parents[:] = [tuple(positions[each] for each in call.taken if each in positions) for call in recorded]
        return found

    parents: list[tuple[int, ...]] = []

    signature = engine.infer_signature(name, SignatureOptions())  # all its axes are fixed
    known = leading_scaling(model) is not None
    values(np.zeros((1, *signature.input.shape)).astype(engine.input.dtype))
    layers = tuple(call.layer for call in recorded)
    recorded.clear()
    return Trace(
        name, engine.input, engine.output, signature if known else None, layers, tuple(parents), values
    )


def of_tflite(name: str, content: bytes, *, exact: bool = True) -> Trace:
    """Watch the operators of a TFLite model, run image by image.

    Args:
        name: The file's name.
        content: The file.
        exact: Run LiteRT's reference kernels; else its optimized ones, which are quicker.
    """
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    from ..runtime.artifact.tflite_file import metadata_of, operator_name, unpack

    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        if exact
        else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    for ends in (interpreter.get_input_details(), interpreter.get_output_details()):
        require_one([detail["name"] for detail in ends])
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    graph = unpack(content, schema)
    inputs = set(graph.subgraphs[0].inputs)
    nodes = [
        (index, operator_name(graph, node, schema), node)
        for node in graph.subgraphs[0].operators or ()
        for index in node.outputs
    ]
    chosen = [
        details.get(index, {}).get("dtype") in _NUMBERS
        and (kind not in _RESCALING or not inputs.isdisjoint(node.inputs))
        for index, kind, node in nodes
    ]
    watched = [found for found, wanted in zip(nodes, chosen, strict=True) if wanted]
    specs = [_tensor_of(details[index]) for index, _, _ in watched]
    layers = tuple(
        LayerOutput(spec.name, kind, spec.scale, _limits(spec), _weight_scales(node, details))
        for spec, (_, kind, node) in zip(specs, watched, strict=True)
    )
    parents = _parents(
        (index, node.inputs, wanted) for (index, _, node), wanted in zip(nodes, chosen, strict=True)
    )
    input_index = interpreter.get_input_details()[0]["index"]

    def values(batch: NDArray[Any]) -> list[Reals]:
        found: list[list[Reals]] = [[] for _ in watched]
        for image in batch:
            interpreter.set_tensor(input_index, image[None])
            interpreter.invoke()
            for rows, spec, (index, *_) in zip(found, specs, watched, strict=True):
                rows.append(to_real(interpreter.get_tensor(index), spec))
        return [np.concatenate([np.atleast_1d(row) for row in rows]) for rows in found]

    taken, given = (
        _tensor_of(ends[0]) for ends in (interpreter.get_input_details(), interpreter.get_output_details())
    )
    return Trace(name, taken, given, _signature(metadata_of(graph)), layers, parents, values)


def of_onnx(name: str, content: bytes) -> Trace:
    """Watch the nodes of an ONNX model, each run as it is written, none fused with another."""
    import onnx
    import onnxruntime

    from .inspect.onnx import value_spec

    model = onnx.load_model_from_string(content)
    inferred = onnx.shape_inference.infer_shapes(model).graph
    dtypes = {each.name: each.type.tensor_type.elem_type for each in (*inferred.value_info, *inferred.output)}
    reals = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    nodes = [(node, output) for node in model.graph.node for output in node.output if output]
    watched = [(node, output) for node, output in nodes if dtypes.get(output) in reals]
    outputs = list(model.graph.output)
    require_one([each.name for each in outputs])
    named = {each.name for each in outputs}
    model.graph.output.extend(
        onnx.ValueInfoProto(name=output) for _, output in watched if output not in named
    )
    constants = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in constants]
    require_one([each.name for each in inputs])
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.log_severity_level = 4
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    wanted = [output for _, output in watched]

    def values(batch: NDArray[Any]) -> list[Reals]:
        return [np.asarray(each, np.float32) for each in session.run(wanted, {inputs[0].name: batch})]

    layers = tuple(LayerOutput(output, node.op_type) for node, output in watched)
    parents = _parents((output, node.input, (node, output) in watched) for node, output in nodes)
    taken, given = value_spec(inputs[0], onnx), value_spec(outputs[0], onnx)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    return Trace(name, taken, given, _signature(metadata), layers, parents, values)


def _signature(metadata: dict[str, str]) -> ModelSignature | None:
    found = read_metadata(metadata)
    return found.signature if found else None


def _parents(outputs: Iterable[tuple[Any, Iterable[Any], bool]]) -> tuple[tuple[int, ...], ...]:
    """Return what each watched layer depends on; what is not watched only passes on what was before it.

    Args:
        outputs: Of each operator in order: what it outputs, what it takes, and whether it is watched.
    """
    sources: dict[Any, tuple[int, ...]] = {}
    found: list[tuple[int, ...]] = []
    for output, inputs, watched in outputs:
        before = tuple(dict.fromkeys(each for taken in inputs for each in sources.get(taken, ())))
        sources[output] = (len(found),) if watched else before
        if watched:
            found.append(before)
    return tuple(found)


# These give what they take, but for the rounding: of the layers only the input's counts.
_RESCALING = ("QUANTIZE", "DEQUANTIZE")
_NUMBERS = (np.float32, np.float16, np.int8, np.uint8, np.int16)


def _parts(model: Any) -> list[Any]:
    """Return a model's layers and operations without the models among them, whose layers count instead."""
    found = []
    for part in getattr(model, "operations", model.layers):
        found.extend(_parts(part) if hasattr(part, "layers") and hasattr(part, "inputs") else [part])
    return [part for part in found if type(part).__name__ != "InputLayer"]


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of a Keras layer: what it returned, and which tensors it took."""

    layer: LayerOutput
    result: Any
    taken: tuple[int, ...]


def _recording(layer: Any, call: Callable[..., Any], recorded: list[_Call]) -> Callable[..., Any]:
    def recording(*arguments: Any, **named: Any) -> Any:
        result = call(*arguments, **named)
        if hasattr(result, "shape"):
            taken = tuple(id(each) for each in _tensors([arguments, named]))
            recorded.append(_Call(LayerOutput(layer.name, type(layer).__name__), result, taken))
        return result

    return recording


def _tensors(value: Any) -> Iterator[Any]:
    """Yield the tensors in nested lists and dictionaries of arguments."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif hasattr(value, "shape"):
        yield value


def _tensor_of(detail: dict[str, Any]) -> TensorSpec:
    scale, zero_point = detail["quantization"]
    axes = tuple(None if axis < 0 else int(axis) for axis in detail["shape_signature"])
    return TensorSpec(detail["name"], np.dtype(detail["dtype"]).name, axes, float(scale), int(zero_point))


def _limits(spec: TensorSpec) -> tuple[float, float] | None:
    if not spec.quantized:
        return None
    raw = np.iinfo(np.dtype(spec.dtype))
    low, high = (float((each - spec.zero_point) * spec.scale) for each in (raw.min, raw.max))
    return low, high


def _weight_scales(node: Any, details: dict[int, Any]) -> int:
    """Return the number of scales of an operator's weights: its second input, if that is quantized."""
    if node.inputs is None or len(node.inputs) < 2:  # noqa: PLR2004 - input and weights
        return 0
    return len(details.get(node.inputs[1], {}).get("quantization_parameters", {}).get("scales", ()))


def _in_layout(inputs: NDArray[Any], tensor: TensorSpec) -> NDArray[Any]:
    """Return inputs in a tensor's layout: axes of 1 dropped or added, or the other of NHWC and NCHW."""
    wanted, given = tensor.shape[1:], inputs.shape[1:]
    if given == wanted:
        return inputs
    if tuple(axis for axis in given if axis != 1) == tuple(axis for axis in wanted if axis != 1):
        return inputs.reshape(len(inputs), *(axis or 1 for axis in wanted))
    for moved in (np.moveaxis(inputs, -1, 1), np.moveaxis(inputs, 1, -1)):
        if moved.shape[1:] == wanted:
            return np.ascontiguousarray(moved)
    raise ArtifactError(
        "the inputs do not fit the model",
        received=f"inputs of the shape {given}",
        expected=f"{wanted}, as the model's input {tensor.name!r} has",
    )
