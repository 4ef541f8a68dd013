"""Proof that an artifact is what its format spec requires, and answers as the source model does.

`inspect` reads model files, `parity` and `tolerances` compare answers, `verify` proves a whole folder.
"""

from .formats import FORMATS, SOURCE, Format, find_format

__all__ = ["FORMATS", "SOURCE", "Format", "find_format"]
