"""Keras' model files, `.keras` archives and legacy HDF5, read without Keras: checked, and written again.

Whatever the file is called, its content decides: TensorFlow before 2.12 wrote HDF5 into `.keras` files.
"""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...archives import checked_archive
from . import hdf5

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MAX_TEXT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class KerasFile:
    """What a Keras file holds, apart from its weights.

    Attributes:
        content: The file's bytes.
        config: The layers and how they are connected, as Keras' JSON has them.
        metadata: What Keras wrote about the file itself, such as its version.
    """

    content: bytes
    config: dict[str, Any]
    metadata: dict[str, str]

    @property
    def is_hdf5(self) -> bool:
        """Whether it is a legacy HDF5 file, for which Keras ignores its safe mode (CVE-2025-9905)."""
        return self.content.startswith(hdf5.SIGNATURE)

    @property
    def keras_version(self) -> str:
        """The version of Keras that wrote it."""
        return self.metadata.get("keras_version", "of an unknown version")

    def write(self, folder: Path, config: dict[str, Any]) -> Path:
        """Write the same weights with another configuration, for Keras to load; return the file."""
        if self.is_hdf5:
            path = folder / "model.h5"
            path.write_bytes(self.content)
            import h5py

            with h5py.File(path, "r+") as file:
                file.attrs["model_config"] = json.dumps(config)
            return path
        path = folder / "model.keras"
        with zipfile.ZipFile(path, "w") as made, zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            made.writestr(_CONFIG, json.dumps(config))
            made.writestr(_METADATA, json.dumps(self.metadata))
            made.writestr(_WEIGHTS, archive.read(_WEIGHTS))
        return path


def read_keras_file(content: bytes) -> KerasFile:
    """Read a Keras file's configuration, everything else in it checked.

    Raises:
        Exception: It is damaged or has what no model has: what the readers of zip, HDF5 and JSON raise.
    """
    return _read_hdf5(content) if content.startswith(hdf5.SIGNATURE) else _read_archive(content)


def try_keras_file(_path: Path, content: bytes) -> None:
    """Read all of a Keras file, weights included: in a subprocess, which damage may crash.

    Raises:
        Exception: As `read_keras_file` has it.
    """
    file = read_keras_file(content)
    weights = content
    if not file.is_hdf5:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            weights = archive.read(_WEIGHTS)
    with hdf5.open_checked(weights) as opened:
        hdf5.read_every_array(opened)


def _read_hdf5(content: bytes) -> KerasFile:
    with hdf5.open_checked(content) as file:
        if "model_config" not in file.attrs:
            raise ValueError("an HDF5 file of weights alone, without the layers they belong to")
        metadata = {key: _text(file.attrs[key]) for key in ("keras_version", "backend") if key in file.attrs}
        return KerasFile(content, _config(_text(file.attrs["model_config"])), metadata)


def _read_archive(content: bytes) -> KerasFile:
    """Check every file in the archive by its CRC, before the HDF5 library sees what is damaged or a bomb."""
    with checked_archive(io.BytesIO(content)) as archive:
        texts = sum(entry.file_size for entry in archive.infolist() if entry.filename.endswith(".json"))
        if texts > _MAX_TEXT_BYTES:
            raise ValueError(f"a configuration of {texts:,} bytes")
        damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} in it is damaged")
        if _WEIGHTS not in archive.namelist():
            raise ValueError(f"an archive without {_WEIGHTS}")
        hdf5.open_checked(archive.read(_WEIGHTS)).close()
        written: Any = json.loads(archive.read(_METADATA)) if _METADATA in archive.namelist() else {}
        metadata = {str(key): str(value) for key, value in dict(written).items()}
        return KerasFile(content, _config(archive.read(_CONFIG).decode()), metadata)


def _config(text: str) -> dict[str, Any]:
    if len(text) > _MAX_TEXT_BYTES:
        raise ValueError(f"a configuration of {len(text):,} characters")
    config = json.loads(text)
    if not isinstance(config, dict):
        raise ValueError("a configuration that is no JSON object")  # noqa: TRY004 - not an argument
    return config


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
