"""Which artifact of a folder a command runs, where its user names none."""

from pathlib import Path

from ..runtime.artifact.folder import recover
from ..runtime.artifact.manifest import read_manifest
from ..runtime.engines.registry import engine_for
from ..runtime.errors import ArtifactError
from ..runtime.files import sha256_of
from ..runtime.isolation.native_code import is_built_here
from ..runtime.reading import leads_out


def default_model(artifacts: Path, engine: str | None, run_foreign_code: bool) -> Path:
    """Return the first artifact on record that the engine loads, a float ONNX file before others.

    Microcontrollers run integers, so their engine gets the int8 file.
    """
    if engine is not None:
        engine_for(artifacts, engine).import_module()  # fails if it is unknown or not installed
    recover(artifacts)
    records = [
        record
        for record in read_manifest(artifacts).artifacts
        if _loadable(artifacts / record.file, engine, run_foreign_code)
        and not leads_out(artifacts / record.file, artifacts)
    ]
    if not records:
        wanted = f"is loaded by the engine {engine}" if engine else "has an installed engine"
        raise ArtifactError(f"no artifact in {artifacts} {wanted}", fix="See `edgemnist env`.")
    precision = "int8" if engine == "tflite_micro" else "float32"
    best = min(records, key=lambda record: (record.format != "onnx", record.precision != precision))
    return artifacts / best.file


def _loadable(path: Path, engine: str | None, run_foreign_code: bool) -> bool:
    """Return whether the engine, or some installed one, loads the file and may."""
    try:
        entry = engine_for(path, engine)
        if engine is not None:
            return path.suffix in (*entry.suffixes, *entry.sources, *entry.on_request)
        allowed = not entry.code or run_foreign_code or is_built_here(sha256_of(entry.file_to_load(path)))
    except (ArtifactError, OSError):
        return False
    return allowed and entry.light and entry.available
