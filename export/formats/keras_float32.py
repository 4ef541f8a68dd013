"""`keras`: the source model itself, as it is; it keeps its training-time input, float32 in [0, 1]."""

from ..source import Source
from .options import Converted, ExportOptions


def convert(source: Source, options: ExportOptions) -> Converted:  # noqa: ARG001 - every exporter has this shape
    """Return the `.keras` file."""
    return Converted(source.path.read_bytes())
