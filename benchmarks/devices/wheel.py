"""A wheel of the edgemnist that runs here, from its own files: no build tool, no network, no source tree."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path

_ROOMS = {"edgemnist": "edgemnist"} | {
    f"edgemnist.{room}": f"edgemnist/{room}" for room in ("runtime", "export", "benchmarks")
}
_LEFT_OUT = ("__pycache__", "studies")
_TRAINING_IMAGES = "train-*"
_WHEEL = "Wheel-Version: 1.0\nGenerator: edgemnist\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_DATE = (1980, 1, 1, 0, 0, 0)


def wheel_name() -> str:
    """Return the wheel's file name."""
    return f"edgemnist-{distribution('edgemnist').version}-py3-none-any.whl"


def make_wheel() -> bytes:
    """Return a wheel of the modules and data of this installation, without what only a checkout needs."""
    known = distribution("edgemnist")
    info = f"edgemnist-{known.version}.dist-info"
    files = dict(sorted(_files()))
    files[f"{info}/METADATA"] = (known.read_text("METADATA") or known.read_text("PKG-INFO") or "").encode()
    files[f"{info}/WHEEL"] = _WHEEL.encode()
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\nedgemnist = edgemnist.cli:main\n"
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            wheel.writestr(entry, content)
    return written.getvalue()


def _files() -> Iterator[tuple[str, bytes]]:
    for module, place in _ROOMS.items():
        for folder in map(Path, import_module(module).__path__):
            for path in folder.rglob("*"):
                parts = path.relative_to(folder).parts
                left_out = any(part in _LEFT_OUT or part.startswith(".") for part in parts)
                if path.is_file() and not left_out and not path.match(_TRAINING_IMAGES):
                    yield "/".join((place, *parts)), path.read_bytes()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
