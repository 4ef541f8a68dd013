"""`keras`: the source model itself, as it is; it keeps its training-time input, float32 in [0, 1]."""

import hashlib

from ...runtime.errors import ConversionError
from .options import Converted, ExportOptions
from .source_model import Source


def convert(source: Source, options: ExportOptions) -> Converted:  # noqa: ARG001 - every exporter has this shape
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
