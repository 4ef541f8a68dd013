"""WebAssembly modules: their sections, and what edgemnist writes into one of them.

Binary format: https://webassembly.github.io/spec/core/binary/modules.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from ..errors import ArtifactError
from ..tensors import TensorSpec

CUSTOM, IMPORT, CODE, DATA = 0, 2, 10, 11
_HEADER = b"\0asm\x01\0\0\0"
_NAME = b"edgemnist"
_FEATURES, _SIMD128 = b"target_features", b"\x01+\x07simd128"
_WHAT = "a WebAssembly module"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a module.

    Attributes:
        kind: Its number in the specification, such as `CODE`.
        content: What follows its size.
    """

    kind: int
    content: bytes

    def encoded(self) -> bytes:
        """Return the section as it stands in the file."""
        return bytes([self.kind]) + _encoded(len(self.content)) + self.content


class Description(msgspec.Struct, frozen=True):
    """What a module is by its own account: one call's inputs and outputs, and what it was made of.

    Attributes:
        batched: Whether the first axis of each input and output is a batch, of which a call computes one.
        metadata: The texts of the TFLite file.
        operators: Name, inputs and outputs of each operator that it computes.
        weights: Name, element type, shape and size in bytes of each constant.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    batched: bool
    metadata: dict[str, str]
    operators: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    weights: tuple[tuple[str, str, tuple[int, ...], int], ...]

    def __post_init__(self) -> None:
        axes = [axis or 0 for end in (*self.inputs, *self.outputs) for axis in end.shape]
        if not self.inputs or not self.outputs or min(axes, default=1) < 1:
            raise ValueError("it describes no inputs or no outputs, or an empty one")

    def batches(self, ends: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
        """Return the ends as an engine has them."""
        if not self.batched:
            return ends
        return tuple(msgspec.structs.replace(end, shape=(None, *end.shape[1:])) for end in ends)


def is_module(content: bytes) -> bool:
    """Return whether a file begins as modules do."""
    return content.startswith(_HEADER)


def read_sections(content: bytes) -> tuple[Section, ...]:
    """Return the sections of a module.

    Raises:
        ArtifactError: It is no module.
    """
    if not is_module(content):
        raise ArtifactError(f"it is not {_WHAT}", received=repr(content[:8]), expected=repr(_HEADER))
    return tuple(_sections(content, len(_HEADER)))


def write_sections(sections: tuple[Section, ...]) -> bytes:
    """Return a module of these sections."""
    return _HEADER + b"".join(section.encoded() for section in sections)


def with_description(content: bytes, document: bytes, *, vectors: bool) -> bytes:
    """Return a module with a description at its end, and without any custom section of its compiler's.

    Args:
        content: The module.
        document: The description, as JSON.
        vectors: Whether it uses SIMD128, which goes to its beginning, so that modules with the same data end
            alike. The section is that of https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md
    """
    kept = [section for section in read_sections(content) if section.kind != CUSTOM]
    features = [_custom(_FEATURES, _SIMD128)] if vectors else []
    return write_sections((*features, *kept, _custom(_NAME, document)))


def read_description(content: bytes) -> Description:
    """Return what edgemnist wrote into a module.

    Raises:
        ArtifactError: It is no module, not one of edgemnist's, or damaged.
    """
    start = _custom(_NAME, b"").content
    found = [
        section.content.removeprefix(start)
        for section in read_sections(content)
        if section.kind == CUSTOM and section.content.startswith(start)
    ]
    if len(found) != 1:
        raise ArtifactError(
            f"it is not {_WHAT} of edgemnist's",
            received=f"{len(found)} descriptions inside",
            expected="1",
        )
    try:
        return msgspec.json.decode(found[0], type=Description, strict=False)
    except (ValueError, RecursionError) as error:  # msgspec's own is a ValueError
        raise ArtifactError("the description inside the module is damaged", received=error) from error


def uses_vectors(content: bytes) -> bool:
    """Return whether a module says that it uses SIMD128."""
    return _custom(_FEATURES, _SIMD128) in read_sections(content)


def _custom(name: bytes, content: bytes) -> Section:
    return Section(CUSTOM, _encoded(len(name)) + name + content)


def _sections(content: bytes, place: int) -> Iterator[Section]:
    while place < len(content):
        kind = content[place]
        size, place = _decoded(content, place + 1)
        if place + size > len(content):
            raise ArtifactError(
                f"it is not {_WHAT}",
                received=f"a section of {size:,} bytes",
                expected=f"at most {len(content) - place:,}",
            )
        yield Section(kind, content[place : place + size])
        place += size


def _decoded(content: bytes, place: int) -> tuple[int, int]:
    """Return a number in LEB128, and where the next byte is."""
    number = 0
    for shift in range(0, 35, 7):
        if place >= len(content):
            break
        byte = content[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit says that more follow
            return number, place
    raise ArtifactError(f"it is not {_WHAT}", received="a size that does not end")


def _encoded(number: int) -> bytes:
    parts = []
    while number >= 0x80:  # noqa: PLR2004
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])
