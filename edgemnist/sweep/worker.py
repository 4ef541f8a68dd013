"""A process that answers one request: `python -m edgemnist.sweep.worker`, from stdin to stdout.

A process of its own for each, so that no answer depends on what was computed before, and whatever kills it
takes no other with it.
"""

import os
import sys
import threading
from typing import BinaryIO

from .tasks import run

LENGTH_BYTES = 8


def main() -> None:
    """Read a request, its length first, and write its answer; end at once when whoever asked is gone."""
    given = sys.stdin.buffer
    request = given.read(int.from_bytes(given.read(LENGTH_BYTES), "little"))
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # native libraries print what they like
    threading.Thread(target=_end_with, args=(given,), daemon=True).start()
    with answer:
        answer.write(run(request))
    os._exit(0)  # nothing of TensorFlow's needs an orderly end


def _end_with(given: BinaryIO) -> None:
    given.read()  # until the pipe breaks
    os._exit(1)


if __name__ == "__main__":
    main()
