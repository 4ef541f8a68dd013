"""How fast a batch is on one thread and on several, through `predict`, until its labels are read.

`python -m edgemnist.benchmarks.studies.speed.batches [--artifacts DIR] [--threads N] [--rounds N]`

The model in C and ONNX Runtime's int8 take turns within a round, and a ratio is the median of the rounds'
ratios. Needs `edgemnist export --int8 --format int8.c --compile`, `int8.onnx` beside it, and a core for each
thread that nobody else uses.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Annotated

import numpy as np
import typer

from ....data.datasets import load_test_split
from ....runtime import Predictions, Predictor, load_predictor
from .. import Artifacts, run_study, take_turns

_FILES = {"C": "mnist.int8.c", "ONNX Runtime int8": "mnist.int8.onnx"}
_READ: dict[str, Callable[[Predictions], object]] = {
    "predict": len,
    "until all labels are read": lambda predictions: predictions.labels,
    "until every prediction's label is read": lambda predictions: [one.label for one in predictions],
}


def main(
    artifacts: Artifacts = Path("artifacts"),
    threads: Annotated[int, typer.Option(min=2, help="Threads that are compared with one.")] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of everything in turn.")] = 40,
    images: Annotated[int, typer.Option(min=2, help="Images in the batch.")] = 10_000,
) -> None:
    """Measure batches."""
    pixels = load_test_split().array
    batch = np.resize(pixels, (images, *pixels.shape[1:]))
    ways = {
        (name, number): load_predictor(artifacts / file, num_threads=number)
        for name, file in _FILES.items()
        for number in (1, threads)
    }
    for what, read in _READ.items():
        calls = {
            f"{name}, {number}": partial(_time, way, batch, read) for (name, number), way in ways.items()
        }
        take_turns(calls, 3)  # warm-up
        found = take_turns(calls, rounds)
        print(f"{images:,} images, {what}:")
        for name, times in found.items():
            print(f"  {name:22} {median(times) / 1e6:7.2f} ms")
        ours, theirs = f"C, {threads}", f"ONNX Runtime int8, {threads}"
        print(f"  C on {threads} threads: {_ratio(found['C, 1'], found[ours]):.2f} times as fast as on one,")
        print(f"  {_ratio(found[theirs], found[ours]):.2f} times as fast as ONNX Runtime on as many")


def _time(predictor: Predictor, batch: np.ndarray, read: Callable[[Predictions], object], _round: int) -> int:
    begin = perf_counter_ns()
    read(predictor.predict(batch))
    return perf_counter_ns() - begin


def _ratio(slow: list[int], quick: list[int]) -> float:
    return median(one / other for one, other in zip(slow, quick, strict=True))


if __name__ == "__main__":
    run_study(main)
