"""The sections that only `bench.html` shows: charts, test inputs, confusion and the training."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...analysis.metrics import Metrics, ResultRow
from ...analysis.reliability import find_reliability
from ...analysis.reliability import mistakes as find_mistakes
from ...runner.benchmark import Benchmark
from ...runner.collect import Measurement
from ...runner.processes import MEASURED
from ..blocks import Note, Section
from ..training import charts as training_charts
from ..training.outputs import Trained
from ..units import duration, percent
from . import charts as drawing
from .cards import farthest, flipped, mistaken, name_of
from .shown_inputs import data_uri
from .svg import draw_svg, series

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

MATRIX_CLASSES = 20  # of a confusion matrix that fits a screen
MAX_CONFUSIONS = 20  # in the list that takes its place
_MARKERS = "○□△◇▽◁▷⬠"


def charts(benchmark: Benchmark) -> Iterator[Section]:
    """Describe the charts of latency, size and accuracy."""
    rows = [row for row, _ in _measured(benchmark)]
    if not rows:
        return
    measurements = _measurements(benchmark)
    samples = [
        np.concatenate([one.arrays["latency_ns"] for one in measurements[row.case].rounds.values()])
        for row in rows
    ]
    drawn = [
        {
            "title": f"Latency of single {benchmark.results.noun}",
            "svg": drawing.latency_chart(rows, samples, group),
        }
        for group in drawing.latency_groups(rows)
    ]
    drawn.append({"title": "Size against latency", "svg": drawing.size_latency_chart(rows)})
    for quality in drawing.QUALITIES:
        if any(quality.value(found) is not None for _, found in _measured(benchmark)):
            title = f"Size against {quality.name}"
            drawn.append({"title": title, "svg": drawing.quality_chart(rows, quality)})
            break
    names = [(_MARKERS[index % len(_MARKERS)], row.case.title) for index, row in enumerate(rows)]
    yield Section("Charts", ({"kind": "charts", "series": names, "charts": drawn},))


def flips(benchmark: Benchmark) -> Iterator[Section]:
    """Describe the test inputs whose label differs from the reference's."""
    reference, found = benchmark.reference, benchmark.results
    parities = [(row.case, metrics.parity) for row, metrics in _measured(benchmark) if metrics.parity]
    pairs = [(case, parity) for case, parity in parities if parity.agreement is not None]
    if reference is None or not pairs:
        return
    models = []
    for case, parity in pairs:
        if parity.flipped:
            own = _measurements(benchmark)[case].outputs
            cards = flipped(parity.flipped, benchmark.split, own, reference.outputs, found.class_names)
            models.append({"name": case.title, "parity": parity, "cards": cards})
    same = [case.title for case, parity in pairs if not parity.flipped]
    block = {"kind": "flips", "reference": reference.file, "same": same, "models": models}
    yield Section(f"Flipped {found.noun}", (block,))


def differences(benchmark: Benchmark) -> Iterator[Section]:
    """Describe the test inputs on which values differ most from the reference's."""
    reference = benchmark.reference
    if reference is None:
        return
    models = []
    for row, metrics in _measured(benchmark):
        parity = metrics.parity
        if parity is not None and parity.agreement is None and parity.max_abs_difference:
            own = _measurements(benchmark)[row.case].outputs
            cards = farthest(benchmark.split, own, reference.outputs)
            models.append({"name": row.case.title, "cards": cards})
    if models:
        block = {"kind": "differences", "reference": reference.file, "models": models}
        yield Section("Where values differ most", (block,))


def confusions(benchmark: Benchmark) -> Iterator[Section]:
    """Describe how often each model takes which class for which: a matrix, or of many classes a list."""
    names = benchmark.results.class_names
    models = []
    for row, metrics in _measured(benchmark):
        if metrics.accuracy is not None:
            counts = np.array(metrics.accuracy.confusion)
            models.append({"name": row.case.title, **_confusion(counts, names)})
    if models:
        yield Section("Confusion", ({"kind": "confusions", "models": models},))


def mistakes(benchmark: Benchmark) -> Iterator[Section]:
    """Describe where the reference is wrong, or else the first model, and whether it knows when it is."""
    split, found = benchmark.split, benchmark.results
    rows = [(row, metrics) for row, metrics in _measured(benchmark) if metrics.accuracy]
    if split.labels is None or not rows:
        return
    first = rows[0][0].case
    name, probabilities = first.title, _measurements(benchmark)[first].outputs
    if benchmark.reference is not None:
        name, probabilities = f"Keras ({benchmark.reference.file})", benchmark.reference.outputs
    wrong, sure = find_mistakes(probabilities, split.labels), find_reliability(probabilities, split.labels)
    block = {
        "kind": "mistakes",
        "model": name,
        "charts": _drawn(
            "mistakes",
            {
                training_charts.expected_error(sure): lambda axes: training_charts.reliability(
                    axes, sure, series
                ),
                "Confidences": lambda axes: training_charts.confidences(axes, sure, series),
            },
        ),
        "wrong": len(wrong),
        "cards": mistaken(wrong, split, probabilities, found.class_names),
    }
    yield Section(f"Misclassified {found.noun}", (block,))


def training(benchmark: Benchmark, trained: Trained | None) -> Iterator[Section]:
    """Describe the training, unless nothing is known of it, or it is another model's."""
    reference = benchmark.reference
    if trained is None or reference is None:
        return
    own, histories = trained.histories[0], trained.histories
    if own.model_sha256 != reference.model_sha256:
        yield Section("Training", ({"kind": "training", "other_model": True},))
        return
    pictures = {
        "The first 25 training images": trained.digits,
        "Augmented training images": trained.augmented,
    }
    block = {
        "kind": "training",
        "other_model": False,
        "name": own.name,
        "epochs": len(own.epochs),
        "seconds": duration(sum(epoch.seconds for epoch in own.epochs) * 1e9),
        "val_accuracy": percent(own.epochs[-1].val_accuracy),
        "charts": _drawn(
            "training",
            {
                "Accuracy": lambda axes: training_charts.accuracy_curves(axes, histories, series),
                "Loss": lambda axes: training_charts.loss_curves(axes, histories, series),
            },
        ),
        "pictures": [
            {"title": title, "data_uri": data_uri(png)} for title, png in pictures.items() if png is not None
        ],
    }
    yield Section("Training", (block,))


def governor(benchmark: Benchmark) -> Iterator[Section]:
    """Describe what changes the CPU's speed."""
    machine = benchmark.results.machine
    virtual = "; a virtual machine" if machine.virtual else ""
    text = f"Frequency governor: {machine.governor or 'not told by this system'}{virtual}."
    yield Section("", (Note(text),))


def _confusion(counts: NDArray[np.int64], names: tuple[str, ...]) -> dict[str, Any]:
    """Return a confusion as the page shows it."""
    errors = counts - np.diag(np.diag(counts))
    classes = [name_of(index, names) for index in range(len(counts))]
    if len(counts) <= MATRIX_CLASSES:
        matrix = list(zip(classes, counts.tolist(), strict=True))
        return {"matrix": matrix, "classes": classes, "most": int(errors.max(initial=1))}
    order = np.argsort(-errors, axis=None, kind="stable")[:MAX_CONFUSIONS]
    places = [divmod(int(flat), len(counts)) for flat in order]
    pairs = [
        (classes[true], classes[label], int(errors[true, label]), int(counts[true].sum()))
        for true, label in places
        if errors[true, label]
    ]
    kinds = int(np.count_nonzero(errors))
    return {"matrix": None, "pairs": pairs, "wrong": int(errors.sum()), "kinds": kinds}


def _drawn(name: str, draws: "dict[str, Callable[[Axes], None]]") -> list[dict[str, str]]:
    return [
        {"title": title, "svg": draw_svg(draw, 2.9, f"{name}-{number}")}
        for number, (title, draw) in enumerate(draws.items())
    ]


def _measured(benchmark: Benchmark) -> list[tuple[ResultRow, Metrics]]:
    return [(row, row.metrics) for row in benchmark.results.rows if row.metrics is not None]


def _measurements(benchmark: Benchmark) -> dict[Any, Measurement]:
    return {one.case: one for one in benchmark.collection.measurements if one.status == MEASURED}
