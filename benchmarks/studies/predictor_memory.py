"""Whether a predictor's process grows over a million calls.

`python -m edgemnist.benchmarks.studies.predictor_memory [--artifacts DIR] [--calls N]`

Each artifact is called in a process of its own: images one by one, with the labels and confidences read, and
a small batch now and then, since a change of the batch size makes engines allocate anew.
"""

import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import typer

from ...data.datasets import load_test_split
from ...runtime import load_predictor
from ..worker.process_status import resident_bytes
from .program import run_study

_REPORTS = 5
_BATCH_EVERY = 10_000
_BATCH_SIZE = 32
_WARM_UP = 20_000


def call_often(path: Path, calls: int) -> None:
    """Call a predictor and print the resident memory as it goes."""
    images = load_test_split().images
    predictor = load_predictor(path)

    def run(count: int) -> None:
        for number, image in enumerate(islice(cycle(images), count)):
            taken = images[:_BATCH_SIZE] if number % _BATCH_EVERY == 0 else image
            predictions = predictor.predict(taken)
            predictions.indices, predictions.confidences  # noqa: B018 - read, as a caller would

    run(_WARM_UP)
    start = _resident_kb()
    for report in range(1, _REPORTS + 1):
        run(calls // _REPORTS)
        done, now = calls * report // _REPORTS, _resident_kb()
        print(f"{path.name:22} {done:>9,} calls  {now:>8,} kB  {now - start:+6,} kB", flush=True)


def _resident_kb() -> int:
    resident = resident_bytes()
    if resident is None:
        raise SystemExit("this study reads /proc, which this system does not have")
    return resident // 1024


def main(
    artifacts: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the artifacts.")] = Path(
        "artifacts"
    ),
    calls: Annotated[int, typer.Option(min=_REPORTS, help="Calls of each artifact.")] = 1_000_000,
    only: Annotated[Path | None, typer.Option(metavar="FILE", help="This file, in this process.")] = None,
) -> None:
    """Call every artifact of a folder many times, and print how much memory its process holds."""
    if only is not None:
        call_often(only, calls)
        return
    for path in sorted(path for path in artifacts.iterdir() if path.suffix in (".onnx", ".tflite")):
        command = [sys.executable, "-P", "-m", __spec__.name, "--only", str(path), "--calls", str(calls)]
        subprocess.run(command, check=True)  # noqa: S603 - this module


if __name__ == "__main__":
    run_study(main)
