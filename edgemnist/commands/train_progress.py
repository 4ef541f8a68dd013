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

from ..console import messages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..export.training import Epoch

LINES_WITHOUT_TERMINAL = 10


def follow(epochs: "Iterable[Epoch]", total: int) -> "list[Epoch]":
    """Run through the epochs of a training, show each, and return them all."""
    return _with_bar(epochs, total) if messages.is_terminal else _with_lines(epochs, total)


def _with_bar(epochs: "Iterable[Epoch]", total: int) -> "list[Epoch]":
    finished = []
    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(bar_width=10),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=messages, speed_estimate_period=600) as progress:
        bar = progress.add_task("compiling", total=total)
        for epoch in epochs:
            finished.append(epoch)
            progress.update(bar, advance=1, description=_figures(epoch))
    return finished


def _with_lines(epochs: "Iterable[Epoch]", total: int) -> "list[Epoch]":
    finished = []
    every = math.ceil(total / LINES_WITHOUT_TERMINAL)
    started = time.monotonic()
    for epoch in epochs:
        finished.append(epoch)
        if epoch.number % every == 0 or epoch.number in (1, total):
            left_seconds = (time.monotonic() - started) / epoch.number * (total - epoch.number)
            text = f"epoch {epoch.number}/{total} {_figures(epoch)}, {left_seconds:.0f} s left"
            messages.print(text, highlight=False, soft_wrap=True)
    return finished


def _figures(epoch: "Epoch") -> str:
    return f"loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.2%}, val {epoch.val_accuracy:.2%}"
