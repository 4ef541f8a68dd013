"""A whole sweep: compute, choose, measure what only this machine can, and write it down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..benchmarks.emulation.boards import DEVICES, Device
from ..benchmarks.runner.plan import QUICK, Plan
from ..runtime.artifact.documents import encode
from ..runtime.errors import OptionError, unknown
from .document import SWEEP, Chosen, Row, SweepDocument, choose, limits_document, rows
from .frontier import Limits, accuracy_of
from .measures import Measured, inputs_of, measure_instructions, measure_latency, measure_memory, together
from .options import Point
from .report.page import render_if_possible
from .results import PointRecord, Results
from .run import Computed, Driver, Pool
from .space import Space
from .tpe import Score, tpe_points

Sampler = Literal["grid", "random", "tpe"]
JSON, PAGE, BEST = "sweep.json", "sweep.html", "best"
DEFAULT_TARGET = "cortex-m4"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked of a sweep beyond its file.

    Attributes:
        sampler: All points, some drawn at random, or some that Optuna chooses.
        count: How many points for the latter two.
        seed: Of either.
        limits: What the best artifact must keep.
        target: The processor that flash, RAM and instructions are for.
        latency: Whether to measure the latency of the frontier here.
        plan: How much to measure of it.
    """

    sampler: Sampler = "grid"
    count: int | None = None
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    target: str = DEFAULT_TARGET
    latency: bool = True
    plan: Plan = QUICK

    def __post_init__(self) -> None:
        if (self.count is None) != (self.sampler == "grid"):
            raise OptionError(
                "the samplers random and tpe need a number of points, and the grid has all of them",
                received=f"--sampler {self.sampler}" + (f" --points {self.count}" if self.count else ""),
                fix="Give --sampler random --points N, or neither.",
            )

    @property
    def device(self) -> Device:
        """The microcontroller; OptionError if there is none of that name."""
        device = DEVICES.get(self.target)
        if device is None or device.memory is None:
            boards = [name for name, one in DEVICES.items() if one.memory is not None]
            raise unknown("target", self.target, boards)
        return device


@dataclass(frozen=True, slots=True)
class Sweep:
    """A finished sweep.

    Attributes:
        document: The content of `sweep.json`.
        files: What was written beside it.
    """

    document: SweepDocument
    files: tuple[str, ...]

    @property
    def best(self) -> Row | None:
        """The best point within the limits."""
        return next((row for row in self.document.points if row.key == self.document.best), None)


def run_sweep(
    space: Space,
    driver: Driver,
    pool: Pool,
    results: Results,
    wishes: Wishes,
    status: Callable[[str], None] = lambda _: None,
) -> Sweep:
    """Compute the points of a space, choose the frontier, measure it, and write everything.

    Raises:
        OutputError: The results cannot be written; what was written before is kept.
        IntegrityError: A file of the results is another one by now.
        MissingExtraError: Optuna is not installed and its sampler asked for.
    """
    device = wishes.device
    points, computed = _computed(space, driver, pool, wishes)
    keyed = [(driver.key(point), point) for point in points]
    records = {key: record for key, record in computed.records.items() if not record.failures}
    status("flash and RAM")
    memory = measure_memory(records, results, device)
    chosen = choose(records, memory, wishes.limits)
    best_of = {key: records[key] for key in dict.fromkeys((*chosen.frontier, *_listed(chosen.best)))}
    instructions, latency = {}, {}
    if best_of:
        status("instructions")
        inputs = inputs_of(next(iter(best_of.values())), results, driver.context.data)
        instructions = measure_instructions(best_of, results, device, inputs)
        if wishes.latency:
            latency = measure_latency(best_of, results, inputs, wishes.plan, status)
    measured = together(records, memory, instructions, latency)
    document = SweepDocument(
        schema_version=SWEEP.version,
        dimensions={name: list(values) for name, values in space.dimensions.items()},
        target=device.name,
        code_counted=not device.missing,
        data_sha256=driver.context.data_sha256,
        versions=driver.context.versions,
        limits=limits_document(wishes.limits),
        points=rows(keyed, computed, measured, chosen),
        frontier=chosen.frontier,
        best=chosen.best,
        machine=next((one.machine for one in latency.values()), None),
        notes=_notes(device, measured),
    )
    return Sweep(document, _write(document, results, records, chosen))


def _computed(space: Space, driver: Driver, pool: Pool, wishes: Wishes) -> tuple[Sequence[Point], Computed]:
    if wishes.sampler != "tpe":
        count = wishes.count
        points = list(space.grid() if count is None else space.sample(count, wishes.seed))
        return points, driver.compute(points, pool)
    everything = Computed()
    count = min(wishes.count or 1, len(space))
    tried: set[str] = set()
    chosen: set[Point] = set()

    def compute(batch: Sequence[Point]) -> list[Score | None]:
        before, new = len(tried), [point for point in batch if driver.key(point) not in tried]
        tried.update(map(driver.key, batch))
        chosen.update(batch)
        computed = driver.compute(new, pool, before, count - len(chosen))
        everything.records.update(computed.records)
        everything.errors.update(computed.errors)
        return [_score(everything.records.get(driver.key(point))) for point in batch]

    return tpe_points(space, count, wishes.seed, compute), everything


def _score(record: PointRecord | None) -> Score | None:
    if record is None or record.size_bytes is None or record.failures:
        return None
    return accuracy_of(record.parity), float(record.size_bytes)


def _listed(key: str | None) -> tuple[str, ...]:
    return () if key is None else (key,)


def _notes(device: Device, measured: dict[str, Measured]) -> tuple[str, ...]:
    notes = dict.fromkeys(
        one.reason
        for each in measured.values()
        for one in (each.memory, each.instructions, each.latency)
        if one is not None and one.reason
    )
    if device.missing:
        notes |= {f"the code on {device.title} is not counted: {device.missing}": None}
    return tuple(notes)


def _write(
    document: SweepDocument, results: Results, records: dict[str, PointRecord], chosen: Chosen
) -> tuple[str, ...]:
    written = []
    files = {} if chosen.best is None else records[chosen.best].files
    results.replace_folder(BEST, {name: results.read_file(name, sha256) for name, sha256 in files.items()})
    if files:
        written.append(f"{BEST}/")
    page = render_if_possible(document)
    if page is not None:
        results.write(PAGE, page.encode())
        written.append(PAGE)
    text = encode(document, indent=1).encode()
    SWEEP.decode(text, Path(JSON))
    results.write(JSON, text)
    return (JSON, *written)
