"""Silence for libraries that print: converters write to the process's own stdout and stderr."""

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout

_STDOUT, _STDERR = 1, 2


@contextmanager
def quiet() -> Iterator[None]:
    """Discard what Python and native code print and warn of inside the block; exceptions pass through."""
    saved = {number: os.dup(number) for number in (_STDOUT, _STDERR)}
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sink = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123 - a device
        stack.enter_context(redirect_stdout(sink))
        stack.enter_context(redirect_stderr(sink))
        try:
            for number in saved:
                os.dup2(sink.fileno(), number)
            yield
        finally:
            for number, descriptor in saved.items():
                os.dup2(descriptor, number)
                os.close(descriptor)
