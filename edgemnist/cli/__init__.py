"""The command line: one module a command, thin; the work itself is done by the other packages."""

from .entry import app, main

__all__ = ["app", "main"]
