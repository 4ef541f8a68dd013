"""The file that somebody probably meant who named one that is not there."""

import difflib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def nearest_file(message: str, arguments: Sequence[str]) -> str:
    """Return a sentence that names the nearest file, or "".

    Args:
        message: The error; only a file that it names is looked for.
        arguments: Those of the command line.
    """
    for argument in arguments:
        path = Path(argument.rpartition("=")[2])
        with suppress(OSError, ValueError):
            if path.name and path.name in message and not path.exists():
                names = [entry.name for entry in path.parent.iterdir()]
                near = difflib.get_close_matches(path.name, names, 1)
                if near:
                    return f"Did you mean {path.parent / near[0]}?"
    return ""
