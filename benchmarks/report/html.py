"""`bench.html`: the report as one page that needs no network, and the sections that only it shows."""

from collections.abc import Iterator
from functools import partial
from importlib import resources
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...proof.reference import Reference
from ...runtime.printable import printable
from ..analysis.metrics import Metrics, ResultRow
from ..analysis.reliability import find_reliability, mistakes
from ..runner.benchmark import Benchmark
from ..runner.processes import MEASURED
from . import charts as drawing
from . import sections as common
from .blocks import Note, Section
from .svg import COLOURS, draw_svg, series
from .test_images import answers, data_uri, flipped
from .training import charts as training_charts
from .training.outputs import Trained
from .units import duration, percent

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment
    from matplotlib.axes import Axes

TEMPLATE = "bench.html.jinja"
NEEDED = ("jinja2", "matplotlib", "PIL")
_MARKERS = "○□△◇▽◁▷⬠"


def render_if_possible(benchmark: Benchmark, trained: Trained | None = None) -> str | None:
    """Return the page, or None where the packages that draw it are not installed."""
    return render(benchmark, trained) if all(find_spec(package) for package in NEEDED) else None


def render(benchmark: Benchmark, trained: Trained | None = None) -> str:
    """Return the page; `trained` is how the model was trained, where that is known."""
    environment = page_environment()
    layout = (
        *(common.verdicts, common.warnings, common.missing, common.results, common.legend_of_all),
        *(common.devices, common.tools, _charts, _flips, _confusions, partial(_training, trained=trained)),
        *(common.details, common.throughput, common.method, common.files, _governor),
    )
    return environment.from_string(_template()).render(
        results=benchmark.results, sections=common.describe(benchmark, layout), colours=COLOURS
    )


def page_environment() -> "Environment":
    """Return what fills in the templates of pages; whatever a stranger named is escaped."""
    from jinja2 import Environment, StrictUndefined

    return Environment(
        autoescape=True,
        finalize=_finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def style_sheet() -> str:
    """Return the `<style>` element of the page as a template, for other pages that look like it."""
    template = _template()
    end = "</style>"
    return template[template.index("<style>") : template.index(end) + len(end)]


def _template() -> str:
    return resources.files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")


def _finalized(value: Any) -> Any:
    """Return a text with what is no mark on paper escaped; our own drawings are no plain `str`."""
    return printable(value) if type(value) is str else value


def _charts(benchmark: Benchmark) -> Iterator[Section]:
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
    names = [(_MARKERS[index % len(_MARKERS)], row.case.title) for index, row in enumerate(rows)]
    yield Section("Charts", ({"kind": "charts", "series": names, "charts": drawn},))


def _flips(benchmark: Benchmark) -> Iterator[Section]:
    """Describe the test images whose label differs from the reference's."""
    reference = benchmark.reference
    if reference is None or not benchmark.results.rows:
        return
    pairs = [(row.case, metrics.parity) for row, metrics in _measured(benchmark) if metrics.parity]
    arrays = _arrays(benchmark)
    models = []
    for case, parity in pairs:
        if parity.flipped:
            own = arrays[case][0]["probabilities"]
            images = flipped(parity.flipped, benchmark.split, own, reference.probabilities)
            models.append({"name": case.title, "parity": parity, "images": images})
    same = [case.title for case, parity in pairs if not parity.flipped]
    block = {"kind": "flips", "reference": reference.file, "same": same, "models": models}
    yield Section("Flipped images", (block,))


def _confusions(benchmark: Benchmark) -> Iterator[Section]:
    """Describe how often each model takes which class for which."""
    models = []
    for row, metrics in _measured(benchmark):
        counts = np.array(metrics.accuracy.confusion)
        most = int((counts - np.diag(np.diag(counts))).max(initial=1))
        models.append({"name": row.case.title, "counts": counts.tolist(), "most": most})
    if models:
        yield Section("Confusion", ({"kind": "confusions", "models": models},))


def _governor(benchmark: Benchmark) -> Iterator[Section]:
    """Describe what changes the CPU's speed."""
    machine = benchmark.results.machine
    virtual = "; a virtual machine" if machine.virtual else ""
    text = f"Frequency governor: {machine.governor or 'not told by this system'}{virtual}."
    yield Section("", (Note(text),))


def _training(benchmark: Benchmark, trained: Trained | None) -> Iterator[Section]:
    """Describe the training, unless nothing is known of it.

    The curves belong to a model, and so do its answers; both are shown only if they are of the same one.
    """
    reference = benchmark.reference
    if trained is None or reference is None:
        return
    own = trained.histories[0]
    if own.model_sha256 != reference.model_sha256:
        yield Section("Training", ({"kind": "training", "other_model": True},))
        return
    split, probabilities = benchmark.split, reference.probabilities
    wrong = mistakes(probabilities, split.known_labels)
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
        "model": reference.file,
        "charts": _training_charts(benchmark, reference, trained),
        "wrong": len(wrong),
        "mistakes": answers(wrong, split, probabilities),
        "pictures": [
            {"title": title, "data_uri": data_uri(png)} for title, png in pictures.items() if png is not None
        ],
    }
    yield Section("Training", (block,))


def _training_charts(benchmark: Benchmark, reference: Reference, trained: Trained) -> list[dict[str, str]]:
    histories = trained.histories
    found = find_reliability(reference.probabilities, benchmark.split.known_labels)
    drawn: dict[str, Callable[[Axes], None]] = {
        "Accuracy": lambda axes: training_charts.accuracy_curves(axes, histories, series),
        "Loss": lambda axes: training_charts.loss_curves(axes, histories, series),
        training_charts.expected_error(found): lambda axes: training_charts.reliability(axes, found, series),
        "Confidences": lambda axes: training_charts.confidences(axes, found, series),
    }
    return [
        {"title": title, "svg": draw_svg(draw, 2.9, f"training-{number}")}
        for number, (title, draw) in enumerate(drawn.items())
    ]


def _measured(benchmark: Benchmark) -> list[tuple[ResultRow, Metrics]]:
    return [(row, row.metrics) for row in benchmark.results.rows if row.metrics is not None]


def _arrays(benchmark: Benchmark) -> dict[Any, dict[int, dict[str, NDArray[Any]]]]:
    """Return the arrays of each round, by case."""
    return {
        one.case: {number: answer.arrays for number, answer in one.rounds.items()}
        for one in benchmark.collection.measurements
        if one.status == MEASURED
    }
