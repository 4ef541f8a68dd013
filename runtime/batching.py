"""Predictions for coroutines: what waits in an event loop at one time goes through the model together."""

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .inputs.picture_files import is_picture, is_read_quickly
from .predictions import Predictions

if TYPE_CHECKING:
    from .predictor import Images, Predictor

# A larger batch is hardly faster an item, and who came first would wait for who came last.
_MOST_ITEMS = 256
# What takes less is computed in the event loop: a thread and the way back cost a good part of it, and a loop
# that is away for so long harms nobody.
_INLINE_NS = 500_000

_Answer = asyncio.Future[Predictions]
_Outcome = Predictions | BaseException


class Batching:
    """The queues of one predictor, one for each event loop.

    A loop runs in one thread at a time: a thread's latest queue is all that there is to remember.
    """

    def __init__(self, predictor: "Predictor") -> None:
        self._predictor = predictor
        self._here = threading.local()

    async def predict(self, images: "Images") -> Predictions:
        """Return the predictions for items, made together with those of others that wait in this loop."""
        loop = asyncio.get_running_loop()
        if _takes_long_to_read(images, self._predictor.signature.input.shape):
            raw = await loop.run_in_executor(None, self._predictor.to_raw, images)
        else:
            raw = self._predictor.to_raw(images)
        queue = getattr(self._here, "queue", None)
        if queue is None or queue.loop is not loop:
            queue = self._here.queue = _Queue(self._predictor, loop)
        answer: _Answer = queue.add(raw)
        return await answer


class _Queue:
    """What waits in one event loop. All but `_compute` runs in that loop, so that nothing needs a lock."""

    def __init__(self, predictor: "Predictor", loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._predictor = predictor
        self._limit = predictor.input.shape[0] or _MOST_ITEMS
        self._waiting: deque[tuple[NDArray[Any], _Answer]] = deque()
        self._busy = False
        self._item_ns: float = _INLINE_NS  # in the latest batch; the first one goes to a thread

    def add(self, raw: NDArray[Any]) -> _Answer:
        """Return the answer to come for one caller's items."""
        answer: _Answer = self.loop.create_future()
        self._waiting.append((raw, answer))
        if not self._busy:
            self._busy = True
            # Not at once: others who are about to run in this turn of the loop may have something to add.
            self.loop.call_soon(self._run)
        return answer

    def _run(self) -> None:
        """Compute what waits, as much as goes into one batch, then see what came meanwhile."""
        batches, answers = self._take()
        if not batches:
            self._busy = False
            return
        if sum(map(len, batches)) * self._item_ns < _INLINE_NS:
            try:
                _deliver(self._compute(batches), answers)
            finally:  # also on Ctrl-C
                self.loop.call_soon(self._run)
            return
        try:
            computed = self.loop.run_in_executor(None, self._compute, batches)
        except RuntimeError as error:  # the loop's executor has been shut down
            _deliver([error] * len(answers), answers)
            self.loop.call_soon(self._run)
        else:
            computed.add_done_callback(partial(self._computed, answers))

    def _take(self) -> tuple[list[NDArray[Any]], list[_Answer]]:
        """Remove the next batch from what waits, without those whose callers were cancelled."""
        batches: list[NDArray[Any]] = []
        answers: list[_Answer] = []
        items = 0
        while self._waiting:
            raw, answer = self._waiting[0]
            if not answer.done():
                items += len(raw)
                if batches and items > self._limit:
                    break
                batches.append(raw)
                answers.append(answer)
            self._waiting.popleft()
        return batches, answers

    def _compute(self, batches: Sequence[NDArray[Any]]) -> Sequence[_Outcome]:
        """Return what `predict` returns or raises for each batch; this may run in a thread."""
        begin = perf_counter_ns()
        outcomes = self._together(batches) or [self._alone(raw) for raw in batches]
        self._item_ns = (perf_counter_ns() - begin) / sum(map(len, batches))
        return outcomes

    def _together(self, batches: Sequence[NDArray[Any]]) -> Sequence[_Outcome]:
        """Return the predictions for several batches; none if one may have spoilt it for the others."""
        if len(batches) == 1:
            return ()
        try:
            predictions = self._predictor.predict(np.concatenate(batches))
        except Exception:  # noqa: BLE001 - each is tried alone, and gets an error of its own
            return ()
        ends = np.cumsum([len(raw) for raw in batches]).tolist()
        return [predictions[end - len(raw) : end] for raw, end in zip(batches, ends, strict=True)]

    def _alone(self, raw: NDArray[Any]) -> _Outcome:
        try:
            return self._predictor.predict(raw)
        except Exception as error:  # noqa: BLE001 - raised where the caller waits
            return error

    def _computed(self, answers: Sequence[_Answer], computed: "asyncio.Future[Sequence[_Outcome]]") -> None:
        if computed.cancelled():  # with the loop's executor
            _deliver([asyncio.CancelledError()] * len(answers), answers)
        else:
            error = computed.exception()
            _deliver([error] * len(answers) if error else computed.result(), answers)
        self._run()


def _deliver(outcomes: Iterable[_Outcome], answers: Iterable[_Answer]) -> None:
    for outcome, answer in zip(outcomes, answers, strict=True):
        if answer.done():  # its caller was cancelled
            continue
        if isinstance(outcome, asyncio.CancelledError):
            answer.cancel()
        elif isinstance(outcome, BaseException):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


def _takes_long_to_read(images: Any, shape: tuple[int, ...]) -> bool:
    """Return whether there are pictures, most of which take milliseconds to decode."""
    if type(images) is np.ndarray:
        return False
    if isinstance(images, list | tuple):
        return any(map(is_picture, images))
    return is_picture(images) and not is_read_quickly(images, shape)
