"""Tolerances: how far an artifact's answers may lie from the source model's."""

from dataclasses import dataclass

from ..runtime.errors import OptionError
from .parity import Parity

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Tolerances:
    """Limits of an artifact's parity; a value that equals its limit is within it.

    Shares are counts divided once. Such a quotient and a limit as it was typed are each the nearest float, so
    they compare as the exact numbers do.

    Attributes:
        min_agreement: Smallest share of images with the source model's label, 0..1.
        max_accuracy_drop: Largest loss of accuracy, 0..1.
        atol: Largest absolute difference of any probability; None sets no limit.
    """

    min_agreement: float
    max_accuracy_drop: float
    atol: float | None

    def __post_init__(self) -> None:
        for name, value in (("agreement", self.min_agreement), ("accuracy drop", self.max_accuracy_drop)):
            if not 0 <= value <= 1:
                raise OptionError(f"the limit of the {name} is no share", received=value, expected="0 to 1")
        if self.atol is not None and not self.atol >= 0:
            raise OptionError("the limit of a difference is negative", received=self.atol)

    def replaced(
        self, min_agreement: float | None, max_accuracy_drop: float | None, atol: float | None
    ) -> "Tolerances":
        """Return these tolerances with the limits that are not None instead."""
        return Tolerances(
            self.min_agreement if min_agreement is None else min_agreement,
            self.max_accuracy_drop if max_accuracy_drop is None else max_accuracy_drop,
            self.atol if atol is None else atol,
        )

    def violations(self, parity: Parity) -> tuple[str, ...]:
        """Return a sentence for each limit that `parity` exceeds."""
        drop = -parity.accuracy_difference
        sentences = []
        if (parity.images - len(parity.flipped)) / parity.images < self.min_agreement:
            images = ", ".join(str(index) for index in parity.flipped[:_SHOWN])
            more = f" and {len(parity.flipped) - _SHOWN} more" if len(parity.flipped) > _SHOWN else ""
            sentences.append(
                f"agreement with Keras {parity.agreement:.3%} is below {100 * self.min_agreement:.12g}%:"
                f" {len(parity.flipped):,} of {parity.images:,} images differ"
                f" (test images with another label: {images}{more})"
            )
        if drop > self.max_accuracy_drop:
            sentences.append(
                f"accuracy drops by {drop:.3%}, more than {100 * self.max_accuracy_drop:.12g}%:"
                f" {parity.broke - parity.fixed:,} of {parity.images:,} images"
            )
        if self.atol is not None and parity.max_abs_difference > self.atol:
            sentences.append(
                f"a probability differs by {parity.max_abs_difference:.1e}, more than {self.atol:g}"
            )
        return tuple(sentences)


EXACT = Tolerances(min_agreement=1.0, max_accuracy_drop=0.0, atol=1e-5)
ROUNDED = Tolerances(min_agreement=0.999, max_accuracy_drop=0.001, atol=0.05)
FULL_INTEGER = Tolerances(min_agreement=0.998, max_accuracy_drop=0.002, atol=None)
