"""Where text goes: results to stdout, progress and messages to stderr."""

import json

from rich.console import Console

results = Console()
messages = Console(stderr=True)


def print_json(document: object) -> None:
    """Print one JSON document on stdout, unstyled."""
    print(json.dumps(document, indent=2, ensure_ascii=False))  # noqa: T201
