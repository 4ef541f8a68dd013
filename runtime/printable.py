"""A stranger's text made fit for a terminal, a page or a table: what it shows is all that it does.

Names in files and of files may hold escape sequences, which move the cursor or change the terminal, line
breaks, which forge lines, and marks that turn the direction of writing.
"""

import json
import math
import re
from typing import Any

# C0 and C1 controls, line and paragraph separators, marks of direction (Unicode 9.0, chapter 23.2), half
# characters, and the tags block; a tab is a control too.
_HARMLESS_BREAK = "\n"
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def printable(text: object) -> str:
    """Return a text on one line, with what is no mark on paper written as its number."""
    return _UNSAFE.sub(_escaped, str(text))


def printable_lines(text: str) -> str:
    """Return a text like `printable`, with its line breaks as they are."""
    return _UNSAFE.sub(lambda found: found[0] if found[0] == _HARMLESS_BREAK else _escaped(found), text)


def json_text(document: Any, *, indent: int | None = None) -> str:
    """Return a document as JSON that any terminal shows and UTF-8 can hold.

    Numbers that JSON does not have, such as a scale of NaN in a damaged model, become null.
    """
    try:
        text = json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False)
    except ValueError:
        finite = _without_infinities(document)
        text = json.dumps(finite, indent=indent, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(_json_escaped, text)  # outside of strings JSON has none of these but line breaks


def _without_infinities(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _without_infinities(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [_without_infinities(value) for value in document]
    return None if isinstance(document, float) and not math.isfinite(document) else document


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def _json_escaped(found: re.Match[str]) -> str:
    return found[0] if found[0] == _HARMLESS_BREAK else json.dumps(found[0])[1:-1]
