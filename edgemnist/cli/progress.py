"""Progress on stderr: of a benchmark, of emulated devices, of a training."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..benchmarks.runner.collect import Progress as BenchProgress
from ..data.history import Epoch
from .console import literal, messages, print_message

if TYPE_CHECKING:
    from ..sweep.run import Progress as SweepProgress

LINES_WITHOUT_TERMINAL = 10


@contextmanager
def bench_progress() -> Iterator[Callable[[BenchProgress], None]]:
    """Yield what `collect` reports its progress to: a bar on a terminal, nothing elsewhere."""
    columns = (
        TextColumn("{task.description}", markup=False),  # a file's name
        BarColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:
        task = bar.add_task("measuring", total=None, left="")

        def report(progress: BenchProgress) -> None:
            remaining = progress.remaining_secs
            bar.update(
                task,
                description=literal(progress.case.name) if progress.case else "computing",
                completed=progress.elapsed_secs,
                total=None if remaining is None else progress.elapsed_secs + remaining,
                left="" if remaining is None else f"about {remaining:.0f} s left",
            )

        yield report


def device_progress(count: int) -> Callable[[str], None]:
    """Return what is called with the title of each of `count` emulated devices that is done."""
    done = 0

    def report(title: str) -> None:
        nonlocal done
        done += 1
        if messages.is_terminal:
            print_message(f"{done} of {count} emulated: {literal(title)}")

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
    """Yield what scored rows are reported to, and their number: a bar on a terminal, nothing elsewhere."""
    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:
        task = bar.add_task("scoring", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def show_epochs(epochs: Iterable[Epoch], total: int, finished: int = 0) -> None:
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
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=messages, speed_estimate_period=600) as progress:
        bar = progress.add_task("compiling", total=total, completed=finished)
        for epoch in epochs:
            progress.update(bar, advance=1, description=_metrics(epoch))


def _print_epochs(epochs: Iterable[Epoch], total: int, finished: int) -> None:
    every = math.ceil(total / LINES_WITHOUT_TERMINAL)
    ends: list[float] = []
    for epoch in epochs:
        ends.append(time.monotonic())
        if epoch.number % every == 0 or epoch.number in (finished + 1, total):
            left = ""
            if len(ends) > 1:  # the first one compiles
                each_secs = (ends[-1] - ends[0]) / (len(ends) - 1)
                left = f", {each_secs * (total - epoch.number):.0f} s left"
            print_message(f"epoch {epoch.number}/{total} {_metrics(epoch)}{left}")


def _metrics(epoch: Epoch) -> str:
    return f"loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.2%}, val {epoch.val_accuracy:.2%}"
