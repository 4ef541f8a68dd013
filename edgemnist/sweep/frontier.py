"""Which points no other one beats in everything, and the best of them for given limits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from ..runtime.artifact.manifest import ParityRecord
from ..runtime.errors import OptionError


@dataclass(frozen=True, slots=True)
class Limits:
    """What an artifact may take and must give; None sets no limit.

    Attributes:
        max_flash: Bytes on a microcontroller.
        max_ram: Bytes on a microcontroller.
        min_accuracy: 0 to 1.
    """

    max_flash: int | None = None
    max_ram: int | None = None
    min_accuracy: float | None = None

    def __post_init__(self) -> None:
        if self.min_accuracy is not None and not 0 <= self.min_accuracy <= 1:
            raise OptionError("the least accuracy is no share", received=self.min_accuracy, expected="0 to 1")

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        return (self.max_flash, self.max_ram, self.min_accuracy) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a point gives and takes.

    Attributes:
        accuracy: The higher the better; as `accuracy_of` has it.
        size_bytes: Of the artifact.
        flash_bytes: On a microcontroller; None for what runs on none.
        ram_bytes: The same.
    """

    accuracy: float
    size_bytes: int
    flash_bytes: int | None = None
    ram_bytes: int | None = None

    def taken(self) -> tuple[float, ...]:
        """Return all of it as numbers of which less is better."""
        flash, ram = (inf if value is None else value for value in (self.flash_bytes, self.ram_bytes))
        return (-self.accuracy, self.size_bytes, flash, ram)

    def within(self, limits: Limits) -> bool:
        """Whether it keeps the limits; what is not known keeps none."""
        pairs = ((self.flash_bytes, limits.max_flash), (self.ram_bytes, limits.max_ram))
        fits = all(most is None or (value is not None and value <= most) for value, most in pairs)
        return fits and (limits.min_accuracy is None or self.accuracy >= limits.min_accuracy)


def accuracy_of(parity: ParityRecord | None) -> float:
    """Return a model's accuracy; R² where there are targets, else its agreement with Keras."""
    if parity is None:
        return -inf
    known = (parity.accuracy, parity.r2, parity.agreement)
    found = next((value for value in known if value is not None), None)
    if found is not None:
        return found
    return -(parity.rms_difference or 0.0) / (parity.output_range or 1.0)


def frontier(costs: Mapping[str, Costs]) -> list[str]:
    """Return the keys of those that no other one is as good as in everything and better in something."""
    ordered = sorted(costs, key=lambda key: (costs[key].taken(), key))
    found: list[str] = []
    for key in ordered:  # whatever beats it comes before it
        mine = costs[key].taken()
        if not any(_beats(costs[other].taken(), mine) for other in found):
            found.append(key)
    return found


def best(costs: Mapping[str, Costs], limits: Limits) -> str | None:
    """Return the key of the best within the limits, or None where there are none or nothing keeps them.

    That is the most accurate, of equals the smallest; where only the accuracy is limited, it is the smallest.
    """
    if not limits.any:
        return None
    able: Iterable[str] = [key for key, one in costs.items() if one.within(limits)]
    smallest_first = limits.max_flash is None and limits.max_ram is None

    def rank(key: str) -> tuple[object, ...]:
        accuracy, size, *others = costs[key].taken()
        return (size, accuracy, *others, key) if smallest_first else (accuracy, size, *others, key)

    return min(able, key=rank, default=None)


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)
