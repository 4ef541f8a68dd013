"""Silence for converters, which print to the process's own stdout and stderr."""

from ...proof.quiet import quiet

__all__ = ["quiet"]
