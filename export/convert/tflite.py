"""What the TFLite formats share: the converter's call, and the editing of its flatbuffer."""

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ...proof.format_spec import INPUT_NAME, OUTPUT_NAME
from ...proof.inspect.tflite import MIN_RUNTIME, oldest_runtime
from ...runtime.artifact.tflite_file import FILE_IDENTIFIER, tensor_spec, unpack
from ...runtime.errors import ConversionError
from ..backend import tf
from .quiet import quiet
from .source_model import Source

# A hash of a temporary SavedModel is in it, so it differs from one conversion to the next; the versions in
# it are in our own metadata too.
_UNREPEATABLE = b"CONVERSION_METADATA"
_ALIGNMENT_BYTES = 16


def converter_for(model: Any, operators: str) -> Any:
    """Return the converter for a Keras model, limited to one of `tf.lite.OpsSet`'s sets of operators.

    The default would let operators in that need TensorFlow on the device.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.target_spec.supported_ops = [getattr(tf.lite.OpsSet, operators)]
    return converter


def run(converter: Any) -> Any:
    """Return what a converter makes, as the flatbuffer schema's `ModelT`.

    Raises:
        ConversionError: The converter failed.
    """
    try:
        with quiet():
            content: bytes = converter.convert()
    except Exception as error:  # the converter raises MLIR, flatbuffer and calibration errors of all types
        raise ConversionError("the TFLite converter failed", received=error) from error
    return unpack(content, schema)


def finish(model: Any, source: Source, precision: str) -> bytes:
    """Return the file of a converted model, with the contract's names and the contract itself inside."""
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].name = INPUT_NAME.encode()
    graph.tensors[graph.outputs[0]].name = OUTPUT_NAME.encode()
    takes, gives = (tensor_spec(model, index[0], schema) for index in (graph.inputs, graph.outputs))
    texts = {MIN_RUNTIME: oldest_runtime(model, schema)}
    texts |= source.embedded(precision, takes, gives).to_metadata()
    for entry in [entry for entry in model.metadata if entry.name in {_UNREPEATABLE, MIN_RUNTIME.encode()}]:
        model.metadata.remove(entry)
        model.buffers[entry.buffer].data = None
    for name, text in texts.items():
        add_metadata(model, name, text)
    return pack(model)


def add_metadata(model: Any, name: str, text: str) -> None:
    """Store a text in a model's metadata."""
    entry = schema.MetadataT()
    entry.name, entry.buffer = name.encode(), add_buffer(model, text.encode())
    model.metadata.append(entry)


def add_buffer(model: Any, content: bytes) -> int:
    """Store bytes in a model and return the number of the new buffer."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(content, np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def pack(model: Any) -> bytes:
    """Return a model's flatbuffer, each buffer on a boundary of 16 bytes as the schema demands."""
    builder = _AligningBuilder()
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


class _AligningBuilder(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers has no types
    """A builder that aligns vectors of bytes.

    The schema says `force_align: 16`; the Python code that flatc generates (25.12) does not keep it.
    """

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:  # noqa: N802, N803 - its names
        """Begin a vector, at a multiple of 16 bytes if it is one of bytes."""
        return super().StartVector(elemSize, numElems, _ALIGNMENT_BYTES if elemSize == 1 else alignment)
