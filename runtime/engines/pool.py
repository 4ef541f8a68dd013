"""How threads share engine objects that only one of them at a time may use."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Pool(Generic[T]):
    """Up to `limit` objects; another is made when all are in use, and at the limit a thread waits for one.

    Where a microsecond counts, the caller pops from `idle` and appends to it himself, both atomic in Python,
    and asks this class only when `idle` is empty or, after the append, someone is `waiting`. Last in, first
    out: a lone thread keeps the object whose weights are in its cache. Threads wait in a `SimpleQueue`, which
    is written in C; to wait on a `Condition` costs more than the inference that is waited for
    (`benchmarks/studies/speed/predictor.py`).

    Attributes:
        idle: The objects that are free to take.
        waiting: How many threads wait.
    """

    def __init__(self, first: T, make: Callable[[], T], limit: int) -> None:
        self.idle = [first]
        self.waiting = 0
        self._size = 1
        self._make = make
        self._limit = limit
        self._counting = threading.Lock()
        self._handed_over: queue.SimpleQueue[T] = queue.SimpleQueue()

    def take(self) -> T:
        """Return a new object if there may be more, else wait for one."""
        with self._counting:
            if self._size < self._limit:
                made = self._make()
                self._size += 1
                return made
            self.waiting += 1
        # Whoever appended before this thread was counted did so before this look at `idle`; whoever appends
        # later sees the count and hands over. What is handed over to a thread that found another one here
        # stays in the queue for the next.
        try:
            return self.idle.pop()
        except IndexError:
            return self._handed_over.get()
        finally:
            with self._counting:
                self.waiting -= 1

    def hand_over(self) -> None:
        """Give an idle object, if no thread was quicker, to one that waits."""
        try:
            item = self.idle.pop()
        except IndexError:
            return
        self._handed_over.put(item)
