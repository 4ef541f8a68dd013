"""Pictures of a training as PNG: what the network learned from, how it went, and how well it answers.

Where probabilities are given, they are (N, classes) float32 for the N images of `split`. A file that cannot
be written is an `OutputError`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....data.datasets import Split
from ....data.history import History
from ....proof.accuracy import score
from ....runtime.errors import MissingExtraError
from ....runtime.files import replacing
from ....runtime.output_decoder import class_indices
from ....runtime.signature import PIXEL_VALUES
from ...analysis.reliability import confidences_of, find_reliability, mistakes
from ..page.cards import shortened
from .charts import accuracy_curves, confidences, expected_error, loss_curves, reliability

try:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
except ImportError as error:
    raise MissingExtraError(error.name or "matplotlib", "export", "Drawing pictures") from error

GRID_SIDE = 5
MISTAKES_ACROSS, MISTAKES_DOWN = 10, 8
AUGMENTED_ACROSS, AUGMENTED_DOWN = 9, 6
DOTS_PER_INCH = 120
READABLE_CLASSES = 30  # more are drawn without numbers and names
MAX_NAME = 24
_LARGE_SIDE = 10  # inches


def draw_digits(path: Path, split: Split, class_names: Sequence[str]) -> None:
    """Draw the first 25 images with their labels, 5 in a row, as a PNG."""
    figure = Figure(figsize=(6, 6.6), layout="constrained")
    for cell, axes in enumerate(figure.subplots(GRID_SIDE, GRID_SIDE).flat):
        axes.set_axis_off()
        if cell < len(split):
            _show(axes, split.inputs[cell], class_names[split.known_labels[cell]])
    _write(figure, path)


def draw_augmented(path: Path, originals: NDArray[np.uint8], augmented: NDArray[np.uint8]) -> None:
    """Draw the first images, each with what augmentation made of it to the right, as a PNG.

    `originals` are (N, H, W) uint8, `augmented` (N, H, W) or, for several of each, (N, variants, H, W).
    """
    variants = augmented.reshape(len(originals), -1, *originals.shape[1:])
    group = 1 + variants.shape[1]
    columns = group * max(1, AUGMENTED_ACROSS // group)
    figure = Figure(figsize=(0.72 * columns + 0.2, 0.82 * AUGMENTED_DOWN + 0.5), layout="constrained")
    figure.suptitle("Training images (framed), augmented to their right", fontsize=12)
    for cell, axes in enumerate(figure.subplots(AUGMENTED_DOWN, columns).flat):
        image, variant = divmod(cell, group)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(variant == 0 and image < len(originals))
        if image < len(originals):
            _show(axes, originals[image] if variant == 0 else variants[image, variant - 1], "")
    _write(figure, path)


def draw_curves(path: Path, histories: Sequence[History]) -> None:
    """Draw accuracy and loss of one or several trainings over their epochs, as a PNG."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    accuracy, loss = figure.subplots(1, 2)
    accuracy_curves(accuracy, histories, "C{}".format)
    loss_curves(loss, histories, "C{}".format)
    accuracy.set_title("Accuracy")
    loss.set_title("Loss")
    _write(figure, path, grid=True)


def draw_confusion(
    path: Path, probabilities: NDArray[np.float32], split: Split, class_names: Sequence[str]
) -> None:
    """Draw how often which class is taken for which, as a PNG; the colour is that of the errors alone."""
    result = score(probabilities, split.known_labels)
    counts = np.array(result.confusion)
    errors = counts.astype(float)
    np.fill_diagonal(errors, np.nan)
    readable = len(counts) <= READABLE_CLASSES
    side = 1.6 + (0.5 * len(counts) if readable else _LARGE_SIDE)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(errors, cmap="Reds", vmin=0, vmax=max(np.nanmax(errors, initial=0), 1) * 1.3)
    for (true, predicted), count in np.ndenumerate(counts) if readable else ():
        right = true == predicted
        if count or right:
            axes.text(
                predicted, true, f"{count}", ha="center", va="center", color="#1a7f37" if right else "k"
            )
    axes.set(
        title=f"Confusion, test accuracy {result.accuracy:.2%}",
        xlabel="the network's label",
        ylabel="true class",
    )
    if readable:
        names = [shortened(name, MAX_NAME) for name in class_names]
        upright = max(map(len, names)) > 2  # noqa: PLR2004 - digits need no turning
        look: dict[str, Any] = {"ticks": range(len(counts)), "labels": names, "parse_math": False}
        axes.set_xticks(**look, rotation="vertical" if upright else "horizontal")
        axes.set_yticks(**look)
    _write(figure, path)


def draw_mistakes(
    path: Path, probabilities: NDArray[np.float32], split: Split, class_names: Sequence[str]
) -> None:
    """Draw misclassified images with true class, label and confidence, the surest first, as a PNG."""
    wrong = mistakes(probabilities, split.known_labels)
    said, sure = class_indices(probabilities), confidences_of(probabilities)
    shown = wrong[: MISTAKES_ACROSS * MISTAKES_DOWN]
    rows = max(1, -(-len(shown) // MISTAKES_ACROSS))
    figure = Figure(figsize=(MISTAKES_ACROSS * 1.05, rows * 1.4 + 0.6), layout="constrained")
    which = "" if len(shown) == len(wrong) else f", the {len(shown)} it is surest of"
    figure.suptitle(
        f"{len(wrong)} of {len(split)} test images are misclassified{which}: true class → label, confidence",
        fontsize=11,
    )
    cells = figure.subplots(rows, MISTAKES_ACROSS, squeeze=False).flat
    for cell, axes in enumerate(cells):
        axes.set_axis_off()
        if cell < len(shown):
            index = shown[cell]
            true, label = (shortened(class_names[one], 9) for one in (split.known_labels[index], said[index]))
            _show(axes, split.inputs[index], f"{true} → {label}\n{sure[index]:.1%}")
    _write(figure, path)


def draw_reliability(path: Path, probabilities: NDArray[np.float32], split: Split) -> None:
    """Draw the reliability diagram, and how many images have which confidence, as a PNG."""
    found = find_reliability(probabilities, split.known_labels)
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    reliability(left, found, "C{}".format)
    left.set_title(expected_error(found))
    confidences(right, found, "C{}".format)
    right.set_title("Confidences")
    _write(figure, path, grid=True)


def _show(axes: Axes, image: NDArray[np.uint8], title: str) -> None:
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=PIXEL_VALUES - 1)  # colours are shown as they are
    axes.set_title(title, fontsize=9 if "\n" in title else None, parse_math=False)


def _write(figure: Figure, path: Path, *, grid: bool = False) -> None:
    for axes in figure.axes if grid else ():
        axes.grid(alpha=0.3)
        axes.set_axisbelow(True)
    FigureCanvasAgg(figure)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH)
