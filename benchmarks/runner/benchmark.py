"""A whole benchmark: collect, compute, document."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...data.datasets import Split
from ...proof.reference import Reference, stored_reference
from ...runtime.artifact.settling import state_of
from ...runtime.errors import EngineError, IntegrityError, ProofError
from ...runtime.signature import ModelSignature
from ..analysis.results import Results, compute
from ..analysis.verdicts import verdicts
from ..emulation.boards import Device
from ..emulation.collect import collect_devices, device_rows
from ..emulation.model import CModel
from ..report.conversion import to_document
from .cases import KERAS, Case
from .collect import Collection, Progress, collect
from .machine import describe_machine
from .plan import Plan
from .processes import FAILED, MEASURED, WORKER


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """A finished benchmark: results, and what they were computed from."""

    results: Results
    verdicts: tuple[str, ...]
    collection: Collection
    split: Split
    reference: Reference | None

    def document(self) -> dict[str, Any]:
        """Return `bench.json`'s content."""
        return to_document(self.results, self.collection, self.split, self.verdicts)

    def require_metrics(self) -> None:
        """Check that something was measured and nothing failed.

        Raises:
            EngineError: A row failed, or all of them were skipped.
        """
        rows = [(row.case.title, row.status, row.reason) for row in self.results.rows]
        rows += [(row.title, row.outcome.status, row.outcome.reason) for row in self.results.devices]
        failed = [row for row in rows if row[1] == FAILED]
        if failed or not any(status == MEASURED for _, status, _ in rows):
            reasons = "; ".join(f"{title} {status}: {reason}" for title, status, reason in failed or rows)
            problem = f"{len(failed)} of {len(rows)} rows failed" if failed else "nothing could be measured"
            raise EngineError(problem, received=reasons)

    def require_exact_devices(self) -> None:
        """Check that every device gave the reference's bytes.

        Raises:
            ProofError: One of them did not.
        """
        wrong = [
            f"{row.title}: {row.metrics.wrong_bytes} bytes and {row.metrics.wrong_labels} labels differ,"
            f" self-test {row.metrics.self_test}"
            for row in self.results.devices
            if row.metrics is not None and not row.metrics.exact
        ]
        if wrong:
            raise ProofError("the model in C is not exact", received="; ".join(wrong))


def measured_reference(collection: Collection) -> Reference | None:
    """Return the outputs of Keras in this benchmark, if it was measured."""
    for one in collection.measurements:
        if one.case.engine == KERAS and one.status == MEASURED:
            return Reference(one.case.name, one.case.sha256, one.outputs)
    return None


def run_benchmark(
    cases: Sequence[Case],
    split: Split,
    plan: Plan,
    folder: Path,
    *,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    command: tuple[str, ...] = WORKER,
    devices: Sequence[Device] = (),
    models: Sequence[CModel] = (),
    on_device: Callable[[str], None] = lambda _title: None,
    signature: ModelSignature | None = None,
    notes: tuple[str, ...] = (),
) -> Benchmark:
    """Measure cases and compute their metrics.

    A `reference.npz` may lie in `folder`; `on_device` is called with a device's title when it is done;
    `signature` and `notes` are as `compute` has them.

    Raises:
        ArtifactError: A model in C has no TFLite file beside it that it was made of.
        MissingExtraError: LiteRT is not installed, with which the models in C are compared.
        ManifestError: The folder's manifest is damaged.
        IntegrityError: The folder's reference is not the one that its manifest records, or an export
            replaced files while they were measured.
    """
    folders = {
        folder,
        *(case.path.parent for case in cases),
        *(model.source.parent for model in models),
    }
    before = {each: state_of(each) for each in folders}
    stored = stored_reference(folder, split)
    created = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    collection = collect(cases, split, plan, on_progress=on_progress, command=command)
    reference = stored or measured_reference(collection)
    on_devices = device_rows(collect_devices(models, devices, split, on_progress=on_device), split)
    changed = [str(each) for each, state in before.items() if state_of(each) != state]
    if changed:
        raise IntegrityError(
            f"an export replaced files in {', '.join(changed)} while they were measured",
            fix="Nothing was written; measure again when no export is running there.",
        )
    results = compute(
        collection,
        split,
        plan,
        describe_machine(),
        reference=reference,
        created=created,
        signature=signature,
        notes=notes,
        devices=on_devices,
    )
    return Benchmark(results, verdicts(results), collection, split, reference)
