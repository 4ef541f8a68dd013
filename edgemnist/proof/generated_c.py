"""C that export generated: the proof of it, which is to generate it again and to compare every byte.

What a C file says in its comments proves nothing, and compiling it would hand its author this machine. So
whoever wants to run a model in C from somewhere else runs what the generator here makes of the TFLite file
beside it, once the files are found to be just that.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ..runtime.errors import ArtifactError, EdgeMnistError, ProofError, UnprovenError, first_line
from .inspect.structure import Structure

ENDINGS = (".c", ".h", "_host.c", "_selftest.c")
_MADE_OF = re.compile(rb"^ \* Made of ([ -~]+)\.tflite, sha256 ([0-9a-f]{64}),\r?$", re.MULTILINE)
_TOOLS = re.compile(rb"^ \* edgemnist\.tools: (\{.*\})\r?$", re.MULTILINE)
_VERSION = re.compile(r"[0-9A-Za-z.+!-]{1,40}")
_COMMENT_BYTES = 256 * 1024
_MAX_BYTES = 64 * 1024 * 1024
_PACKAGE = "edgemnist"


@dataclass(frozen=True, slots=True)
class GeneratedC:
    """A model in C, as the generator here writes it.

    Attributes:
        name: What the files are called, `<model>.<precision>`; they include each other by it.
        files: The content of each file, by what its name has after `<model>.<precision>`: all of `ENDINGS`.
        structure: What the code consists of, as the generator knows it.
        made_of: The TFLite file.
    """

    name: str
    files: Mapping[str, bytes]
    structure: Structure
    made_of: bytes

    def write(self, folder: Path) -> Path:
        """Write the files to a folder, the TFLite file with them, and return the C file's path."""
        for ending, content in {**self.files, ".tflite": self.made_of}.items():
            (folder / f"{self.name}{ending}").write_bytes(content)
        return folder / f"{self.name}.c"


Generate = Callable[[bytes, bytes], GeneratedC]
"""`generate(tflite, self_test)`: the C of a TFLite file, with the images of that self-test in its own."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a C file says of itself in its first comment, which anybody can write there.

    Attributes:
        version: The version of edgemnist that wrote it; None if it does not say.
        made_of: The name of the TFLite file; None if it does not say.
        made_of_sha256: Of that file.
    """

    version: str | None
    made_of: str | None
    made_of_sha256: str | None


def read_claims(content: bytes) -> Claims:
    """Read what a C file says of itself.

    Raises:
        ArtifactError: It does not look like a C file that edgemnist wrote.
    """
    head = content[:_COMMENT_BYTES]
    made_of, tools = _MADE_OF.search(head), _TOOLS.search(head)
    if made_of is None and tools is None:
        raise ArtifactError(
            "it is not a C file that edgemnist wrote", expected="a comment that says of what it was made"
        )
    return Claims(
        _version(tools[1]) if tools else None,
        f"{made_of[1].decode()}.tflite" if made_of else None,
        made_of[2].decode() if made_of else None,
    )


def prove_c(path: Path, generate: Generate) -> GeneratedC:
    """Generate a model in C again, and compare it with the files beside `path`.

    Args:
        path: The C file; what is there of its header, self-test and library source is compared too.
        generate: What makes C of a TFLite file.

    Returns:
        The generator's own files. Run these: what is on disk may have changed meanwhile.

    Raises:
        UnprovenError: The TFLite file that it was made of is not there, or another version of the generator
            wrote the C.
        ProofError: It is not what the generator makes of the TFLite file.
        EdgeMnistError: The generator refuses the TFLite file.
    """
    found = {ending: _read(path.with_name(path.stem + ending)) for ending in ENDINGS}
    content, self_test = found[".c"], found["_selftest.c"]
    original = _read(path.with_suffix(".tflite"))
    if content is None or self_test is None:
        missing = path.name if content is None else f"{path.stem}_selftest.c"
        raise ProofError(f"{missing} is missing", fix="Export the model again.")
    if original is None:
        raise UnprovenError(
            f"{path.name} can only be proven by generating it again, and {path.stem}.tflite is not beside it",
            fix="`edgemnist export --format int8.tflite --format c` makes both.",
        )
    try:
        generated = generate(original, self_test)
    except EdgeMnistError:
        raise
    except Exception as error:  # flatbuffers, numpy and LiteRT raise whatever a strange file leads to
        raise ProofError(f"{path.stem}.tflite is nothing to make C of", received=first_line(error)) from error
    if generated.name != path.stem:
        raise ProofError(
            f"{path.stem}.tflite makes C of another name", received=generated.name, expected=path.stem
        )
    for ending, content_found in found.items():
        if content_found is not None and content_found != generated.files[ending]:
            raise _difference(path, ending, content_found, generated, content)
    return generated


def _difference(path: Path, ending: str, found: bytes, again: GeneratedC, content: bytes) -> ProofError:
    name, here, generated = path.stem + ending, metadata.version(_PACKAGE), again.files[ending]
    try:
        claims = read_claims(content)
    except ArtifactError as error:
        return ProofError(f"{path.name}: {error}")
    if claims.version != here:
        return UnprovenError(
            f"{name} was written by another generator, which only that one can prove",
            received=f"{_PACKAGE} {claims.version or 'of an unknown version'}, by its own account",
            expected=f"{_PACKAGE} {here}",
            fix="Verify it with that version, or export the model again.",
        )
    original_sha256 = hashlib.sha256(again.made_of).hexdigest()
    if claims.made_of_sha256 != original_sha256:
        return UnprovenError(
            f"{path.name} was made of another {path.stem}.tflite than the one beside it",
            received=f"sha256 {original_sha256}",
            expected=claims.made_of_sha256,
            fix="`edgemnist export --format int8.tflite --format c` makes both.",
        )
    lines = zip(found.splitlines(), generated.splitlines(), strict=False)
    number = next((number for number, (a, b) in enumerate(lines, 1) if a != b), None)
    return ProofError(
        f"{name} is not what {_PACKAGE} {here} makes of {path.stem}.tflite",
        received=f"another line {number}" if number else f"{len(found):,} bytes",
        expected=None if number else f"{len(generated):,} bytes",
    )


def _version(tools: bytes) -> str | None:
    try:
        version = json.loads(tools)[_PACKAGE]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return version if isinstance(version, str) and _VERSION.fullmatch(version) else None


def _read(path: Path) -> bytes | None:
    """Return a file's content, or None if there is none."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ProofError(
            f"{path.name} is too large for a model in C",
            received=f"more than {_MAX_BYTES:,} bytes",
            expected=f"at most {_MAX_BYTES:,} bytes",
        )
    return content
