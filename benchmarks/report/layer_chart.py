"""A picture of where two forms of a model part: the signal-to-noise ratio of each layer, in order."""

from pathlib import Path

import numpy as np

from ...proof.layers import SPOILED_DB, LayerReport
from ...runtime.errors import MissingExtraError
from ...runtime.files import replacing

try:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
except ImportError as error:
    raise MissingExtraError(error.name or "matplotlib", "bench", "Drawing layers") from error

_MOST_DB, _LEAST_DB = 80.0, -10.0
_GOOD, _LOST = "#1f77b4", "#d62728"
_LABELLED = 60


def draw_layers(path: Path, report: LayerReport) -> None:
    """Draw a bar for each layer as a PNG; ratios beyond 80 dB end there.

    Raises:
        OutputError: The file cannot be written.
    """
    ratios = np.clip([row.snr_db for row in report.layers], _LEAST_DB, _MOST_DB)
    positions = np.arange(len(ratios))
    figure = Figure(figsize=(7, 1.4 + 0.24 * min(len(ratios), _LABELLED)), layout="constrained")
    axes = figure.subplots()
    axes.barh(positions, ratios, color=[_LOST if ratio < SPOILED_DB else _GOOD for ratio in ratios])
    axes.axvline(SPOILED_DB, color=_LOST, linewidth=0.8, linestyle="--")
    axes.set_ylim(len(ratios) - 0.4, -0.6)
    axes.set_xlim(min(0.0, float(ratios.min())), _MOST_DB)
    every = -(-len(ratios) // _LABELLED)
    labels = [_as_text(row.first.label) for row in report.layers]
    axes.set_yticks(positions[::every], labels[::every], fontsize=7)
    axes.set_xlabel(f"signal-to-noise ratio, dB; below {SPOILED_DB:.0f} the signal is lost")
    first, second = (_as_text(name) for name in report.files)
    axes.set_title(f"{second} against {first}, {report.samples} inputs", fontsize=9)
    with replacing(path) as unfinished:
        FigureCanvasAgg(figure).print_png(unfinished)


def _as_text(name: str) -> str:
    """Return a stranger's name as it is to be drawn: not as a formula."""
    return name.replace("$", r"\$")
