"""A model in C: its files, what its functions are called, and a proven copy of it."""

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ...proof.generated_c import Generate, prove_c
from ...runtime.errors import ArtifactError, ArtifactNotFoundError
from ...runtime.files import MAX_MODEL_BYTES, read_limited, sha256_of

_FUNCTION = re.compile(
    r"^void (\w+)_run\(const (\w+) \*input, (\w+) \*output, void \*arena\);$", re.MULTILINE
)
_CLASSIFY = re.compile(r"^int \w+_classify\(", re.MULTILINE)
_ARENA = re.compile(r"^#define \w+_ARENA_BYTES (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CModel:
    """A model in C.

    Attributes:
        source: Its C file; the header, the self-test and the TFLite file that it was made of lie beside it.
        arena_bytes: The memory between its layers, which the caller keeps.
    """

    source: Path
    prefix: str
    sha256: str
    classifies: bool = False
    arena_bytes: int = 0

    @property
    def header(self) -> Path:
        """The file that declares its functions."""
        return self.source.with_suffix(".h")

    @property
    def self_test(self) -> Path:
        """The program that checks it on the target."""
        return self.source.with_name(f"{self.source.stem}_selftest.c")

    @property
    def original(self) -> Path:
        """The TFLite file that it was made of."""
        return self.source.with_suffix(".tflite")


def c_models(paths: Iterable[Path]) -> tuple[CModel, ...]:
    """Return the models in C among files, or in a folder.

    Raises:
        ArtifactNotFoundError: There is none, or one of its files is missing.
        ArtifactError: A header does not declare a model's functions.
    """
    files = [path for given in paths for path in (sorted(given.iterdir()) if given.is_dir() else [given])]
    models = tuple(_read(path) for path in files if path.suffix == ".c" and path.with_suffix(".h").exists())
    if not models:
        raise ArtifactNotFoundError(
            "no model in C",
            expected="a file such as mnist.int8.c, with its header beside it",
            fix="`edgemnist export --format int8.tflite --format c` makes them.",
        )
    return models


def _read(path: Path) -> CModel:
    header = text_of(path.with_suffix(".h"))
    found, arena = _FUNCTION.search(header), _ARENA.search(header)
    if found is None or arena is None:
        raise ArtifactError(
            f"{path.with_suffix('.h')} declares no model of one input and one output",
            expected="a function <model>_run(const type *input, type *output, void *arena)",
        )
    model = CModel(path, found[1], sha256_of(path), _CLASSIFY.search(header) is not None, int(arena[1]))
    if not model.self_test.exists():
        raise ArtifactNotFoundError(f"no {model.self_test.name} beside {path}", fix="Export the model again.")
    return model


def text_of(path: Path) -> str:
    """Return a file's text; ArtifactError if it cannot be read or is none."""
    try:
        return read_limited(path, MAX_MODEL_BYTES).decode("utf-8")
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read as text", received=error) from error


@contextmanager
def proven_copies(models: Iterable[CModel], generate: Generate) -> Iterator[tuple[CModel, ...]]:
    """Prove models in C by generating them again, and yield the generator's own files in a private folder.

    An emulated processor keeps nothing in: its programs open files on this machine. `generate` makes C of a
    TFLite file.

    Raises:
        UnprovenError: A TFLite file is not there, or another version of the generator wrote the C.
        ProofError: The C is not what the generator makes of the TFLite file.
        EdgeMnistError: The TFLite file is none to make C of.
    """
    with tempfile.TemporaryDirectory(prefix="edgemnist-c-") as folder:
        proven = []
        for number, model in enumerate(models):
            own = Path(folder, str(number))
            own.mkdir()
            copy = prove_c(model.source, generate).write(own)
            proven.append(replace(model, source=copy, sha256=sha256_of(copy)))
        yield tuple(proven)
