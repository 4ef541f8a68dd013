"""Pictures of the training: what the network learns from, and how it went."""

from collections.abc import Sequence
from pathlib import Path

from ..benchmarks.datasets import Split
from ..runtime.errors import MissingExtraError
from ..runtime.files import replacing
from .training import Epoch

try:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
except ImportError as error:
    raise MissingExtraError(error.name or "matplotlib", "export", "Drawing pictures") from error

GRID_SIDE = 5
DOTS_PER_INCH = 120


def draw_digits(path: Path, split: Split, class_names: Sequence[str]) -> None:
    """Draw the first 25 images with their labels, 5 in a row, as a PNG.

    Raises:
        OutputError: The file cannot be written.
    """
    figure = Figure(figsize=(6, 6.6), layout="constrained")
    for cell, axes in enumerate(figure.subplots(GRID_SIDE, GRID_SIDE).flat):
        axes.set_axis_off()
        if cell < len(split):
            axes.imshow(split.images[cell], cmap="gray_r", vmin=0, vmax=255)
            axes.set_title(class_names[split.labels[cell]])
    _write(figure, path)


def draw_curves(path: Path, epochs: Sequence[Epoch]) -> None:
    """Draw accuracy and loss of training and validation over the epochs, as a PNG.

    Raises:
        OutputError: The file cannot be written.
    """
    numbers = [epoch.number for epoch in epochs]
    marker = "o" if len(epochs) == 1 else None  # one point makes no line
    figure = Figure(figsize=(10, 4), layout="constrained")
    accuracy, loss = figure.subplots(1, 2)
    accuracy.plot(numbers, [100 * epoch.accuracy for epoch in epochs], label="train", marker=marker)
    accuracy.plot(numbers, [100 * epoch.val_accuracy for epoch in epochs], label="validation", marker=marker)
    accuracy.set(title="Accuracy", ylabel="accuracy [%]")
    loss.plot(numbers, [epoch.loss for epoch in epochs], label="train", marker=marker)
    loss.plot(numbers, [epoch.val_loss for epoch in epochs], label="validation", marker=marker)
    loss.set(title="Loss", ylabel="categorical cross-entropy [nats]")
    for axes in (accuracy, loss):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    _write(figure, path)


def _write(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH)
