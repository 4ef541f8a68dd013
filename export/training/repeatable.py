"""A Keras model as the same bytes whenever it is the same model, so that its hash names it.

Keras 3.15 writes the date into a `.keras` file, and the addresses that objects had in its process.
"""

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

_DATE, _TEXT_DATE = (1980, 1, 1, 0, 0, 0), "1980-01-01@00:00:00"
_METADATA, _CONFIGURATION = "metadata.json", "config.json"


def model_bytes(model: Any) -> bytes:
    """Return the `.keras` file of a model, with its optimizer."""
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        return repeatable(path.read_bytes())


def repeatable(content: bytes) -> bytes:
    """Return a `.keras` file without what differs from process to process: dates and addresses."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w") as new:
        for name in sorted(old.namelist()):
            part = old.read(name)
            if name == _METADATA:
                part = json.dumps(json.loads(part) | {"date_saved": _TEXT_DATE}).encode()
            elif name == _CONFIGURATION:
                part = json.dumps(_numbered(json.loads(part), {})).encode()
            new.writestr(zipfile.ZipInfo(name, _DATE), part)
    return written.getvalue()


def _numbered(value: Any, numbers: dict[int, int]) -> Any:
    """Return a configuration whose shared objects are numbered as they come, instead of by their address."""
    if isinstance(value, list):
        return [_numbered(each, numbers) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: numbers.setdefault(each, len(numbers))
        if key == "shared_object_id" and isinstance(each, int)
        else _numbered(each, numbers)
        for key, each in value.items()
    }
