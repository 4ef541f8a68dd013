"""Where text goes: results to stdout, progress and messages to stderr."""

from rich.console import Console

results = Console()
messages = Console(stderr=True)
