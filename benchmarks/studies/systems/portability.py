"""Whether networks in C give LiteRT's bytes wherever C99 is compiled, and what they take there.

`python -m edgemnist.benchmarks.studies.systems.portability [--artifacts DIR] [--output FILE.md]`

Three networks: the dense one of the artifacts folder, a small convolutional one that is trained here for an
epoch, and somebody else's for keywords, `kws.int8.tflite`, where the environment variable EDGEMNIST_MODELS
names the folder that holds it.

Compiles for this machine with gcc and clang, from no optimization to all of it, and with sanitizers; and
for every emulated device of `edgemnist.benchmarks.emulation.boards`. Each gets all 10,000 test images, 1,000
for the convolutional network, and seeded random inputs for keywords, and every byte of the outputs is
compared. Prints the table in Markdown. Exits 3 unless all are exact, nothing was skipped, and the dense
network keeps within its goals on Cortex-M4.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import typer

from ....data.datasets import load_test_split
from ....export.codegen.proving.regenerate import regenerate
from ....runtime.files import write_text
from ...emulation.boards import DEVICES, Device
from ...emulation.collect import DeviceRow, Footprint, collect_devices, device_rows
from ...emulation.model import c_models, proven_copies
from ...report.markdown import device_lines
from .. import Artifacts, run_study

GOAL_DEVICE, MAX_FLASH_BYTES, MAX_RAM_BYTES = "cortex-m4", 106_000, 1_500
CNN, KEYWORDS = "cnn", "kws"
_SOME = 1000
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
        if metrics is None:
            found.append(f"{row.title} was {outcome.status}: {outcome.reason}")
        elif not metrics.exact:
            found.append(
                f"{row.title} is not exact: {metrics.wrong_bytes} bytes and {metrics.wrong_labels} labels"
                f" differ, the self-test ends with {metrics.self_test}"
            )
        elif (
            outcome.device.name == GOAL_DEVICE
            and outcome.model.prefix not in {CNN, KEYWORDS}
            and metrics.footprint is not None
        ):
            found += _too_much(row.title, metrics.footprint)
    return found


def _too_much(title: str, taken: Footprint) -> list[str]:
    if taken.flash_bytes <= MAX_FLASH_BYTES and taken.ram_bytes <= MAX_RAM_BYTES:
        return []
    figures = f"{taken.flash_bytes} bytes of flash and {taken.ram_bytes} of RAM"
    return [f"{title} takes {figures}, more than {MAX_FLASH_BYTES} and {MAX_RAM_BYTES}"]


def export_others(folder: Path) -> None:
    """Write C of the networks that the artifacts folder does not hold to another folder."""
    _edgemnist("train", "--network", "cnn", "--epochs", "1", "--artifacts", str(folder / "training"))
    cnn = (folder / "training" / "mnist.keras").rename(folder / f"{CNN}.keras")
    # One epoch makes no network whose labels stay the same in integers; this is about bytes.
    loose = ("--min-agreement", "0.9", "--max-accuracy-drop", "0.1", "--artifacts", str(folder))
    _edgemnist("export", "--model", str(cnn), "--format", "int8.tflite", "--format", "c", *loose)
    given = os.environ.get("EDGEMNIST_MODELS")
    if given is None:
        print("EDGEMNIST_MODELS names no folder: without the network for keywords", file=sys.stderr)
    else:
        keywords = str(Path(given, f"{KEYWORDS}.int8.tflite"))
        _edgemnist("export", "--model", keywords, "--format", "c", "--artifacts", str(folder / KEYWORDS))


def _edgemnist(*arguments: str) -> None:
    command = [sys.executable, "-m", "edgemnist", *arguments]
    subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603 - our own


def main(
    artifacts: Artifacts = Path("artifacts"),
    output: Annotated[Path | None, typer.Option(help="A file for the table, too.")] = None,
) -> None:
    """Run the networks in C everywhere, print the table, exit 3 if anything is wrong."""
    split = load_test_split()
    # The convolutional network takes fifteen times as long for an image.
    some = split.select(np.arange(_SOME))
    began = perf_counter()

    def progress(title: str) -> None:
        print(f"{perf_counter() - began:5.0f} s  {title}", file=sys.stderr, flush=True)

    devices = (*DEVICES.values(), *host_builds())
    with tempfile.TemporaryDirectory(prefix="edgemnist-portability-") as name:
        folder = Path(name)
        export_others(folder)
        folders = [artifacts, folder, *(path for path in folder.iterdir() if path.name == KEYWORDS)]
        with proven_copies(c_models(folders), regenerate) as models:
            rows: tuple[DeviceRow, ...] = ()
            for part, of_others in ((split, False), (some, True)):
                those = [model for model in models if (model.prefix in {CNN, KEYWORDS}) == of_others]
                rows += device_rows(collect_devices(those, devices, part, on_progress=progress), part)
    taken = (
        f"{len(split):,} images for the dense network, {len(some):,} for the convolutional one, 20 random"
        f" inputs for keywords; {perf_counter() - began:.0f} s in all."
    )
    lines = [*device_lines(rows), "", taken]
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
