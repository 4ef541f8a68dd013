"""Progress of a training on stderr: a bar on a terminal, about ten lines elsewhere."""

import math
import time
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from .console import messages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..data.history import Epoch

LINES_WITHOUT_TERMINAL = 10


def follow(epochs: "Iterable[Epoch]", total: int, finished: int = 0) -> None:
    """Run through the epochs of a training and show each.

    Args:
        epochs: The epochs, as they end.
        total: How many the whole training has.
        finished: How many of them an interrupted training has behind it.
    """
    if messages.is_terminal:
        _with_bar(epochs, total, finished)
    else:
        _with_lines(epochs, total, finished)


def _with_bar(epochs: "Iterable[Epoch]", total: int, finished: int) -> None:
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


def _with_lines(epochs: "Iterable[Epoch]", total: int, finished: int) -> None:
    every = math.ceil(total / LINES_WITHOUT_TERMINAL)
    ends = []
    for epoch in epochs:
        ends.append(time.monotonic())
        if epoch.number % every == 0 or epoch.number in (finished + 1, total):
            left = _left(ends, total - epoch.number)
            text = f"epoch {epoch.number}/{total} {_metrics(epoch)}{left}"
            messages.print(text, highlight=False, soft_wrap=True)


def _left(ends: list[float], epochs_left: int) -> str:
    """Return the time left by all epochs but the first, which compiles; nothing where there is no other."""
    if len(ends) == 1:
        return ""
    seconds = (ends[-1] - ends[0]) / (len(ends) - 1)
    return f", {seconds * epochs_left:.0f} s left"


def _metrics(epoch: "Epoch") -> str:
    return f"loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.2%}, val {epoch.val_accuracy:.2%}"
