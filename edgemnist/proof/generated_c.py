"""The proof of generated C: it is generated again, and every byte compared.

The comments of a C file prove nothing, and compiling it would hand its author this machine. So the C that is
compiled and run is always the generator's own, made of the TFLite file in the folder; the files there must be
the same.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ..runtime.errors import ArtifactError, EdgeMnistError, ProofError, UnprovenError, first_line
from ..runtime.reading import read_limited
from .inspect.structure import Structure

ENDINGS = (".c", ".h", "_host.c", "_selftest.c")
_MADE_OF = re.compile(rb"^ \* Made of ([ -~]+)\.tflite, sha256 ([0-9a-f]{64}),\r?$", re.MULTILINE)
_TOOLS = re.compile(rb"^ \* edgemnist\.tools: (\{.*\})\r?$", re.MULTILINE)
_VERSION = re.compile(r"[0-9A-Za-z.+!-]{1,40}")
_COMMENT_BYTES = 256 * 1024
_MAX_BYTES = 64 * 1024 * 1024
_PACKAGE = "edgemnist"
_MAKE_BOTH = "`edgemnist export --format int8.tflite --format c` makes both."


@dataclass(frozen=True, slots=True)
class GeneratedC:
    """A model in C, as the generator writes it.

    Attributes:
        name: `<model>.<precision>`, which all file names begin with; the files include each other by it.
        files: The content of each file, by the rest of its name: all of `ENDINGS`.
        structure: What the code computes.
        made_of: The content of the TFLite file.
    """

    name: str
    files: Mapping[str, bytes]
    structure: Structure
    made_of: bytes

    def write(self, folder: Path) -> Path:
        """Write the files and the TFLite file to a folder, and return the C file's path."""
        for ending, content in {**self.files, ".tflite": self.made_of}.items():
            (folder / f"{self.name}{ending}").write_bytes(content)
        return folder / f"{self.name}.c"


Generate = Callable[[bytes, bytes], GeneratedC]
"""`generate(tflite, self_test)`: the C of a TFLite file, with the images of that self-test in its own."""

Build = Callable[[Path, Path | None], AbstractContextManager[Mapping[Path, str | None]]]
"""`build(c, library)`: yields libraries to run, one compiled of the C file and `library`, each with its
expected hash if there is one.

Raises MissingCompilerError if there is neither a compiler nor `library`.
"""


@dataclass(frozen=True, slots=True)
class Claims:
    """What the first comment of a C file claims, which anybody can write there.

    Attributes:
        version: The version of edgemnist that wrote it; None if it is not named.
        made_of: The name of the TFLite file; None if it is not named.
        made_of_sha256: Of that file.
    """

    version: str | None
    made_of: str | None
    made_of_sha256: str | None


def read_claims(content: bytes) -> Claims:
    """Read the claims of a C file.

    Raises:
        ArtifactError: It does not look like a C file that edgemnist wrote.
    """
    head = content[:_COMMENT_BYTES]
    made_of, tools = _MADE_OF.search(head), _TOOLS.search(head)
    if made_of is None and tools is None:
        raise ArtifactError(
            "it is not a C file that edgemnist wrote", expected="a comment that names what it was made of"
        )
    return Claims(
        _version(tools[1]) if tools else None,
        f"{made_of[1].decode()}.tflite" if made_of else None,
        made_of[2].decode() if made_of else None,
    )


def prove_c(path: Path, generate: Generate) -> GeneratedC:
    """Generate a model in C again, and compare it with the files beside `path`.

    Args:
        path: The C file; its header, self-test and library source are compared too where they are there.
        generate: The generator.

    Returns:
        The generator's own files. Run these: what is on disk may have changed meanwhile.

    Raises:
        UnprovenError: The TFLite file that it was made of is missing, or another version of the generator
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
            fix=_MAKE_BOTH,
        )
    try:
        generated = generate(original, self_test)
    except EdgeMnistError:
        raise
    except Exception as error:  # flatbuffers, numpy and LiteRT raise whatever a strange file leads to
        raise ProofError(
            f"no C can be generated of {path.stem}.tflite", received=first_line(error)
        ) from error
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
            fix=_MAKE_BOTH,
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
    try:
        return read_limited(path, _MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProofError(f"{path.name} cannot be read", received=error.strerror) from error
