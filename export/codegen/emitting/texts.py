"""Values and names as they are written in C."""

import re
from collections.abc import Sequence

_COLUMNS = 100
_KEPT_IN_STRINGS = re.compile(rb"[A-Za-z0-9 .,:;()_+\-*/=<>\[\]!#%&|~^]")


def identifier(name: str) -> str:
    """Return a name as the beginning of C identifiers: "my-model.v2" as "my_model_v2"."""
    safe = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return safe if re.match(r"[A-Za-z]", safe) else f"model_{safe.lstrip('_')}"


def comment(text: str) -> str:
    """Return a text that cannot end a comment, continue it on the next line or hold other than ASCII."""
    printable = "".join(character if " " <= character <= "~" else "?" for character in text)
    return re.sub(r"\*/|/\*|\\|\?\?", "_", printable)


def string(text: str) -> str:
    """Return a C string literal of a text in UTF-8."""
    encoded = [
        byte.decode() if _KEPT_IN_STRINGS.fullmatch(byte) else f"\\{byte[0]:03o}"
        for byte in (bytes([number]) for number in text.encode())
    ]
    return f'"{"".join(encoded)}"'


def number(value: float) -> str:
    """Return a C floating constant of a float32 value."""
    text = f"{value:.9g}"
    return f"{text}f" if re.search("[.e]", text) else f"{text}.0f"


def rows(values: Sequence[int], indent: str = "    ") -> str:
    """Return integers as lines of an initializer."""
    lines, line = [], indent
    for value in values:
        item = f"{value},"
        if len(line) + len(item) > _COLUMNS:
            lines.append(line.rstrip())
            line = indent
        line += f"{item} "
    return "\n".join([*lines, line.rstrip()])


def hash_function(kind: str) -> str:
    """Return a function that continues an FNV-1a hash with a table's entries."""
    return f"""static uint32_t hash_{kind}(uint32_t hash, const {kind} *table, int32_t size)
{{
    for (int32_t i = 0; i < size; ++i) {{
        const uint32_t entry = (uint32_t)table[i];

        hash = (hash ^ entry) * 16777619u;
    }}
    return hash;
}}"""
