"""A whole benchmark: collect, compute, document."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..runtime.errors import EngineError
from .collect import Collection, Progress, collect
from .datasets import Split
from .document import to_document
from .machine import describe_machine
from .plan import Plan
from .processes import FAILED, WORKER
from .reference import Reference, measured_reference, stored_reference
from .results import Results, compute
from .targets import Target
from .verdicts import verdicts


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """A finished benchmark: figures, and what they were computed from.

    Attributes:
        results: The figures.
        verdicts: What they mean, in sentences.
        collection: The raw samples and answers.
        split: The test images.
        reference: What parity is against; None where there is nothing.
    """

    results: Results
    verdicts: tuple[str, ...]
    collection: Collection
    split: Split
    reference: Reference | None

    def document(self) -> dict[str, Any]:
        """Return `bench.json`'s content."""
        return to_document(self.results, self.collection, self.split, self.verdicts)

    def require_figures(self) -> None:
        """Check that something was measured and nothing failed.

        Raises:
            EngineError: A row failed, or all of them were skipped.
        """
        rows = self.results.rows
        failed = [row for row in rows if row.status == FAILED]
        if failed or not any(row.figures for row in rows):
            reasons = "; ".join(f"{row.target.title} {row.status}: {row.reason}" for row in failed or rows)
            problem = f"{len(failed)} of {len(rows)} rows failed" if failed else "nothing could be measured"
            raise EngineError(problem, received=reasons)


def run_benchmark(
    targets: Sequence[Target],
    split: Split,
    plan: Plan,
    folder: Path,
    *,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    command: tuple[str, ...] = WORKER,
) -> Benchmark:
    """Measure targets and compute their figures.

    Args:
        targets: What to measure.
        split: The test images.
        plan: How much to measure.
        folder: Where a `reference.npz` may lie.
        on_progress: Called before each worker process.
        command: The worker program.

    Raises:
        ManifestError: The folder's manifest is damaged.
        IntegrityError: The folder's reference is not the one that its manifest records.
    """
    stored = stored_reference(folder, split)
    created = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    collection = collect(targets, split, plan, on_progress=on_progress, command=command)
    reference = stored or measured_reference(collection)
    results = compute(collection, split, plan, describe_machine(), reference=reference, created=created)
    return Benchmark(results, verdicts(results), collection, split, reference)
