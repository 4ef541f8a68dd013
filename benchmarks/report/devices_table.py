"""The figures of emulated devices, as a table."""

from collections.abc import Callable, Sequence

from ..emulation.metrics import DeviceFigures, DeviceRow, Footprint
from .columns import ABSENT, Column, legend
from .units import percent

TITLE = "On emulated devices"


def _of_footprint(count: Callable[[Footprint], int]) -> Callable[[DeviceFigures], str]:
    return lambda f: ABSENT if f.footprint is None else f"{count(f.footprint):,} B"


DeviceColumn = Column[DeviceFigures]
DEVICE_COLUMNS: tuple[DeviceColumn, ...] = (
    Column("accuracy", lambda f: ABSENT if f.accuracy is None else percent(f.accuracy)),
    Column(
        "bytes",
        lambda f: "equal" if not f.wrong_bytes else f"{f.wrong_bytes:,} differ",
        "whether the outputs for all inputs are those of the runtime that the C matches",
    ),
    Column(
        "self-test",
        lambda f: "passes" if f.self_test == 0 else f"fails ({f.self_test})",
        "the model's own, with its exit code where it fails",
    ),
    Column(
        "flash",
        _of_footprint(lambda taken: taken.flash_bytes),
        "code and constants of the model and of what it calls in the compiler's library",
    ),
    Column(
        "RAM",
        _of_footprint(lambda taken: taken.ram_bytes),
        "variables, stack, arena, one input and one output, all in all",
    ),
    Column("variables", _of_footprint(lambda taken: taken.static_ram_bytes)),
    Column(
        "stack",
        _of_footprint(lambda taken: taken.stack_bytes),
        "the deepest, found by painting it",
    ),
    Column(
        "instructions",
        lambda f: f"{f.instructions.median:,.0f}" if f.instructions else ABSENT,
        "for one run, the median, as the emulator counts them: they are not cycles",
    ),
)
SHORT_COLUMNS = tuple(
    column for column in DEVICE_COLUMNS if column.heading != "variables"
)  # fit into 80 characters
HEADINGS = ("model", "target", *(column.heading for column in DEVICE_COLUMNS))
LEGEND = legend(DEVICE_COLUMNS)


def device_cells(
    row: DeviceRow, columns: tuple[DeviceColumn, ...] = DEVICE_COLUMNS
) -> tuple[str, ...] | None:
    """Return a row's texts, one for each column; None where it has no figures."""
    figures = row.figures
    return None if figures is None else tuple(column.text(figures) for column in columns)


def device_outcome(row: DeviceRow) -> str:
    """Return what stands in place of the figures of a row that has none."""
    return f"{row.outcome.status}: {row.outcome.reason}"


def device_names(row: DeviceRow) -> tuple[str, str]:
    """Return the model's file and the device's title."""
    return row.outcome.model.source.name, row.outcome.device.title


def device_tools(rows: Sequence[DeviceRow]) -> tuple[str, ...]:
    """Return what compiled and emulated, each once, with the options that choose the processor."""
    lines: dict[str, None] = {}
    for row in rows:
        run, device = row.outcome.run, row.outcome.device
        if run is not None:
            command = " ".join((device.compiler, *device.flags))
            emulator = f"; {' '.join(device.emulator)}: {run.emulator}" if run.emulator else ""
            lines[f"{device.title}: {command}: {run.compiler}{emulator}"] = None
    return tuple(lines)
