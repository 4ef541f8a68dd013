"""Figures as texts, in the units a reader expects, the same in every form of report."""

from dataclasses import dataclass

from ..results import Results, Row

_NS_PER_US = 1_000.0
_NS_PER_MS = 1_000_000.0
ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the main table: its heading and whether it holds figures."""

    heading: str
    figures: bool = True


COLUMNS = (
    Column("model", figures=False),
    Column("engine", figures=False),
    Column("size"),
    Column("accuracy"),
    Column("same label as Keras"),
    Column("max abs diff"),
    Column("p50"),
    Column("p90"),
    Column("p99"),
    Column("bare p50"),
    Column("batch"),
    Column("load"),
)


def cells(row: Row) -> tuple[str, ...] | None:
    """Return a row's texts, one for each of `COLUMNS`; None where it has no figures."""
    figures = row.figures
    if figures is None:
        return None
    parity, latency = figures.parity, figures.end_to_end
    return (
        row.target.name,
        row.target.engine,
        size(row.target.size_bytes),
        percent(figures.accuracy.accuracy),
        percent(parity.agreement) if parity else ABSENT,
        difference(parity.max_abs_difference) if parity else ABSENT,
        duration(latency.p50_ns),
        duration(latency.p90_ns),
        duration(latency.p99_ns),
        duration(figures.bare.p50_ns),
        f"{rate(figures.throughput[-1].images_per_sec)}/s",
        duration(figures.load_ns),
    )


def outcome(row: Row) -> str:
    """Return what stands in place of the figures of a row that has none."""
    return f"{row.status}: {row.reason}"


def method(results: Results) -> str:
    """Return how the figures came about, in one paragraph."""
    plan, machine = results.plan, results.machine
    pinned = next((row.figures.cpus for row in results.rows if row.figures), None)
    where = f"pinned to CPU {', '.join(map(str, pinned))}" if pinned else "not pinned"
    empty = next((row.figures.empty_call_ns for row in results.rows if row.figures), 0.0)
    rounds = sorted({len(row.figures.end_to_end.round_p50_ns) for row in results.rows if row.figures})
    spread = " to ".join(str(number) for number in dict.fromkeys((rounds[0], rounds[-1]))) if rounds else "no"
    return (
        f"p50, p90, p99: predict() with one image, {plan.num_threads} thread(s), {where}; {spread} fresh "
        f"processes per row in shuffled order, at least {plan.num_runs:,} calls in all after "
        f"{plan.warmup_runs} warm-ups each, real test images in changing order. bare: the engine alone. "
        f"batch: images a second with all {results.images:,} test images in one call. Timing an empty call "
        f"costs {duration(empty)}, which every latency contains. Measured in {results.elapsed_secs:.0f} s on "
        f"{machine.cpu}, {machine.cores} core(s), {machine.system}, {machine.python}."
    )


def duration(nanoseconds: float) -> str:
    """Return a duration with the unit that suits it, such as `7.1 µs`."""
    if nanoseconds < _NS_PER_US:
        return f"{nanoseconds:.0f} ns"
    if nanoseconds < _NS_PER_MS:
        return f"{_significant(nanoseconds / _NS_PER_US)} µs"
    if nanoseconds < _NS_PER_MS * 1000:
        return f"{_significant(nanoseconds / _NS_PER_MS)} ms"
    return f"{nanoseconds / _NS_PER_MS / 1000:.2f} s"


def size(size_bytes: float) -> str:
    """Return a size in kB or MB of 1,000 and 1,000,000 bytes, as file managers show it."""
    if abs(size_bytes) < 1_000_000:  # noqa: PLR2004 - a megabyte
        return f"{size_bytes / 1000:,.1f} kB"
    return f"{size_bytes / 1_000_000:,.1f} MB"


def percent(share: float) -> str:
    """Return a share as per cent with the two digits that 10,000 images resolve."""
    return f"{100 * share:.2f} %"


def difference(value: float) -> str:
    """Return a small difference of probabilities."""
    return "0" if value == 0 else f"{value:.1e}"


def rate(per_sec: float) -> str:
    """Return a rate with three digits and a unit prefix."""
    for factor, prefix in ((1e6, "M"), (1e3, "k")):
        if per_sec >= factor:
            return f"{_significant(per_sec / factor)}{prefix}"
    return _significant(per_sec)


def _significant(value: float) -> str:
    digits = 2 if value < 10 else 1 if value < 100 else 0  # noqa: PLR2004 - three digits in all
    return f"{value:.{digits}f}"
