"""A row of the report: a target with its figures, or why it has none."""

from dataclasses import dataclass

from ..runner.cases import Case
from .metrics import Metrics


@dataclass(frozen=True, slots=True)
class Row:
    """A target with its figures, or why it has none.

    Attributes:
        target: What was measured.
        status: "measured", "skipped" or "failed".
        reason: Why it was skipped or how it failed, else "".
        figures: None unless measured.
    """

    target: Case
    status: str
    reason: str
    figures: Metrics | None
