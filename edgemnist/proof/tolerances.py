"""Tolerances: how far an artifact's outputs may lie from the source model's."""

from dataclasses import dataclass, fields, replace

from ..runtime.errors import OptionError
from .parity import Parity

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Tolerances:
    """Limits of an artifact's parity; a value that equals its limit is within it, and None sets no limit.

    Shares are counts divided once. Such a quotient and a limit as it was typed are each the nearest float, so
    they compare as the exact numbers do.

    Attributes:
        min_agreement: Smallest share of items with the source model's class, 0..1.
        max_accuracy_drop: Largest loss of accuracy, 0..1. A larger one counts if it is significant, by exact
            McNemar with p < 0.05: one item of a small test set proves nothing.
        atol: Largest absolute difference of any probability.
        decided: The class must be the source model's where that has its two best classes further apart.
        max_error: Largest difference of any value, as a share of the range of the source model's values.
        max_rms_error: The same for the root of the mean square of all differences.
    """

    min_agreement: float | None = None
    max_accuracy_drop: float | None = None
    atol: float | None = None
    decided: float | None = None
    max_error: float | None = None
    max_rms_error: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("agreement", self.min_agreement), ("accuracy drop", self.max_accuracy_drop)):
            if value is not None and not 0 <= value <= 1:
                raise OptionError(f"the limit of the {name} is no share", received=value, expected="0 to 1")
        for value in (self.atol, self.decided, self.max_error, self.max_rms_error):
            if value is not None and not value >= 0:
                raise OptionError("the limit of a difference is negative", received=value)

    def replaced(self, **limits: float | None) -> "Tolerances":
        """Return these tolerances with the limits that are not None instead.

        A limit of the largest difference replaces that of the root mean square too, and that of probabilities
        the margin that decides.
        """
        given: dict[str, float | None] = {name: value for name, value in limits.items() if value is not None}
        if "atol" in given and self.decided is not None:
            given["decided"] = given["atol"]
        if "max_error" in given:
            given["max_rms_error"] = None
        return replace(self, **given)

    def stricter(self, other: "Tolerances") -> "Tolerances":
        """Return the stricter of each limit of both."""

        def strictest(name: str) -> float | None:
            limits: list[float] = [
                limit for each in (self, other) if (limit := getattr(each, name)) is not None
            ]
            if not limits:
                return None
            return max(limits) if name == "min_agreement" else min(limits)

        return Tolerances(**{field.name: strictest(field.name) for field in fields(self)})

    def violations(self, parity: Parity) -> tuple[str, ...]:
        """Return a sentence for each limit that `parity` exceeds."""
        if parity.agreement is None:
            return (
                *_beyond(parity, "largest", parity.max_abs_difference, self.max_error),
                *_beyond(parity, "root mean square", parity.rms_difference, self.max_rms_error),
            )
        sentences = []
        differ = _differ(parity)
        if self.min_agreement is not None:
            if (parity.images - len(parity.flipped)) / parity.images < self.min_agreement:
                sentences.append(
                    f"agreement with Keras {parity.agreement:.3%} is below {100 * self.min_agreement:.12g}%:"
                    f" {differ}"
                )
        elif self.decided is not None and parity.flipped_margin > self.decided:
            sentences.append(
                f"another class than Keras' where its two best are {parity.flipped_margin:.1e} apart,"
                f" more than {self.decided:g}: {differ}"
            )
        drop = -(parity.accuracy_difference or 0.0)
        if self.max_accuracy_drop is not None and drop > self.max_accuracy_drop and parity.is_significant:
            lost = round(drop * parity.images)
            sentences.append(
                f"accuracy drops by {drop:.3%}, more than {100 * self.max_accuracy_drop:.12g}%:"
                f" {lost:,} of {parity.images:,} images"
            )
        if self.atol is not None and parity.max_abs_difference > self.atol:
            sentences.append(
                f"a probability differs by {parity.max_abs_difference:.1e}, more than {self.atol:g}"
            )
        return tuple(sentences)

    def notes(self, parity: Parity) -> tuple[str, ...]:
        """Return a sentence where a loss is above its limit, but may be chance."""
        drop = -(parity.accuracy_difference or 0.0)
        if self.max_accuracy_drop is None or drop <= self.max_accuracy_drop or parity.is_significant:
            return ()
        smallest = parity.smallest_significant_loss
        sentence = (
            f"accuracy drops by {drop:.2%}, which may be chance (p = {parity.mcnemar_p:.2f}): with"
            f" {parity.images:,} images no loss below {smallest:.2%} can be told from it"
        )
        return (sentence,)


def _differ(parity: Parity) -> str:
    shown = ", ".join(map(str, parity.flipped[:_SHOWN]))
    more = f" and {len(parity.flipped) - _SHOWN} more" if len(parity.flipped) > _SHOWN else ""
    return (
        f"{len(parity.flipped):,} of {parity.images:,} images differ"
        f" (test images with another label: {shown}{more})"
    )


def _beyond(parity: Parity, which: str, difference: float, limit: float | None) -> tuple[str, ...]:
    scale = parity.output_range or 1.0
    if limit is None or difference <= limit * scale:
        return ()
    sentence = (
        f"the {which} difference of a value is {difference / scale:.2%} of the range of Keras' values,"
        f" more than {100 * limit:.12g}%"
    )
    return (sentence,)


EXACT = Tolerances(atol=1e-4, decided=1e-4, max_error=1e-4)
ROUNDED = Tolerances(max_accuracy_drop=0.005, decided=0.05, max_rms_error=0.02)
QUANTIZED = Tolerances(max_accuracy_drop=0.005, max_rms_error=0.02)
# What the bundled network keeps, whose figures are known.
REFERENCE = {
    EXACT: Tolerances(1.0, 0.0, 1e-5),
    ROUNDED: Tolerances(0.999, 0.001, 0.05),
    QUANTIZED: Tolerances(0.998, 0.002),
}
