"""The timing loop: how long a call takes, call by call."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter_ns
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Argument = TypeVar("Argument")


@dataclass(frozen=True, slots=True)
class Effort:
    """When a timing loop may stop: both minimums are reached, or the maximum is.

    Attributes:
        max_calls: Calls at most, so that a very quick engine does not fill the memory with samples.
    """

    min_calls: int
    min_ns: int
    max_calls: int

    @classmethod
    def exactly(cls, calls: int) -> "Effort":
        """Return the effort of so many calls."""
        return cls(calls, 0, calls)


def time_calls(
    call: Callable[[Argument], object],
    arguments: Iterable[Argument],
    effort: Effort,
    *,
    between: Callable[[], object] | None = None,
) -> NDArray[np.int64]:
    """Time `call` on one argument after another, starting over where they run out.

    `between` is called before each call, outside the time that is measured.

    Returns:
        (calls,) int64, nanoseconds for each call in the order made.
    """
    samples = np.zeros(effort.max_calls, np.int64)
    clock = perf_counter_ns
    min_calls, max_calls = effort.min_calls, effort.max_calls
    deadline = clock() + effort.min_ns
    done = 0
    for argument in cycle(arguments):
        if between is not None:
            between()
        start = clock()
        call(argument)
        end = clock()
        samples[done] = end - start
        done += 1
        if done >= max_calls or (done >= min_calls and end >= deadline):
            break
    return samples[:done].copy()
