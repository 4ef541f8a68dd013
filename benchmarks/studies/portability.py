"""Whether the model in C gives LiteRT's bytes wherever C99 is compiled, and what it takes there.

`python -m edgemnist.benchmarks.studies.portability [--artifacts DIR] [--output FILE.md]`

Compiles for this machine with gcc and clang, from no optimization to all of it, and with sanitizers; and
for every emulated device of `edgemnist.benchmarks.emulation.boards`. Runs all 10,000 test images on each and
compares every byte of the outputs. Prints the table in Markdown. Exits 3 unless all are exact,
nothing was skipped, and the model keeps within its goals on Cortex-M4.
"""

import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from ...data.datasets import load_test_split
from ...export.codegen.regenerate import regenerate
from ...runtime.files import write_text
from ..emulation.boards import DEVICES, Device
from ..emulation.collect import DeviceRow, collect_devices, device_rows
from ..emulation.model import c_models, proven_copies
from ..report.markdown import device_lines
from . import Artifacts, run_study

GOAL_DEVICE, MAX_FLASH_BYTES, MAX_RAM_BYTES = "cortex-m4", 106_000, 1_500
_COMPILERS = ("gcc", "clang")
_OPTIMIZATIONS = (("-O0",), ("-O2",), ("-O3", "-march=native"))
_SANITIZERS = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


def host_builds() -> tuple[Device, ...]:
    """Return this machine as a device, once for each way to compile for it."""
    ways = [(" ".join(flags), flags) for flags in _OPTIMIZATIONS] + [("with sanitizers", _SANITIZERS)]
    return tuple(
        Device(f"host-{compiler}-{number}", f"this machine, {compiler} {title}", compiler, "", flags)
        for compiler in _COMPILERS
        for number, (title, flags) in enumerate(ways)
    )


def shortcomings(rows: tuple[DeviceRow, ...]) -> list[str]:
    """Return a sentence for each device that is not exact, was not measured, or takes too much."""
    found = []
    for row in rows:
        outcome, metrics = row.outcome, row.metrics
        taken = metrics.footprint if metrics and outcome.device.name == GOAL_DEVICE else None
        if metrics is None:
            found.append(f"{row.title} was {outcome.status}: {outcome.reason}")
        elif not metrics.exact:
            found.append(
                f"{row.title} is not exact: {metrics.wrong_bytes} bytes and {metrics.wrong_labels} labels"
                f" differ, the self-test ends with {metrics.self_test}"
            )
        elif taken and (taken.flash_bytes > MAX_FLASH_BYTES or taken.ram_bytes > MAX_RAM_BYTES):
            figures = f"{taken.flash_bytes} bytes of flash and {taken.ram_bytes} of RAM"
            found.append(f"{row.title} takes {figures}, more than {MAX_FLASH_BYTES} and {MAX_RAM_BYTES}")
    return found


def main(
    artifacts: Artifacts = Path("artifacts"),
    output: Annotated[Path | None, typer.Option(help="A file for the table, too.")] = None,
) -> None:
    """Run the model in C everywhere, print the table, exit 3 if anything is wrong."""
    split = load_test_split()
    began = perf_counter()

    def progress(title: str) -> None:
        print(f"{perf_counter() - began:5.0f} s  {title}", file=sys.stderr, flush=True)

    devices = (*DEVICES.values(), *host_builds())
    with proven_copies(c_models([artifacts]), regenerate) as models:
        rows = device_rows(collect_devices(models, devices, split, on_progress=progress), split)
    lines = [*device_lines(rows), "", f"{len(split):,} images each, {perf_counter() - began:.0f} s in all."]
    text = "\n".join(lines).strip() + "\n"
    print(text)
    if output is not None:
        write_text(output, text)
    wrong = shortcomings(rows)
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    raise typer.Exit(3 if wrong else 0)


if __name__ == "__main__":
    run_study(main)
