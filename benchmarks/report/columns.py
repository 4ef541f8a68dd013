"""The columns of the report's tables: what each shows of a row, in the units a reader expects."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.results import Results
from .units import difference, duration, of_range, percent, rate, size

ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        heading: Its heading.
        path: Where its value is in a `ResultRow` or a `DeviceRow` that has metrics.
        show: What makes a text of the value, where there is one.
        help: What the metric is, where the heading alone does not say.
        wide: Whether a terminal leaves it out for want of room.
    """

    heading: str
    path: str
    show: Callable[[Any], str]
    help: str = ""
    wide: bool = False

    def text(self, row: Any) -> str:
        """Return a row's cell."""
        value = row
        for name in self.path.split("."):
            value = None if value is None else getattr(value, name)
        return ABSENT if value is None else self.show(value)


def legend(columns: Iterable[Column]) -> str:
    """Return what the columns mean, where their headings alone do not say."""
    return "; ".join(f"{column.heading}: {column.help}" for column in columns if column.help) + "."


def _interval(limits: tuple[float, float]) -> str:
    """Return an interval of durations, such as `27.1 to 28.0 µs`."""
    return f"{duration(limits[0])} to {duration(limits[1])}"


def _bytes(count: int) -> str:
    return f"{count:,} B"


_PARITY, _BARE = "metrics.parity", "metrics.bare.p50_ns"
_FLASH = "code and constants of the model and of what it calls in the compiler's library"
_COUNTED = "for one run, the median, as the emulator counts them: they are not cycles"
_EQUAL = "whether the outputs for all inputs are those of the runtime that the C matches"
_CLASSES = (
    Column("accuracy", "metrics.accuracy.accuracy", percent, "share of test inputs with the right label"),
    Column("agreement", f"{_PARITY}.agreement", percent, "share of test inputs with the same label as Keras"),
    Column(
        *("max |Δp|", f"{_PARITY}.max_abs_difference", difference),
        "largest absolute difference of a probability from Keras's",
    ),
)
_VALUES = (
    Column("R²", "metrics.r2", "{:.4f}".format, "share of the targets' variance that the values explain"),
    Column(
        *("max error", _PARITY, lambda parity: of_range(parity.max_abs_difference, parity.output_range)),
        "largest difference of a value from Keras's, as a share of the range of Keras's values",
    ),
    Column(
        *("rms error", _PARITY, lambda parity: of_range(parity.rms_difference, parity.output_range)),
        "the root of the mean square of all differences, as the same share",
    ),
)
_LATENCY = (
    Column(
        *("p50", "metrics.end_to_end.p50_ns", duration),
        "one input, from raw values until its answer is in Python: a class's name and confidence, or values",
    ),
    Column("p90", "metrics.end_to_end.p90_ns", duration),
    Column("p99", "metrics.end_to_end.p99_ns", duration),
    Column("bare", _BARE, duration, "p50 of the engine's call alone, its input ready"),
    Column("paused", "metrics.paused.p50_ns", duration, "p50 after a pause of 1 ms before each call"),
)
DETAILS = (
    Column("p50, 95 % interval", "metrics.end_to_end.p50_interval_ns", _interval),
    Column("start", "metrics.start_ns", duration, "starting a Python process"),
    Column("import", "metrics.import_ns", duration, "importing numpy, the runtime and the engine"),
    Column("first", "metrics.first_ns", duration, "the first inference"),
    Column("min", "metrics.end_to_end.min_ns", duration),
    Column("mean", "metrics.end_to_end.mean_ns", duration),
    Column("max", "metrics.end_to_end.max_ns", duration),
    Column("calls", "metrics.end_to_end.calls", "{:,}".format),
    Column("memory", "metrics.memory.loaded_bytes", size, "growth on load"),
    Column("peak", "metrics.memory.peak_bytes", size, "with Python and test inputs"),
)
DEVICES = (
    Column("accuracy", "metrics.accuracy", percent),
    Column("bytes", "metrics.wrong_bytes", lambda wrong: f"{wrong:,} differ" if wrong else "equal", _EQUAL),
    Column(
        "self-test",
        "metrics.self_test",
        lambda code: f"fails ({code})" if code else "passes",
        "the model's own, with its exit code where it fails",
    ),
    Column("flash", "metrics.footprint.flash_bytes", _bytes, _FLASH),
    Column(
        *("RAM", "metrics.footprint.ram_bytes", _bytes),
        "variables, stack, arena, one input and one output, all in all",
    ),
    Column("variables", "metrics.footprint.static_ram_bytes", _bytes, wide=True),
    Column("stack", "metrics.footprint.stack_bytes", _bytes, "the deepest, found by painting it"),
    Column("instructions", "metrics.instructions.median", "{:,.0f}".format, _COUNTED),
)


def main_columns(results: Results) -> tuple[Column, ...]:
    """Return the columns of the main table."""
    gives_values = results.signature is not None and results.signature.output.kind == "values"
    answers = _VALUES if gives_values else _CLASSES
    largest = max(_batch_sizes(results), default=results.images)
    whole = "with the whole test set as one batch"
    text = f"throughput {whole if largest == results.images else f'in batches of {largest:,}'}"
    return (
        Column("size", "case.size_bytes", size),
        *known_columns(answers, results.rows),
        *_LATENCY,
        _throughput(f"{results.noun}/s", largest, text),
        Column("load", "metrics.load_ns", duration, "loading the model file"),
    )


def known_columns(columns: tuple[Column, ...], rows: Sequence[Any]) -> tuple[Column, ...]:
    """Return the columns that have a value in some row; all where no row was measured."""
    measured = [row for row in rows if row.metrics is not None]
    known = (column for column in columns if any(column.text(row) != ABSENT for row in measured))
    return tuple(known) if measured else columns


def batch_columns(results: Results) -> tuple[Column, ...]:
    """Return a column of throughput for each batch size that was measured."""
    sizes = sorted(_batch_sizes(results))
    return tuple(_throughput(f"batch {batch_size:,}", batch_size) for batch_size in sizes)


def _batch_sizes(results: Results) -> set[int]:
    return {one.batch_size for row in results.rows if row.metrics for one in row.metrics.throughput}


def _throughput(heading: str, batch_size: int, text: str = "") -> Column:
    return Column(heading, "metrics", lambda metrics: rate(metrics.images_per_sec(batch_size)), text)
