"""The arena as a picture: which tensor lies where, call by call."""

from pathlib import Path

from ....runtime.errors import MissingExtraError
from .size import ModelSize

try:
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
except ImportError as error:
    raise MissingExtraError(error.name or "matplotlib", "export", "Drawing pictures") from error

_TALL, _NARROW = 0.06, 0.7


def draw_map(size: ModelSize, title: str, path: Path) -> None:
    """Write a PNG: calls from left to right, addresses upward, a rectangle for each tensor's life."""
    count = max(len(size.layers), 1)
    figure = Figure(figsize=(max(7.0, 0.45 * count + 2), 5.2), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = colormaps["tab20"]
    for number, block in enumerate(size.blocks):
        width = block.last - block.first + 1
        place = (block.first - 0.5, block.begin)
        axes.add_patch(
            Rectangle(
                place,
                width,
                block.size_bytes,
                facecolor=colours(number % colours.N, alpha=0.65),
                edgecolor="black",
                linewidth=0.6,
            )
        )
        if block.size_bytes > _TALL * size.arena_bytes and width > _NARROW:
            centre = (block.first, block.begin + block.size_bytes / 2)
            axes.text(*centre, f"{block.size_bytes:,}", ha="center", va="center", fontsize=7, rotation=90)
    axes.set_xlim(-0.6, count - 0.4)
    axes.set_ylim(0, max(size.arena_bytes, 1) * 1.02)
    labels = [f"{layer.number} {layer.operator.lower()}" for layer in size.layers]
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=7)
    axes.set_ylabel("byte of the arena")
    axes.set_title(f"{title}: an arena of {size.arena_bytes:,} bytes", fontsize=10)
    figure.savefig(path, metadata={"Software": None})
