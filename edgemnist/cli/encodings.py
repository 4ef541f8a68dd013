"""Text for a terminal or a pipe whose encoding lacks some of its characters, as Windows' cp1252 does.

Nothing that edgemnist prints makes it fail: what cannot be encoded is replaced by what reads alike.
"""

import codecs
import io
import json
import sys
import unicodedata
from collections.abc import Callable

_PLAIN, _JSON = "edgemnist.plain", "edgemnist.json"
_ALIKE = dict(zip("×µΔ≈·•²“”", 'xud~.*2""', strict=True)) | {
    "±": "+/-",
    "≤": "<=",
    "≥": ">=",
    "→": "->",
    "…": "...",
    "\N{GREEK SMALL LETTER MU}": "u",
    **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}", "'"),
    **dict.fromkeys("\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}", "-"),
    "\N{NO-BREAK SPACE}": " ",
}


def replace_what_encodings_lack() -> None:
    """Make stdout and stderr replace what their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_PLAIN)


def encodable(text: str, encoding: str) -> str:
    """Return a text in which what reads alike stands for what an encoding lacks."""
    return text.encode(encoding, _PLAIN).decode(encoding)


def encodable_json(text: str, encoding: str) -> str:
    """Return a JSON text in which escapes stand for what an encoding lacks, so that its values stay exact."""
    return text.encode(encoding, _JSON).decode(encoding)


def _plain(character: str) -> str:
    if character in _ALIKE:
        return _ALIKE[character]
    name = unicodedata.name(character, "")
    if name.startswith("BOX DRAWINGS"):
        straight = {"HORIZONTAL": "-", "VERTICAL": "|"}
        return "+" if " AND " in name else straight.get(name.split()[-1], "+")
    return ascii(character)[1:-1]


def _replacing(replaced: Callable[[str], str]) -> Callable[[UnicodeError], tuple[str, int]]:
    def handle(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeEncodeError):
            raise error
        return replaced(error.object[error.start : error.end]), error.end

    return handle


codecs.register_error(_PLAIN, _replacing(lambda text: "".join(map(_plain, text))))
codecs.register_error(_JSON, _replacing(lambda text: json.dumps(text)[1:-1]))
