"""The command line: `commands/` has a module for each command; what several share lies beside it."""

from .entry import app, main

__all__ = ["app", "main"]
