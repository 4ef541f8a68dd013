"""How much a benchmark measures."""

from dataclasses import dataclass

from ...runtime.errors import OptionError


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure.

    Attributes:
        rounds: Processes per case, one in each round.
        min_rounds: Rounds are given up, down to this many, where the budget would not do for all.
        slow_rounds: Rounds for a case that takes longer than `slow_secs` until its model is loaded.
        slow_secs: See `slow_rounds`.
        budget_secs: How long collecting should take in all.
        num_runs: Single images to measure per case at least, over all rounds.
        min_secs: Seconds of single images per case at least, over all rounds.
        batch_sizes: Batches to measure throughput with, besides the whole test set.
        batch_secs: Seconds per batch size and process at least.
        timeout_secs: After so long a process counts as hung.
        seed: Decides the order of cases and of images.
    """

    rounds: int = 5
    min_rounds: int = 3
    slow_rounds: int = 2
    slow_secs: float = 2.0
    budget_secs: float = 48.0
    num_runs: int = 2000
    min_secs: float = 0.6
    warmup_runs: int = 100
    batch_sizes: tuple[int, ...] = (1, 8, 64, 512)
    batch_secs: float = 0.02
    num_threads: int = 1
    timeout_secs: float = 120.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the metrics.

        Raises:
            OptionError: One of them is too small.
        """
        for name, least in (("num_runs", 1), ("num_threads", 1), ("rounds", 1), ("warmup_runs", 1)):
            if getattr(self, name) < least:
                raise OptionError(
                    f"{name} is too small", received=getattr(self, name), expected=f"at least {least}"
                )
        if self.min_secs < 0:
            raise OptionError("min_secs is too small", received=self.min_secs, expected="at least 0")


QUICK = Plan(rounds=3, min_rounds=2, budget_secs=9.0, num_runs=600, min_secs=0.2, batch_secs=0.005)
