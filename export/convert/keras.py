"""The format keras: the source model itself, with its training-time input, float32 in [0, 1]."""

import hashlib

from ...runtime.errors import ConversionError
from .options import Converted, ExportOptions
from .source import Source


def unchanged(source: Source, _options: ExportOptions) -> Converted:
    """Return the `.keras` file.

    Raises:
        ConversionError: It is another one by now than the one that was loaded.
    """
    content = source.path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        raise ConversionError(
            f"{source.path.name} changed while it was exported",
            received=f"sha256 {found}",
            expected=source.sha256,
            fix="Export again.",
        )
    return Converted(content)
