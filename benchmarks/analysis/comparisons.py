"""How the rows of one benchmark compare with each other: size, accuracy and speed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...data.datasets import Split
from ...proof.parity import Parity, compare
from ...runtime.errors import InputError
from ..runner.cases import KERAS, Case
from ..runner.collect import Collection, Measured
from .row import Row
from .statistics import Ratio, paired_ratio

FLOAT = "float32"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A row beside the row that it is held against.

    Attributes:
        target: The one.
        base: The other.
        size_ratio: The base's size over the target's: above 1, the target is smaller.
        speed: The base's end-to-end p50 over the target's, from the rounds that both ran in: above 1, the
            target is quicker.
        parity: The target's answers with the base's as reference; None where their classes differ.
    """

    target: Case
    base: Case
    size_ratio: float
    speed: Ratio
    parity: Parity | None


def compare_rows(rows: Sequence[Row], collection: Collection, split: Split) -> tuple[Comparison, ...]:
    """Compare each measured row with its base.

    A lower precision is held against float32 in the same format and engine; where there is none, as for the
    model in C, against the same precision elsewhere and against the first float32. Float32 is held against
    Keras, and each one also against the first, so that engines are compared too.
    """
    measured = {one.target: one for one in collection.measured}
    targets = [row.target for row in rows if row.figures is not None]
    pairs = [(target, base) for target in targets for base in _bases(target, targets)]
    return tuple(_compare(measured[target], measured[base], split) for target, base in pairs)


def _bases(target: Case, targets: Sequence[Case]) -> list[Case]:
    if target.engine == KERAS:
        return []
    keras = [other for other in targets if other.engine == KERAS][:1]
    floats = [other for other in targets if other.precision == FLOAT and other.engine != KERAS]
    if target.precision == FLOAT:
        return keras + [other for other in floats[:1] if other != target]
    if own := _float_of(target, floats):
        return own
    alike = [other for other in targets if other.precision == target.precision and _float_of(other, floats)]
    return [*alike, *floats[:1]] or keras or [other for other in targets[:1] if other != target]


def _float_of(target: Case, floats: Sequence[Case]) -> list[Case]:
    """Return the float32 of the same format on the same engine, if there is one."""
    return [one for one in floats if (one.format, one.engine) == (target.format, target.engine)][:1]


def _compare(one: Measured, base: Measured, split: Split) -> Comparison:
    return Comparison(
        target=one.target,
        base=base.target,
        size_ratio=base.target.size_bytes / one.target.size_bytes,
        speed=paired_ratio(_round_p50_ns(base), _round_p50_ns(one)),
        parity=_parity(one, base, split),
    )


def _round_p50_ns(measured: Measured) -> dict[int, float]:
    return {
        number: float(np.median(answer.arrays["latency_ns"])) for number, answer in measured.answers.items()
    }


def _parity(one: Measured, base: Measured, split: Split) -> Parity | None:
    try:
        return compare(
            one.answers[0].arrays["probabilities"], base.answers[0].arrays["probabilities"], split.labels
        )
    except InputError:
        return None
