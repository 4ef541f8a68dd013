"""Where text goes: results to stdout, progress and messages to stderr."""

import json

from rich.console import Console
from rich.markup import escape

from .encodings import encodable_json

# Paths and names may hold what Rich takes for an emoji's code, such as `:key:`.
results = Console(emoji=False)
messages = Console(stderr=True, emoji=False)


def literal(text: object) -> str:
    """Return a text that a console prints as it is, though it may look like Rich's markup."""
    return escape(str(text))


def print_json(document: object) -> None:
    """Print one JSON document on stdout, unstyled."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    print(encodable_json(text, results.encoding), file=results.file)
