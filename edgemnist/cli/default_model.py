"""Which artifact of a folder a command runs, where its user names none."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..runtime.errors import ArtifactError

if TYPE_CHECKING:
    from ..runtime.engines.registry import EngineEntry


def default_model(artifacts: Path, engine: str | None, run_foreign_code: bool) -> Path:
    """Return the first artifact on record that the engine loads, a float ONNX file before others.

    Microcontrollers run integers, so their engine gets the int8 file.
    """
    from ..runtime.artifact.folder import recover
    from ..runtime.artifact.manifest import read_manifest
    from ..runtime.engines.registry import engine_for
    from ..runtime.files import leads_out

    if engine is not None:
        engine_for(artifacts, engine).import_module()  # fails if it is unknown or not installed
    recover(artifacts)
    records = [
        record
        for record in read_manifest(artifacts).artifacts
        if _loadable(artifacts / record.file, engine, run_foreign_code)
        and not leads_out(artifacts / record.file, artifacts)
    ]
    precision = "int8" if engine == "tflite_micro" else "float32"
    records.sort(key=lambda record: (record.format != "onnx", record.precision != precision))
    if not records:
        wanted = f"is loaded by the engine {engine}" if engine else "has an installed engine"
        raise ArtifactError(f"no artifact in {artifacts} {wanted}", fix="See `edgemnist env`.")
    return artifacts / records[0].file


def _loadable(path: Path, engine: str | None, run_foreign_code: bool) -> bool:
    """Return whether the engine, or some installed one, loads the file and may."""
    from ..runtime.engines.registry import engine_for

    try:
        entry = engine_for(path, engine)
    except ArtifactError:
        return False
    if engine is not None:
        return path.suffix in (*entry.suffixes, *entry.sources, *entry.on_request)
    if entry.code and not (run_foreign_code or _is_built_here(path, entry)):
        return False
    return entry.light and entry.available


def _is_built_here(path: Path, entry: "EngineEntry") -> bool:
    from ..runtime.files import sha256_of
    from ..runtime.isolation.native_code import is_built_here

    try:
        return is_built_here(sha256_of(entry.file_to_load(path)))
    except (ArtifactError, OSError):
        return False
