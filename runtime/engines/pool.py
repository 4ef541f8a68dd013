"""A pool for engine objects that only one thread at a time may use."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Pool(Generic[T]):
    """Up to `limit` objects, made when they are first needed at the same time.

    The caller pops from `idle` and appends to it himself, since both are atomic in Python and a microsecond
    counts here; only when `idle` is empty or someone is `waiting` does he need the methods. Last in, first
    out: a lone thread keeps the object whose weights are in its cache.

    Attributes:
        idle: The objects that nobody uses.
        waiting: How many threads wait for one.
        size: How many objects there are, idle or in use.
    """

    def __init__(self, first: T, make: Callable[[], T], limit: int) -> None:
        self.idle = [first]
        self.waiting = 0
        self.size = 1
        self._make = make
        self._limit = limit
        self._returned = threading.Condition()

    def new_or_wait(self) -> T:
        """Return a new object, or the first that another thread appends to `idle`."""
        with self._returned:
            if self.size < self._limit:
                made = self._make()
                self.size += 1
                return made
            self.waiting += 1  # before the look at `idle`: who appends later sees it and wakes this thread
            try:
                while True:
                    try:
                        return self.idle.pop()
                    except IndexError:
                        self._returned.wait()
            finally:
                self.waiting -= 1

    def wake(self) -> None:
        """Wake one waiting thread, after an object was appended to `idle`."""
        with self._returned:
            self._returned.notify()
