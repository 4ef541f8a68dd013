"""LoadGen's figures beside the benchmark's own, as a table."""

from collections.abc import Iterator

from ..analysis.metrics import Metrics
from ..analysis.results import Results
from ..loadgen_figures import Agreement, LoadGenFigures
from .units import duration, rate

TITLE = "LoadGen (not an MLPerf result)"
HEADINGS = ("model", "scenario", "LoadGen", "its own cost", "here", "ratio", "noise", "verdict")
LEGEND = (
    "SingleStream: one image a query. Offline: one query of the whole test set, in images per second. ratio:"
    " LoadGen's time less its own cost, over the time measured here. noise: where that ratio lies if both"
    " measure the same, from how far rounds lie apart and from how much other work between calls slows them."
)


def loadgen_rows(results: Results) -> tuple[tuple[str, ...], ...]:
    """Return a row of texts, one for each of `HEADINGS`, for each model and scenario that LoadGen ran."""
    return tuple(
        (row.target.title, *texts)
        for row in results.rows
        if row.figures is not None and row.figures.loadgen is not None
        for texts in _scenarios(row.figures, row.figures.loadgen, results.images)
    )


def _scenarios(figures: Metrics, found: LoadGenFigures, images: int) -> Iterator[tuple[str, ...]]:
    here, cost = figures.end_to_end, duration(found.own_cost_ns)
    agreement = _agreement(found.single_stream)
    yield ("SingleStream p50", duration(found.p50_ns), cost, duration(here.p50_ns), *agreement)
    yield ("SingleStream p90", duration(found.p90_ns), "", duration(here.p90_ns), "", "", "")
    if found.offline is not None and found.offline_own_cost_ns is not None:
        yield (
            "Offline",
            f"{rate(found.offline_per_sec)}/s",
            duration(found.offline_own_cost_ns),
            f"{rate(figures.images_per_sec(images))}/s",
            *_agreement(found.offline),
        )


def _agreement(agreement: Agreement) -> tuple[str, str, str]:
    low, high = agreement.expected
    return (
        f"{agreement.ratio.value:.2f}",
        f"{low:.2f} to {high:.2f}",
        "agree" if agreement.agrees else "disagree",
    )
