"""Metrics as texts, in the units a reader expects, the same in every form of report."""

from ..analysis.metrics import Metrics, ResultRow
from ..analysis.results import Results
from .columns import ABSENT, Column
from .units import difference, duration, percent, rate, size

RowColumn = Column[ResultRow, Metrics, Results]
COLUMNS: tuple[RowColumn, ...] = (
    Column("size", lambda row, _f, _r: size(row.case.size_bytes)),
    Column(
        "accuracy", lambda _, f, _r: percent(f.accuracy.accuracy), "share of test images with the right label"
    ),
    Column(
        "agreement",
        lambda _, f, _r: percent(f.parity.agreement) if f.parity else ABSENT,
        "share of test images with the same label as Keras",
    ),
    Column(
        "max |Δp|",
        lambda _, f, _r: difference(f.parity.max_abs_difference) if f.parity else ABSENT,
        "largest absolute difference of a probability from Keras's",
    ),
    Column(
        "p50",
        lambda _, f, _r: duration(f.end_to_end.p50_ns),
        "one image, from raw pixels until label and confidence are read",
    ),
    Column("p90", lambda _, f, _r: duration(f.end_to_end.p90_ns)),
    Column("p99", lambda _, f, _r: duration(f.end_to_end.p99_ns)),
    Column(
        "bare", lambda _, f, _r: duration(f.bare.p50_ns), "p50 of the engine's call alone, its input ready"
    ),
    Column(
        "paused", lambda _, f, _r: duration(f.paused.p50_ns), "p50 after a pause of 1 ms before each call"
    ),
    Column(
        "images/s",
        lambda _, f, r: rate(f.images_per_sec(r.images)),
        "throughput with the whole test set as one batch",
    ),
    Column("load", lambda _, f, _r: duration(f.load_ns), "loading the model file"),
)
DETAILS: tuple[RowColumn, ...] = (
    Column("start", lambda _, f, _r: duration(f.start_ns), "starting a Python process"),
    Column("import", lambda _, f, _r: duration(f.import_ns), "importing numpy, the runtime and the engine"),
    Column("first", lambda _, f, _r: duration(f.first_ns), "the first inference"),
    Column("min", lambda _, f, _r: duration(f.end_to_end.min_ns)),
    Column("mean", lambda _, f, _r: duration(f.end_to_end.mean_ns)),
    Column("max", lambda _, f, _r: duration(f.end_to_end.max_ns)),
    Column("calls", lambda _, f, _r: f"{f.end_to_end.calls:,}"),
    Column("memory", lambda _, f, _r: size(f.memory.loaded_bytes) if f.memory else ABSENT, "growth on load"),
    Column(
        "peak", lambda _, f, _r: size(f.memory.peak_bytes) if f.memory else ABSENT, "with Python and images"
    ),
)
P50_INTERVAL: RowColumn = Column("p50, 95 % interval", lambda row, _f, _r: _interval(row))


def batch_columns(results: Results) -> tuple[RowColumn, ...]:
    """Return a column of throughput for each batch size that was measured."""
    sizes = {one.batch_size for row in results.rows if row.metrics for one in row.metrics.throughput}
    return tuple(_batch_column(batch_size) for batch_size in sorted(sizes))


def cells(
    row: ResultRow, results: Results, columns: tuple[RowColumn, ...] = COLUMNS
) -> tuple[str, ...] | None:
    """Return a row's texts, one for each column; None where it has no figures."""
    figures = row.metrics
    return None if figures is None else tuple(column.text(row, figures, results) for column in columns)


def outcome(row: ResultRow) -> str:
    """Return what stands in place of the figures of a row that has none."""
    return f"{row.status}: {row.reason}"


def _interval(row: ResultRow) -> str:
    """Return the interval of a row's p50, such as `27.1 to 28.0 µs`, or "-"."""
    limits = row.metrics and row.metrics.end_to_end.p50_interval_ns
    return f"{duration(limits[0])} to {duration(limits[1])}" if limits else ABSENT


def method(results: Results) -> str:
    """Return how the figures came about, in one paragraph."""
    plan, machine = results.plan, results.machine
    measured = [row.metrics for row in results.rows if row.metrics]
    rounds = sorted({len(figures.end_to_end.round_p50_ns) for figures in measured}) or [0]
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
        f" process, {plan.num_threads} thread(s), {where}, {results.images:,} real test images in changing"
        f" order.{clock} Measured in {results.elapsed_secs:.0f} s on {machine.cpu}, {machine.cores} core(s),"
        f" {machine.system}, {machine.python}."
    )


def _batch_column(batch_size: int) -> RowColumn:
    return Column(f"batch {batch_size:,}", lambda _, f, _r: rate(f.images_per_sec(batch_size)))
