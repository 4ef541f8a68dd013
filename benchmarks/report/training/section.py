"""What `bench.html` says of the training."""

from typing import TYPE_CHECKING, Any

from ....proof.reference import Reference
from ...analysis.reliability import find_reliability, mistakes
from ...runner.benchmark import Benchmark
from ..svg import draw_svg, series
from ..test_images import answers, data_uri
from ..units import duration, percent
from . import charts as training_charts
from .outputs import Trained

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

NANOSECONDS = 1e9


def training_section(benchmark: Benchmark, trained: Trained | None) -> dict[str, Any] | None:
    """Return what the template needs to show a training, or None where there is nothing to show.

    The curves belong to a model, and so do its answers; both are shown only if they are of the same one.
    """
    reference = benchmark.reference
    if trained is None or reference is None:
        return None
    own = trained.histories[0]
    if own.model_sha256 != reference.model_sha256:
        return {"other_model": True}
    split, probabilities = benchmark.split, reference.probabilities
    wrong = mistakes(probabilities, split.known_labels)
    pictures = {
        "The first 25 training images": trained.digits,
        "Augmented training images": trained.augmented,
    }
    return {
        "other_model": False,
        "name": own.name,
        "epochs": len(own.epochs),
        "seconds": duration(sum(epoch.seconds for epoch in own.epochs) * NANOSECONDS),
        "val_accuracy": percent(own.epochs[-1].val_accuracy),
        "model": reference.file,
        "charts": _charts(benchmark, reference, trained),
        "wrong": len(wrong),
        "mistakes": answers(wrong, split, probabilities),
        "pictures": [
            {"title": title, "data_uri": data_uri(png)} for title, png in pictures.items() if png is not None
        ],
    }


def _charts(benchmark: Benchmark, reference: Reference, trained: Trained) -> list[dict[str, str]]:
    histories = trained.histories
    found = find_reliability(reference.probabilities, benchmark.split.known_labels)
    drawn: dict[str, Callable[[Axes], None]] = {
        "Accuracy": lambda axes: training_charts.accuracy_curves(axes, histories, series),
        "Loss": lambda axes: training_charts.loss_curves(axes, histories, series),
        f"Reliability: {training_charts.expected_error(found)}": lambda axes: training_charts.reliability(
            axes, found, series
        ),
        "Confidences": lambda axes: training_charts.confidences(axes, found, series),
    }
    return [
        {"title": title, "svg": draw_svg(draw, 2.9, f"training-{number}")}
        for number, (title, draw) in enumerate(drawn.items())
    ]
