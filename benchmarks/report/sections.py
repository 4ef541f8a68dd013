"""What the report says, described once: its sections, and which of them each form shows in which order.

A section is a title and blocks; `terminal`, `markdown` and `html` each write every block that they can show.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..analysis.results import Results
from ..emulation.boards import Device
from ..emulation.collect import DeviceRun
from ..emulation.metrics import DeviceRow
from ..runner.benchmark import Benchmark
from .columns import DETAILS, DEVICES, Column, batch_columns, legend, main_columns
from .units import duration


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: names and cells, or why there are no cells.

    Attributes:
        names: The model's file, and its engine or target.
        short: What a terminal calls it.
        cells: One for each column; none where nothing was measured.
        status: "measured", "skipped" or "failed".
        reason: Why it was skipped or how it failed, else "".
    """

    names: tuple[str, str]
    short: str
    cells: tuple[str, ...]
    status: str
    reason: str

    @property
    def outcome(self) -> str:
        """What stands in place of the cells where there are none."""
        return f"{self.status}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the headings of `Row.names`, columns, rows, and the heading of `Row.short`."""

    headings: tuple[str, str]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    terminal_heading: str
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Items:
    """A list; each item is a text, after the name of what it is about or ""."""

    items: tuple[tuple[str, str], ...]
    quiet: bool = False
    kind: str = "items"


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph, quiet where it only explains what stands above it."""

    text: str
    quiet: bool = True
    kind: str = "note"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and values under two headings; values may be code."""

    headings: tuple[str, str]
    pairs: tuple[tuple[str, str], ...]
    code: bool = False
    kind: str = "pairs"


Block = Table | Items | Note | Pairs


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report.

    Attributes:
        title: Its heading; none where it belongs to the section before it.
        blocks: What it shows, in order: those above, and in the page those of `page_sections`.
        warns: Whether it is set apart as a warning.
        terminal_title: What a terminal heads it with, where that differs.
    """

    title: str
    blocks: tuple[Any, ...]
    warns: bool = False
    terminal_title: str | None = None


Describe = Callable[[Benchmark], Iterator[Section]]


def describe(benchmark: Benchmark, layout: Iterable[Describe]) -> list[Section]:
    """Return the sections of a layout, without those that have nothing to show."""
    return [section for describe_one in layout for section in describe_one(benchmark)]


def results(benchmark: Benchmark) -> Iterator[Section]:
    """Describe the main table."""
    yield from _table("Answers and latency", benchmark.results, main_columns(benchmark.results))


def details(benchmark: Benchmark) -> Iterator[Section]:
    """Describe what the main table has no room for."""
    yield from _table("Start, memory and spread", benchmark.results, DETAILS)


def throughput(benchmark: Benchmark) -> Iterator[Section]:
    """Describe images per second by batch size."""
    yield from _table("Images per second", benchmark.results, batch_columns(benchmark.results))


def legend_of_all(benchmark: Benchmark) -> Iterator[Section]:
    """Explain the columns of the main table and of the details."""
    if benchmark.results.rows:
        yield Section("", (Note(legend((*main_columns(benchmark.results), *DETAILS))),))


def legend_of_results(benchmark: Benchmark) -> Iterator[Section]:
    """Explain the columns of the main table."""
    if benchmark.results.rows:
        yield Section("", (Note(legend(main_columns(benchmark.results))),))


def verdicts(benchmark: Benchmark) -> Iterator[Section]:
    """Describe how the rows compare."""
    yield from _items("What it means", (("", verdict) for verdict in benchmark.verdicts))


def warnings(benchmark: Benchmark) -> Iterator[Section]:
    """Describe what may be wrong with the measurement."""
    found = ((warning.case, warning.text) for warning in benchmark.results.warnings)
    yield from _items("Reasons to distrust it", found, warns=True)


def missing(benchmark: Benchmark) -> Iterator[Section]:
    """Describe which metrics there are not, and why."""
    yield from _items("Missing", (("", note) for note in benchmark.results.notes), warns=True)


def devices(benchmark: Benchmark) -> Iterator[Section]:
    """Describe what the models in C did on emulated devices."""
    yield from device_sections(benchmark.results.devices)


def device_sections(rows: Sequence[DeviceRow]) -> Iterator[Section]:
    """Describe what the models in C did on emulated devices, from their rows alone."""
    if not rows:
        return
    several = len({row.outcome.model for row in rows}) > 1
    table = Table(("model", "target"), DEVICES, tuple(_device_row(row, several) for row in rows), "target")
    notes = (Note(legend(DEVICES)),) if any(row.metrics for row in rows) else ()
    title = "On emulated devices"
    terminal_title = title if several else f"{rows[0].outcome.model.source.name} on emulated devices"
    yield Section(title, (table, *notes), terminal_title=terminal_title)


def device_tools(rows: Sequence[DeviceRow]) -> Iterator[Section]:
    """Describe what compiled and emulated: each once, with the options that choose a processor."""
    tools = dict.fromkeys(_tools(row.outcome.device, row.outcome.run) for row in rows if row.outcome.run)
    if tools:
        yield Section("", (Items(tuple(("", line) for line in tools), quiet=True),))


def tools(benchmark: Benchmark) -> Iterator[Section]:
    """Describe what compiled the models in C and emulated the devices."""
    yield from device_tools(benchmark.results.devices)


def method(benchmark: Benchmark) -> Iterator[Section]:
    """Describe how the metrics were measured."""
    if benchmark.results.rows:
        yield Section("Method", (Note(_how_measured(benchmark.results), quiet=False),))


def files(benchmark: Benchmark) -> Iterator[Section]:
    """Describe which files and packages were measured."""
    found = benchmark.results
    hashes = {row.case.name: row.case.sha256 for row in found.rows}
    hashes |= {row.outcome.model.source.name: row.outcome.model.sha256 for row in found.devices}
    yield Section(
        "Files and versions",
        (
            Pairs(("file", "sha256"), tuple(hashes.items()), code=True),
            Pairs(("package", "version"), tuple(found.machine.versions.items())),
        ),
    )


def untitled(described: Describe) -> Describe:
    """Return the same sections without their titles."""
    return lambda benchmark: (replace(section, title="") for section in described(benchmark))


TERMINAL: tuple[Describe, ...] = (
    *(untitled(results), devices, verdicts, warnings, missing),
    *(untitled(method), legend_of_results),
)
MARKDOWN: tuple[Describe, ...] = (
    *(untitled(results), verdicts, devices, tools, warnings, missing),
    *(details, throughput, method, legend_of_all, files),
)


def _table(title: str, found: Results, columns: tuple[Column, ...]) -> Iterator[Section]:
    names = [row.case.name for row in found.rows]
    several = len(set(names)) < len(names)  # rows that only the engine tells apart
    rows = tuple(
        Row(
            names=(row.case.name, row.case.engine),
            short=row.case.title if several or not row.metrics else row.case.name,
            cells=tuple(column.text(row) for column in columns) if row.metrics else (),
            status=row.status,
            reason=row.reason,
        )
        for row in found.rows
    )
    if rows and columns:
        yield Section(title, (Table(("model", "engine"), columns, rows, "model"),))


def _device_row(row: DeviceRow, several: bool) -> Row:
    outcome = row.outcome
    name = outcome.model.source.name
    return Row(
        names=(name, outcome.device.title),
        short=f"{name} {outcome.device.name}" if several else outcome.device.name,
        cells=tuple(column.text(row) for column in DEVICES) if row.metrics else (),
        status=outcome.status,
        reason=outcome.reason,
    )


def _tools(device: Device, run: DeviceRun) -> str:
    emulator = f"; {' '.join(device.emulator)}: {run.emulator}" if run.emulator else ""
    return f"{device.title}: {' '.join((device.compiler, *device.flags))}: {run.compiler}{emulator}"


def _items(title: str, items: Iterable[tuple[str, str]], *, warns: bool = False) -> Iterator[Section]:
    if found := tuple(items):
        yield Section(title, (Items(found),), warns)


def _how_measured(found: Results) -> str:
    plan, machine = found.plan, found.machine
    measured = [row.metrics for row in found.rows if row.metrics]
    rounds = sorted({len(metrics.end_to_end.round_p50_ns) for metrics in measured}) or [0]
    spread = f"{rounds[0]}" if rounds[0] == rounds[-1] else f"{rounds[0]} to {rounds[-1]}"
    cpus = measured[0].cpus if measured else None
    where = f"pinned to CPU {', '.join(map(str, cpus))}" if cpus else "not pinned"
    clock = (
        f" The clock steps by {max(one.clock_resolution_ns for one in measured)} ns; an empty call costs"
        f" {duration(max(one.empty_call_ns for one in measured))}, which every latency contains."
        if measured
        else ""
    )
    return (
        f"p50, p90 and p99 are of one image end to end, back to back: {spread} fresh processes a row in"
        f" shuffled order, {plan.num_runs:,} calls a row or more, {plan.warmup_runs} warm-ups in each"
        f" process, {plan.num_threads} thread(s), {where}, {found.images:,} real test images in changing"
        f" order.{clock} Measured in {found.elapsed_secs:.0f} s on {machine.cpu}, {machine.cores} core(s),"
        f" {machine.system}, {machine.python}."
    )
