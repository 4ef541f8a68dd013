"""What verification finds of one file."""

from dataclasses import dataclass

from .parity import Parity

NOT_CHECKED = "not of this set, and not checked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one file.

    Attributes:
        file: Its name.
        failures: A sentence for each thing that does not hold; empty where the file is good.
        parity: How its answers compare with the source model's; None where they were not needed or not given.
        note: What was left out, and why; "" if nothing was.
        unproven: Why nothing here proves the file, which was therefore not run; "" if it is proven or fails.
    """

    file: str
    failures: tuple[str, ...]
    parity: Parity | None = None
    note: str = ""
    unproven: str = ""

    @property
    def holds(self) -> bool:
        """Whether the file is proven."""
        return not self.failures and not self.unproven
