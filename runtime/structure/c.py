"""C files that edgemnist wrote, read as text: nothing is compiled.

Tables are found where the code declares them. Operators and the contract are read from the comments in which
the generator notes them. Whatever is no integer is listed among the tensors, so that a promise of integers
only is checked on the code itself.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..embedded import read_embedded
from ..errors import ArtifactError
from . import GraphTensor, Operator, Structure

_METADATA = re.compile(r"^ \* (edgemnist\.\w+): (.+)$", re.MULTILINE)
_OPERATOR = re.compile(
    r"/\* ([A-Z0-9_]+)\(([\w, ]+)\) -> (\w+) (\w+)\[(\d+)\], scale ([\d.e+-]+), zero point (-?\d+)$",
    re.MULTILINE,
)
_TABLE = re.compile(r"^static const (\w+)_t (\w+)\[([\dL *]+)\] = \{", re.MULTILINE)
_COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', re.DOTALL)
_INCLUDE = re.compile(r"^#include .*$", re.MULTILINE)
_FLOATING = re.compile(r"\b(?:float|double|_Complex)\b|\b\d+\.\d*|\B\.\d+|\b\d+[eE][+-]?\d+")
_STANDARD = 1999
_STDC_VERSION = 199901


def read(path: Path, content: bytes) -> Structure:
    """Read a C file.

    Raises:
        ArtifactError: It is no C file of a model that edgemnist wrote.
    """
    try:
        text = content.decode("ascii")
        metadata = dict(_METADATA.findall(text))
        contract = read_embedded(metadata)
    except UnicodeDecodeError as error:
        raise ArtifactError(f"{path.name} is not a C file that edgemnist wrote", received=error) from error
    if contract is None:
        raise ArtifactError(
            f"{path.name} is not a C file that edgemnist wrote", expected="its contract in a comment"
        )
    found = _OPERATOR.findall(text)
    tables = tuple(_tables(text))
    return Structure(
        inputs=(contract.input,),
        outputs=(contract.output,),
        tensors=(*tables, *(_computed(match) for match in found), *_floating(text)),
        operators=tuple(
            Operator(name, inputs=tuple(takes.split(", ")), outputs=(gives,))
            for name, takes, _, gives, *_ in found
        ),
        versions={"c": _STDC_VERSION},
        oldest_runtime=f"ISO C {_STANDARD}",
        metadata=metadata,
    )


def _tables(text: str) -> Iterator[GraphTensor]:
    for dtype, name, axes in _TABLE.findall(text):
        shape = tuple(int(axis.strip("L ")) for axis in axes.split("*"))
        yield GraphTensor(name, dtype, shape, int(np.prod(shape)) * np.dtype(dtype).itemsize)


def _computed(match: tuple[str, ...]) -> GraphTensor:
    _, _, dtype, name, size, scale, zero_point = match
    return GraphTensor(name, dtype, (None, int(size)), 0, (float(scale),), (int(zero_point),))


def _floating(text: str) -> Iterator[GraphTensor]:
    code = _INCLUDE.sub("", _COMMENT_OR_STRING.sub(" ", text))
    for found in dict.fromkeys(_FLOATING.findall(code)):
        yield GraphTensor(f"{found} in the code", "float", ())
