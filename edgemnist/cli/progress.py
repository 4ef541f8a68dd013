"""Progress on stderr: what is under way, and the time left; a bar on a terminal, some lines elsewhere."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
from rich.text import Text

from .console import literal, messages, print_message

if TYPE_CHECKING:
    from ..benchmarks.runner.collect import Progress as BenchProgress
    from ..data.history import Epoch
    from ..sweep.run import Progress as SweepProgress

LINES_WITHOUT_TERMINAL = 10
_LINE_EVERY_SECS = 2.0


class _TimeLeft(ProgressColumn):
    """The time that has passed until the end can be estimated, then the time left, counting down."""

    def render(self, task: Any) -> Text:
        ends_at = task.fields.get("ends_at")
        if ends_at is None:
            return Text(f"{task.elapsed or 0:.0f} s")
        return Text(f"about {max(ends_at - time.monotonic(), 0):.0f} s left")


class Doing:
    """Work that takes long, as it is shown to who waits for it."""

    def __init__(self, bar: Progress, doing: str) -> None:
        self._bar, self._began, self._printed = bar, time.monotonic(), -math.inf
        self._task = bar.add_task(literal(doing), total=None, ends_at=None)
        self._costs: dict[str, float] = {}
        self._done = self._total = 0.0
        self._step = ""
        self._line(doing)

    def expect(self, costs: Mapping[str, float]) -> None:
        """Say which steps there will be, and how long each takes relative to the others."""
        self._costs, self._began = dict(costs), time.monotonic()
        self._done, self._total, self._step = 0.0, sum(costs.values()), ""

    def step(self, doing: str, name: str) -> None:
        """Say what begins now; the step before it is done."""
        self._done += self._costs.pop(self._step, 0.0)
        self._step = name
        self.so_far(doing, self._done, self._total)

    def so_far(self, doing: str, done: float, total: float) -> None:
        """Say what is under way, and how much is done of what there is to do."""
        left = (time.monotonic() - self._began) * (total - done) / done if done > 0 else None
        self.left(doing, left)

    def left(self, doing: str, secs: float | None) -> None:
        """Say what is under way, and how long everything will still take, if that is known."""
        passed = time.monotonic() - self._began
        total, ends_at = (None, None) if secs is None else (passed + secs, time.monotonic() + secs)
        self._bar.update(
            self._task, description=literal(doing), completed=passed, total=total, ends_at=ends_at
        )
        self._line(doing if secs is None else f"{doing}, about {secs:.0f} s left")

    def _line(self, text: str) -> None:
        now = time.monotonic()
        pause = max(_LINE_EVERY_SECS, (now - self._began) / LINES_WITHOUT_TERMINAL)  # hours are no long log
        if not messages.is_terminal and now - self._printed >= pause:
            print_message(literal(text))
            self._printed = now


@contextmanager
def progress(doing: str) -> Iterator[Doing]:
    """Show at once that something is under way, and yield what its progress is reported to."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20), _TimeLeft())
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:
        yield Doing(bar, doing)


@contextmanager
def bench_progress() -> Iterator[Callable[["BenchProgress"], None]]:
    """Yield what `collect` reports its progress to."""
    with progress("measuring") as doing:
        yield lambda found: doing.left(
            f"measuring {found.case.name}" if found.case else "computing", found.remaining_secs
        )


def device_progress(count: int) -> Callable[[str], None]:
    """Return what is called with the title of each of `count` emulated devices that is done."""
    done = 0
    began = time.monotonic()

    def report(title: str) -> None:
        nonlocal done
        done += 1
        left = (time.monotonic() - began) / done * (count - done)
        print_message(f"{done} of {count} emulated: {literal(title)}, about {left:.0f} s left")

    return report


@contextmanager
def sweep_progress() -> Iterator[tuple[Callable[["SweepProgress"], None], Callable[[str], None]]]:
    """Yield what a sweep reports answers and measurements to: a bar on a terminal, lines elsewhere."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:
        task = bar.add_task("sweep", total=None, left="")

        def report(progress: "SweepProgress") -> None:
            left = "" if progress.remaining_secs is None else f"about {progress.remaining_secs:.0f} s left"
            bar.update(task, description="sweep", completed=progress.done, total=progress.total, left=left)
            if not messages.is_terminal:
                so_far = f"{progress.done} of {progress.total} points, {left}: {progress.latest}"
                print_message(literal(so_far))

        yield report, lambda doing: bar.update(task, description=literal(doing), left="")


@contextmanager
def rows_progress() -> Iterator[Callable[[int, int], None]]:
    """Yield what scored rows are reported to, and their number."""
    with progress("scoring") as doing:
        yield lambda done, total: doing.so_far(f"scored {done:,} of {total:,} rows", done, total)


def show_epochs(epochs: "Iterable[Epoch]", total: int, finished: int = 0) -> None:
    """Run through the epochs of a training, as they end: a bar on a terminal, about ten lines elsewhere.

    An interrupted training has `finished` of its `total` epochs behind it.
    """
    if not messages.is_terminal:
        _print_epochs(epochs, total, finished)
        return
    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(bar_width=10),
        TextColumn("{task.description}"),
        _TimeLeft(),
    )
    with Progress(*columns, console=messages) as bar:
        task = bar.add_task("compiling", total=total, completed=finished, ends_at=None)
        for epoch, each_secs in _timed(epochs):
            ends_at = None if each_secs is None else time.monotonic() + each_secs * (total - epoch.number)
            bar.update(task, advance=1, description=_metrics(epoch), ends_at=ends_at)


def _print_epochs(epochs: "Iterable[Epoch]", total: int, finished: int) -> None:
    every = math.ceil(total / LINES_WITHOUT_TERMINAL)
    for epoch, each_secs in _timed(epochs):
        if epoch.number % every == 0 or epoch.number in (finished + 1, total):
            left = "" if each_secs is None else f", {each_secs * (total - epoch.number):.0f} s left"
            print_message(f"epoch {epoch.number}/{total} {_metrics(epoch)}{left}")


def _timed(epochs: "Iterable[Epoch]") -> "Iterator[tuple[Epoch, float | None]]":
    """Yield each epoch, and how long those after the first took on average: the first one compiles."""
    first_ended = None
    for count, epoch in enumerate(epochs):
        if first_ended is None:
            first_ended = time.monotonic()
        yield epoch, (time.monotonic() - first_ended) / count if count else None


def _metrics(epoch: "Epoch") -> str:
    return f"loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.2%}, val {epoch.val_accuracy:.2%}"
