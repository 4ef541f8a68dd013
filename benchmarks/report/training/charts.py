"""The charts of a training, drawn on axes that belong to a PNG or to the page."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ....data.history import Epoch, History
from ....runtime.printable import printable
from ...analysis.reliability import Reliability
from ..units import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Colour = Callable[[int], str]
"""Gives the colour of a series by its number."""


def accuracy_curves(axes: "Axes", histories: Sequence[History], colour: Colour) -> None:
    """Draw accuracy over the epochs, a colour for each training, dashed on its training images."""
    _curves(axes, histories, colour, lambda one: 100 * one.accuracy, lambda one: 100 * one.val_accuracy)
    axes.set_ylabel("accuracy [%]")
    # The first epochs on training images fall out, so that what comes after them can be told apart.
    shown = [epoch.val_accuracy for history in histories for epoch in history.epochs]
    shown += [history.epochs[-1].accuracy for history in histories]
    span = max(100 * (1 - min(shown)), 1)
    axes.set_ylim(100 - 1.05 * span, 100 + 0.05 * span)


def loss_curves(axes: "Axes", histories: Sequence[History], colour: Colour) -> None:
    """Draw the loss over the epochs, a colour for each training, dashed on its training images."""
    from matplotlib.ticker import LogLocator, NullLocator

    _curves(axes, histories, colour, lambda one: one.loss, lambda one: one.val_loss)
    axes.set_ylabel("cross-entropy [nats]")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())


def reliability(axes: "Axes", calibration: Reliability, colour: Colour) -> None:
    """Draw accuracy over confidence; on the dotted line a model is as often right as it is sure."""
    bins = calibration.bins
    accuracies = np.array([one.accuracy for one in bins])
    limits = [one.accuracy_interval for one in bins if one.accuracy_interval]
    low, high = np.array(limits).T if len(limits) == len(bins) else (accuracies, accuracies)
    axes.plot([0, 1], [0, 1], linestyle=":", color=colour(1), label="calibrated")
    _bars(axes, calibration, accuracies, colour)
    axes.errorbar(
        [one.confidence for one in bins],
        accuracies,
        yerr=np.maximum([accuracies - low, high - accuracies], 0) if limits else None,
        color=colour(0),
        fmt="o",
        markersize=4,
        elinewidth=1,
        capsize=2,
        label="accuracy, 95 % interval",
    )
    # room for the legend above all bars
    axes.set(xlim=(0, 1), ylim=(0, 1.25), yticks=np.linspace(0, 1, 6), xlabel="confidence", ylabel="accuracy")
    axes.legend(loc="upper center", frameon=False, ncols=2, columnspacing=1, handlelength=1.2)


def confidences(axes: "Axes", calibration: Reliability, colour: Colour) -> None:
    """Draw how many images have which confidence, on a logarithmic scale, since most are near 1."""
    _bars(axes, calibration, [one.images for one in calibration.bins], colour)
    axes.set_yscale("log")
    axes.set(xlim=(0, 1), xlabel="confidence", ylabel="test inputs")
    axes.set_ylim(bottom=0.7)  # so that a single image is seen


def expected_error(calibration: Reliability) -> str:
    """Return the title of a reliability diagram: the expected calibration error."""
    return f"Reliability: expected calibration error {percent(calibration.expected_error)}"


def _curves(
    axes: "Axes",
    histories: Sequence[History],
    colour: Colour,
    on_training: Callable[[Epoch], float],
    on_validation: Callable[[Epoch], float],
) -> None:
    from matplotlib.ticker import MaxNLocator

    for number, history in enumerate(histories):
        numbers = [epoch.number for epoch in history.epochs]
        marker = "o" if len(numbers) == 1 else None  # one point makes no line
        name = f"{printable(history.name)}: " if len(histories) > 1 else ""
        for part, value, dashes in (("train", on_training, "--"), ("validation", on_validation, "-")):
            values = [value(epoch) for epoch in history.epochs]
            axes.plot(
                numbers, values, dashes, color=colour(number), label=name + part, marker=marker, linewidth=1.4
            )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    # Below, since no place within is free of curves for sure.
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2)}
    legend = axes.legend(**place, ncols=2, frameon=False, fontsize="small")
    for text in legend.get_texts():
        text.set_parse_math(False)  # a recipe's name is no formula


def _bars(axes: "Axes", calibration: Reliability, heights: Any, colour: Colour) -> None:
    """Draw a bar over each bin of confidence."""
    bins = calibration.bins
    axes.bar(
        [one.lower for one in bins],
        heights,
        [one.upper - one.lower for one in bins],
        align="edge",
        color=colour(0),
        edgecolor=colour(0),
        alpha=0.35,
    )
