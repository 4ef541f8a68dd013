"""The sections that only the page shows, as blocks of its template: charts, flipped images, confusion."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..analysis.metrics import Metrics, ResultRow
from ..runner.benchmark import Benchmark
from ..runner.processes import MEASURED
from . import charts as drawing
from .sections import Note, Section
from .test_images import flips as flipped_images

_MARKERS = "○□△◇▽◁▷⬠"


def charts(benchmark: Benchmark) -> Iterator[Section]:
    """Describe the charts of latency, size and accuracy."""
    rows = [row for row, _ in _measured(benchmark)]
    if not rows:
        return
    arrays = _arrays(benchmark)
    samples = [np.concatenate([one["latency_ns"] for one in arrays[row.case].values()]) for row in rows]
    drawn = [
        {"title": "Latency of single images", "svg": drawing.latency_chart(rows, samples, group)}
        for group in drawing.latency_groups(rows)
    ]
    drawn.append({"title": "Size against latency", "svg": drawing.size_latency_chart(rows)})
    drawn.append({"title": "Size against accuracy", "svg": drawing.size_accuracy_chart(rows)})
    series = [(_MARKERS[index % len(_MARKERS)], row.case.title) for index, row in enumerate(rows)]
    yield Section("Charts", ({"kind": "charts", "series": series, "charts": drawn},))


def flips(benchmark: Benchmark) -> Iterator[Section]:
    """Describe the test images whose label differs from the reference's."""
    reference = benchmark.reference
    if reference is None or not benchmark.results.rows:
        return
    pairs = [(row.case, metrics.parity) for row, metrics in _measured(benchmark) if metrics.parity]
    arrays = _arrays(benchmark)
    models = [
        {
            "name": case.title,
            "parity": parity,
            "images": flipped_images(
                parity.flipped,
                benchmark.split,
                arrays[case][0]["probabilities"],
                reference.probabilities,
            ),
        }
        for case, parity in pairs
        if parity.flipped
    ]
    same = [case.title for case, parity in pairs if not parity.flipped]
    yield Section(
        "Flipped images", ({"kind": "flips", "reference": reference.file, "same": same, "models": models},)
    )


def confusions(benchmark: Benchmark) -> Iterator[Section]:
    """Describe how often each model takes which class for which."""
    models = []
    for row, metrics in _measured(benchmark):
        counts = np.array(metrics.accuracy.confusion)
        most = int((counts - np.diag(np.diag(counts))).max(initial=1))
        models.append({"name": row.case.title, "counts": counts.tolist(), "most": most})
    if models:
        yield Section("Confusion", ({"kind": "confusions", "models": models},))


def governor(benchmark: Benchmark) -> Iterator[Section]:
    """Describe what changes the CPU's speed."""
    machine = benchmark.results.machine
    virtual = "; a virtual machine" if machine.virtual else ""
    yield Section(
        "", (Note(f"Frequency governor: {machine.governor or 'not told by this system'}{virtual}."),)
    )


def _measured(benchmark: Benchmark) -> list[tuple[ResultRow, Metrics]]:
    return [(row, row.metrics) for row in benchmark.results.rows if row.metrics is not None]


def _arrays(benchmark: Benchmark) -> dict[Any, dict[int, dict[str, NDArray[Any]]]]:
    """Return the arrays of each round, by case."""
    return {
        one.case: {number: answer.arrays for number, answer in one.rounds.items()}
        for one in benchmark.collection.measurements
        if one.status == MEASURED
    }
