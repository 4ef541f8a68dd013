"""Where a predictor's model came from: enough to load it again in another process."""

import errno
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from .engines.registry import ENGINES, Engine, EngineOptions
from .errors import ArtifactError, ArtifactNotFoundError
from .reading import read_limited

MAX_MODEL_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file's content, and how it is to be run.

    Attributes:
        path: The file, absolute.
        content: Its bytes, read once, so that what was checked is what is loaded.
        sha256: Of the content, 64 hexadecimal digits.
        engine: The engine that runs it, a key of `ENGINES`.
        options: How that engine may use the machine.
    """

    path: Path
    content: bytes = field(repr=False)
    sha256: str
    engine: str
    options: EngineOptions

    def load(self) -> Engine:
        """Load the content into its engine.

        Raises:
            MissingExtraError: The engine's package is not installed.
            ArtifactError: The content is not a model that the engine can load.
        """
        return ENGINES[self.engine].load(self.path, self.content, self.options)


def read_model_file(path: Path, engine: str, options: EngineOptions) -> ModelFile:
    """Read a model file, to be loaded into an engine.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: It is a folder, empty, unreadable, or larger than `MAX_MODEL_BYTES`.
    """
    content = read_model(path)
    return ModelFile(path.absolute(), content, hashlib.sha256(content).hexdigest(), engine, options)


def read_model(path: Path) -> bytes:
    """Return the content of a model file.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ArtifactError: It is a folder, empty, unreadable, or larger than `MAX_MODEL_BYTES`.
    """
    if not path.exists():
        raise ArtifactNotFoundError(
            f"no such file: {path}", fix="`edgemnist export` makes artifacts in the folder artifacts."
        )
    try:
        content = read_limited(path, MAX_MODEL_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise ArtifactError(
                f"{path} is too large for a model",
                received=error.strerror,
                expected=f"at most {MAX_MODEL_BYTES:,} bytes",
            ) from error
        problem = "is not a model" if error.errno == errno.EINVAL else "cannot be read"
        raise ArtifactError(f"{path} {problem}", received=error.strerror, expected="a model file") from error
    if not content:
        raise ArtifactError(f"{path} is not a model", received="an empty file", expected="a model file")
    return content
