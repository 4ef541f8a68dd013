"""Damage to model files: seeded, so that a number names a file."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from .picture_bombs import bomb

PICTURE_SUFFIXES = (".png", ".jpg", ".gif", ".bmp", ".webp")
_MODEL_SUFFIXES = (".onnx", ".ort", ".tflite")
_SPANS = (1, 4, 16, 64, 512, 4096)
_EXTREMES = (0x7FFFFFFF, 0x40000000, -1, -(2**31), 0, 3, 0xFFFF, 1 << 24)  # as int32
_EDGE_BYTES = 6000


@dataclass(frozen=True, slots=True)
class Mutant:
    """A damaged file.

    Attributes:
        kind: What was done to it, a key of `KINDS`.
        suffix: What its name must end with.
        content: Its bytes.
    """

    kind: str
    suffix: str
    content: bytes


def mutant(content: bytes, suffix: str, seed: int) -> Mutant:
    """Return the damaged file number `seed`; the kinds take turns."""
    random = Random(seed)  # noqa: S311 - not for secrets
    kind = list(KINDS)[seed % len(KINDS)]
    if kind == "wrong suffix":
        alike = PICTURE_SUFFIXES if suffix in PICTURE_SUFFIXES else _MODEL_SUFFIXES
        suffix = random.choice([other for other in alike if other != suffix])
    return Mutant(kind, suffix, KINDS[kind](content, suffix, random))


def _flip_bits(content: bytes, _suffix: str, random: Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        damaged[_position(content, random)] ^= 1 << random.randrange(8)
    return bytes(damaged)


def _truncate(content: bytes, _suffix: str, random: Random) -> bytes:
    end = random.choice((random.randrange(1, len(content)), len(content) - random.randrange(1, 200)))
    return content[: max(end, 1)]


def _zero_a_span(content: bytes, _suffix: str, random: Random) -> bytes:
    return _overwrite(content, random, b"\0")


def _set_a_span(content: bytes, _suffix: str, random: Random) -> bytes:
    return _overwrite(content, random, b"\xff")


def _extreme_integer(content: bytes, _suffix: str, random: Random) -> bytes:
    damaged, position = bytearray(content), _position(content, random) & ~3
    damaged[position : position + 4] = struct.pack("<q", random.choice(_EXTREMES))[:4]
    return bytes(damaged[: len(content)])


def _copy_a_span(content: bytes, _suffix: str, random: Random) -> bytes:
    damaged, source, target = bytearray(content), _position(content, random), _position(content, random)
    length = min(random.choice(_SPANS), len(content) - max(source, target))
    damaged[target : target + length] = content[source : source + length]
    return bytes(damaged)


def _unchanged(content: bytes, _suffix: str, _random: Random) -> bytes:
    return content


def _huge_shape(content: bytes, suffix: str, random: Random) -> bytes:
    """Declare an extreme size for a tensor or a picture, in a file that is otherwise well formed."""
    if suffix in PICTURE_SUFFIXES:
        return bomb(content, suffix, random)
    declare = {".onnx": _huge_onnx_shape, ".tflite": _huge_tflite_shape}.get(suffix, _extreme_integer)
    return declare(content, suffix, random)


def _huge_onnx_shape(content: bytes, _suffix: str, random: Random) -> bytes:
    import onnx

    model = onnx.load_model_from_string(content)
    graph = model.graph
    axes: list[tuple[Any, int | None]] = [
        (tensor.dims, axis) for tensor in graph.initializer for axis in range(len(tensor.dims))
    ]
    for value in (*graph.input, *graph.output, *graph.value_info):
        axes += [(dim, None) for dim in value.type.tensor_type.shape.dim]
    holder, axis = random.choice(axes)
    size = random.choice((*_EXTREMES, 2**62))
    if axis is None:
        holder.dim_value = size
    else:
        holder[axis] = size
    return bytes(model.SerializeToString())


def _huge_tflite_shape(content: bytes, _suffix: str, random: Random) -> bytes:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    tensors = [tensor for tensor in model.subgraphs[0].tensors if tensor.shape is not None]
    tensor = random.choice([tensor for tensor in tensors if len(tensor.shape)])
    field = random.choice(["shape"] if tensor.shapeSignature is None else ["shape", "shapeSignature"])
    shape = list(getattr(tensor, field))  # flatbuffers reads arrays that cannot be written
    shape[random.randrange(len(shape))] = random.choice(_EXTREMES)
    setattr(tensor, field, shape)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _position(content: bytes, random: Random) -> int:
    """Return a place to damage; most of a model is weights, so half of them are near the start or the end."""
    edge = min(_EDGE_BYTES, len(content))
    return random.choice(
        (random.randrange(edge), len(content) - 1 - random.randrange(edge))
        + (random.randrange(len(content)),) * 2
    )


def _overwrite(content: bytes, random: Random, byte: bytes) -> bytes:
    damaged, position = bytearray(content), _position(content, random)
    end = min(position + random.choice(_SPANS), len(content))
    damaged[position:end] = byte * (end - position)
    return bytes(damaged)


KINDS: dict[str, Callable[[bytes, str, Random], bytes]] = {
    "bit flips": _flip_bits,
    "truncation": _truncate,
    "zeroed span": _zero_a_span,
    "span of ones": _set_a_span,
    "extreme integer": _extreme_integer,
    "copied span": _copy_a_span,
    "huge shape": _huge_shape,
    "wrong suffix": _unchanged,
}
