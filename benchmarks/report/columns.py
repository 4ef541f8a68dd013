"""The columns of the report's tables: what each shows of a row, in the units a reader expects."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..analysis.results import Results
from ..emulation.metrics import DeviceRow, Footprint
from .units import difference, duration, percent, rate, size

ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        heading: Its heading.
        text: A cell's text, by its row: a `ResultRow` or a `DeviceRow` that has metrics.
        help: What the metric is, where the heading alone does not say.
        wide: Whether a terminal leaves it out for want of room.
    """

    heading: str
    text: Callable[[Any], str]
    help: str = ""
    wide: bool = False


def legend(columns: Iterable[Column]) -> str:
    """Return what the columns mean, where their headings alone do not say."""
    return "; ".join(f"{column.heading}: {column.help}" for column in columns if column.help) + "."


def _interval(row: Any) -> str:
    """Return the interval of a row's p50, such as `27.1 to 28.0 µs`, or "-"."""
    limits = row.metrics.end_to_end.p50_interval_ns
    return f"{duration(limits[0])} to {duration(limits[1])}" if limits else ABSENT


def _bytes(row: DeviceRow, count: Callable[[Footprint], int]) -> str:
    footprint = row.metrics and row.metrics.footprint
    return f"{count(footprint):,} B" if footprint else ABSENT


_ANSWERS_AND_LATENCY: tuple[Column, ...] = (
    Column("size", lambda row: size(row.case.size_bytes)),
    Column(
        "accuracy",
        lambda row: percent(row.metrics.accuracy.accuracy),
        "share of test images with the right label",
    ),
    Column(
        "agreement",
        lambda row: percent(row.metrics.parity.agreement) if row.metrics.parity else ABSENT,
        "share of test images with the same label as Keras",
    ),
    Column(
        "max |Δp|",
        lambda row: difference(row.metrics.parity.max_abs_difference) if row.metrics.parity else ABSENT,
        "largest absolute difference of a probability from Keras's",
    ),
    Column(
        "p50",
        lambda row: duration(row.metrics.end_to_end.p50_ns),
        "one image, from raw pixels until label and confidence are read",
    ),
    Column("p90", lambda row: duration(row.metrics.end_to_end.p90_ns)),
    Column("p99", lambda row: duration(row.metrics.end_to_end.p99_ns)),
    Column(
        "bare",
        lambda row: duration(row.metrics.bare.p50_ns),
        "p50 of the engine's call alone, its input ready",
    ),
    Column(
        "paused",
        lambda row: duration(row.metrics.paused.p50_ns),
        "p50 after a pause of 1 ms before each call",
    ),
)
DETAILS: tuple[Column, ...] = (
    Column("p50, 95 % interval", _interval),
    Column("start", lambda row: duration(row.metrics.start_ns), "starting a Python process"),
    Column(
        "import", lambda row: duration(row.metrics.import_ns), "importing numpy, the runtime and the engine"
    ),
    Column("first", lambda row: duration(row.metrics.first_ns), "the first inference"),
    Column("min", lambda row: duration(row.metrics.end_to_end.min_ns)),
    Column("mean", lambda row: duration(row.metrics.end_to_end.mean_ns)),
    Column("max", lambda row: duration(row.metrics.end_to_end.max_ns)),
    Column("calls", lambda row: f"{row.metrics.end_to_end.calls:,}"),
    Column(
        "memory",
        lambda row: size(row.metrics.memory.loaded_bytes) if row.metrics.memory else ABSENT,
        "growth on load",
    ),
    Column(
        "peak",
        lambda row: size(row.metrics.memory.peak_bytes) if row.metrics.memory else ABSENT,
        "with Python and images",
    ),
)
DEVICES: tuple[Column, ...] = (
    Column("accuracy", lambda row: ABSENT if row.metrics.accuracy is None else percent(row.metrics.accuracy)),
    Column(
        "bytes",
        lambda row: f"{row.metrics.wrong_bytes:,} differ" if row.metrics.wrong_bytes else "equal",
        "whether the outputs for all inputs are those of the runtime that the C matches",
    ),
    Column(
        "self-test",
        lambda row: f"fails ({row.metrics.self_test})" if row.metrics.self_test else "passes",
        "the model's own, with its exit code where it fails",
    ),
    Column(
        "flash",
        lambda row: _bytes(row, lambda footprint: footprint.flash_bytes),
        "code and constants of the model and of what it calls in the compiler's library",
    ),
    Column(
        "RAM",
        lambda row: _bytes(row, lambda footprint: footprint.ram_bytes),
        "variables, stack, arena, one input and one output, all in all",
    ),
    Column("variables", lambda row: _bytes(row, lambda footprint: footprint.static_ram_bytes), wide=True),
    Column(
        "stack",
        lambda row: _bytes(row, lambda footprint: footprint.stack_bytes),
        "the deepest, found by painting it",
    ),
    Column(
        "instructions",
        lambda row: f"{row.metrics.instructions.median:,.0f}" if row.metrics.instructions else ABSENT,
        "for one run, the median, as the emulator counts them: they are not cycles",
    ),
)


def main_columns(results: Results) -> tuple[Column, ...]:
    """Return the columns of the main table."""
    return (
        *_ANSWERS_AND_LATENCY,
        _throughput("images/s", results.images, "throughput with the whole test set as one batch"),
        Column("load", lambda row: duration(row.metrics.load_ns), "loading the model file"),
    )


def batch_columns(results: Results) -> tuple[Column, ...]:
    """Return a column of throughput for each batch size that was measured."""
    sizes = {one.batch_size for row in results.rows if row.metrics for one in row.metrics.throughput}
    return tuple(_throughput(f"batch {batch_size:,}", batch_size) for batch_size in sorted(sizes))


def _throughput(heading: str, batch_size: int, text: str = "") -> Column:
    return Column(heading, lambda row: rate(row.metrics.images_per_sec(batch_size)), text)
