"""How the rows of one benchmark compare with each other: size, accuracy and speed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...data.datasets import Split
from ...proof.parity import Parity
from ...runtime.errors import InputError
from ..runner.cases import KERAS, Case
from ..runner.collect import Collection, Measurement
from .metrics import ResultRow, compare_outputs, output_of
from .statistics import Ratio, paired_ratio

FLOAT = "float32"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A row beside the row that it is compared with.

    Attributes:
        speed: The base's end-to-end p50 over the case's, from the rounds that both ran in: above 1, the
            case is quicker.
    """

    case: Case
    base: Case
    size_ratio: float
    speed: Ratio
    parity: Parity | None


def compare_rows(rows: Sequence[ResultRow], collection: Collection, split: Split) -> tuple[Comparison, ...]:
    """Compare each measured row with its base.

    A lower precision is compared with float32 in the same format and engine; where there is none, as for the
    model in C, against the same precision elsewhere and against the first float32. Float32 is compared with
    Keras, and each one also against the first, so that engines are compared too.
    """
    measured = {one.case: one for one in collection.measurements}
    cases = [row.case for row in rows if row.metrics is not None]
    pairs = [(case, base) for case in cases for base in _bases(case, cases)]
    return tuple(_compare(measured[case], measured[base], split) for case, base in pairs)


def _bases(case: Case, cases: Sequence[Case]) -> list[Case]:
    if case.engine == KERAS:
        return []
    keras = [other for other in cases if other.engine == KERAS][:1]
    floats = [other for other in cases if other.precision == FLOAT and other.engine != KERAS]
    if case.precision == FLOAT:
        return keras + [other for other in floats[:1] if other != case]
    if own := _float_of(case, floats):
        return own
    alike = [other for other in cases if other.precision == case.precision and _float_of(other, floats)]
    return [*alike, *floats[:1]] or keras or [other for other in cases[:1] if other != case]


def _float_of(case: Case, floats: Sequence[Case]) -> list[Case]:
    """Return the float32 of the same format on the same engine, if there is one."""
    return [one for one in floats if (one.format, one.engine) == (case.format, case.engine)][:1]


def _compare(one: Measurement, base: Measurement, split: Split) -> Comparison:
    return Comparison(
        case=one.case,
        base=base.case,
        size_ratio=base.case.size_bytes / one.case.size_bytes,
        speed=paired_ratio(_round_p50_ns(base), _round_p50_ns(one)),
        parity=_parity(one, base, split),
    )


def _round_p50_ns(measured: Measurement) -> dict[int, float]:
    return {number: float(np.median(one.arrays["latency_ns"])) for number, one in measured.rounds.items()}


def _parity(one: Measurement, base: Measurement, split: Split) -> Parity | None:
    try:
        return compare_outputs(one.outputs, base.outputs, output_of(one.signature), split)
    except InputError:
        return None
