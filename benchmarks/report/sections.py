"""What the report says, described once: its sections, and which of them each form shows in which order.

A section is a title and blocks; `terminal`, `markdown` and `html` each write every block that they can show.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ..analysis.results import Results
from ..emulation.boards import Device
from ..emulation.collect import DeviceRow, DeviceRun
from ..runner.benchmark import Benchmark
from .blocks import Items, Note, Pairs, Row, Section, Table
from .columns import DETAILS, DEVICES, Column, batch_columns, known_columns, legend, main_columns
from .units import duration

Describe = Callable[[Benchmark], Iterator[Section]]


def describe(benchmark: Benchmark, layout: Iterable[Describe]) -> list[Section]:
    """Return the sections of a layout, without those that have nothing to show."""
    return [section for describe_one in layout for section in describe_one(benchmark)]


def _tabled(title: str, columns: Callable[[Results], tuple[Column, ...]]) -> Describe:
    return lambda benchmark: _table(title, benchmark.results, columns(benchmark.results))


def _explained(columns: Callable[[Results], tuple[Column, ...]]) -> Describe:
    """Return what describes columns, where there are rows."""

    def describe_one(benchmark: Benchmark) -> Iterator[Section]:
        if benchmark.results.rows:
            yield Section("", (Note(legend(columns(benchmark.results))),))

    return describe_one


results = _tabled("Answers and latency", main_columns)
details = _tabled("Start, memory and spread", lambda _results: DETAILS)
legend_of_all = _explained(lambda found: (*main_columns(found), *DETAILS))
legend_of_results = _explained(main_columns)


def throughput(benchmark: Benchmark) -> Iterator[Section]:
    """Describe the throughput in batches."""
    found = benchmark.results
    yield from _table(f"{found.noun.capitalize()} per second", found, batch_columns(found))


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


def tools(benchmark: Benchmark) -> Iterator[Section]:
    """Describe what compiled the models in C and emulated the devices."""
    yield from device_tools(benchmark.results.devices)


def device_sections(rows: Sequence[DeviceRow]) -> Iterator[Section]:
    """Describe what the models in C did on emulated devices, from their rows alone."""
    if not rows:
        return
    several, columns = len({row.outcome.model for row in rows}) > 1, known_columns(DEVICES, rows)
    shown = []
    for row in rows:
        outcome, cells = row.outcome, tuple(column.text(row) for column in columns) if row.metrics else ()
        names = (outcome.model.source.name, outcome.device.title)
        short = f"{names[0]} {outcome.device.name}" if several else outcome.device.name
        shown.append(Row(names, short, cells, outcome.status, outcome.reason))
    table = Table(("model", "target"), columns, tuple(shown), "target")
    notes = (Note(legend(columns)),) if any(row.metrics for row in rows) else ()
    title = "On emulated devices"
    terminal_title = title if several else f"{rows[0].outcome.model.source.name} on emulated devices"
    yield Section(title, (table, *notes), terminal_title=terminal_title)


def device_tools(rows: Sequence[DeviceRow]) -> Iterator[Section]:
    """Describe what compiled and emulated: each once, with the options that choose a processor."""
    tools = dict.fromkeys(_tools(row.outcome.device, row.outcome.run) for row in rows if row.outcome.run)
    if tools:
        yield Section("", (Items(tuple(("", line) for line in tools), quiet=True),))


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
    spread = " to ".join(map(str, dict.fromkeys((rounds[0], rounds[-1]))))
    where, clock = "not pinned", ""
    if measured:
        if cpus := measured[0].cpus:
            where = f"pinned to CPU {', '.join(map(str, cpus))}"
        clock = (
            f" The clock steps by {max(one.clock_resolution_ns for one in measured)} ns; an empty call costs"
            f" {duration(max(one.empty_call_ns for one in measured))}, which every latency contains."
        )
    return (
        "p50, p90 and p99 are of one input end to end, from raw values to Python objects (the class's name"
        f" and its confidence, or an array of values), back to back: {spread} fresh processes a row in"
        f" shuffled order, {plan.num_runs:,} calls a row or more, {plan.warmup_runs} warm-ups in each"
        f" process, {plan.num_threads} thread(s), {where}, {found.images:,} {found.noun} of {found.data} in"
        f" changing order.{clock} Measured in {found.elapsed_secs:.0f} s on {machine.cpu}, {machine.cores}"
        f" core(s), {machine.system}, {machine.python}."
    )
