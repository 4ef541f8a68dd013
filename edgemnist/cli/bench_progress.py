"""The progress of a benchmark, on stderr."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .console import literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from ..benchmarks.runner.collect import Progress


@contextmanager
def bench_progress(console: "Console") -> "Iterator[Callable[[Progress], None]]":
    """Yield what `collect` reports its progress to."""
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description}", markup=False),  # a file's name
        bars.BarColumn(),
        bars.TextColumn("{task.fields[left]}"),
    )
    with bars.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("measuring", total=None, left="")

        def report(progress: "Progress") -> None:
            remaining = progress.remaining_secs
            bar.update(
                task,
                description=literal(progress.case.name) if progress.case else "computing",
                completed=progress.elapsed_secs,
                total=None if remaining is None else progress.elapsed_secs + remaining,
                left="" if remaining is None else f"about {remaining:.0f} s left",
            )

        yield report


def device_progress(console: "Console", count: int) -> "Callable[[str], None]":
    """Return what is called with the title of each of `count` emulated devices that is done."""
    done = 0

    def report(title: str) -> None:
        nonlocal done
        done += 1
        if console.is_terminal:
            console.print(f"{done} of {count} emulated: {title}", highlight=False)

    return report
