"""What `Predictor.predict` costs over the bare engine, for one image and for a batch.

`python -m edgemnist.benchmarks.studies.predictor_overhead [--artifacts DIR] [--rounds N]`

The bare call is `InferenceSession.run`, or LiteRT's `set_tensor`, `invoke` and `get_tensor`, on an input that
was prepared beforehand. Both load the same file. Blocks of calls of each way take turns, so that a machine
whose speed changes favours none, and each round loads all anew, in another order, since where the weights lie
in memory makes a difference of its own.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ...data.datasets import load_test_split
from ...runtime import load_predictor
from ..runner.machine import describe_machine
from ..worker.timing import Effort, time_calls
from .bare import bare_call
from .program import run_study

_Call = Callable[[Any], object]
_SINGLE_BLOCKS = (25, 200)  # blocks, calls in each
_BATCH_BLOCKS = (9, 1)
_BARE = "bare engine"


@dataclass(frozen=True, slots=True)
class Overhead:
    """One way of calling, compared with the bare engine.

    Attributes:
        artifact: The file's name.
        images: Images in each call.
        way: What was called.
        p50_ns: Median of the calls of all rounds.
        bare_p50_ns: The same of the bare engine.
        ratio: The median of the rounds' ratios of medians.
        ratios: Each round's, in order.
    """

    artifact: str
    images: int
    way: str
    p50_ns: float
    bare_p50_ns: float
    ratio: float
    ratios: tuple[float, ...]


def measure(path: Path, images: NDArray[np.uint8], batch_size: int, rounds: int) -> tuple[Overhead, ...]:
    """Measure all ways of predicting `batch_size` of the images in one call."""
    medians: dict[str, list[float]] = {}
    for seed in range(rounds):
        for way, median in _round(path, images, batch_size, Random(seed)).items():  # noqa: S311
            medians.setdefault(way, []).append(median)
    bare = medians.pop(_BARE)
    return tuple(
        Overhead(
            artifact=path.name,
            images=batch_size,
            way=way,
            p50_ns=float(np.median(mine)),
            bare_p50_ns=float(np.median(bare)),
            ratio=float(np.median(np.array(mine) / bare)),
            ratios=tuple(round(one / other, 4) for one, other in zip(mine, bare, strict=True)),
        )
        for way, mine in medians.items()
    )


def _round(path: Path, images: NDArray[np.uint8], batch_size: int, random: Random) -> dict[str, float]:
    """Return each way's median latency in nanoseconds."""
    blocks, calls_per_block = _SINGLE_BLOCKS if batch_size == 1 else _BATCH_BLOCKS
    loaders: list[Callable[[], Sequence[tuple[str, _Call]]]] = [
        lambda: [(_BARE, bare_call(path, batch_size))],
        lambda: _predictor_ways(path),
    ]
    random.shuffle(loaders)
    ways = [way for load in loaders for way in load()]
    taken = [images[i] for i in range(calls_per_block)] if batch_size == 1 else [images[:batch_size]]
    prepared = [image[None] for image in taken] if batch_size == 1 else taken
    samples: dict[str, list[NDArray[np.int64]]] = {way: [] for way, _ in ways}
    effort = Effort(calls_per_block, 0, calls_per_block)
    for block in range(blocks + 1):
        random.shuffle(ways)
        for way, call in ways:
            call(prepared[0])  # what the other ways pushed out of the caches comes back before the clock runs
            measured = time_calls(call, prepared if way == _BARE else taken, effort)
            if block:  # the first is the warm-up
                samples[way].append(measured)
    return {way: float(np.median(np.concatenate(parts))) for way, parts in samples.items()}


def _predictor_ways(path: Path) -> list[tuple[str, _Call]]:
    predictor = load_predictor(path)

    def predict_and_read(images: NDArray[np.uint8]) -> object:
        predictions = predictor.predict(images)
        return predictions.indices, predictions.confidences

    return [("predict", predictor.predict), ("predict, labels, confidences", predict_and_read)]


def main(
    artifacts: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the artifacts.")] = Path(
        "artifacts"
    ),
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is loaded anew.")] = 7,
    batch_size: Annotated[int, typer.Option(min=2, help="Images in the batch.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure every artifact of a folder that ONNX Runtime or LiteRT runs, against the bare engine."""
    images = load_test_split().images
    paths = sorted(path for path in artifacts.iterdir() if path.suffix in (".onnx", ".tflite"))
    results = [
        result for path in paths for size in (1, batch_size) for result in measure(path, images, size, rounds)
    ]
    if as_json:
        document = {"machine": asdict(describe_machine()), "results": [asdict(one) for one in results]}
        print(json.dumps(document, indent=2))
        return
    print(f"{'artifact':22} {'images':>6} {'way':29} {'bare p50':>11} {'p50':>11} {'ratio':>6}  rounds")
    for one in results:
        print(
            f"{one.artifact:22} {one.images:>6} {one.way:29} {one.bare_p50_ns / 1000:>8.1f} us"
            f" {one.p50_ns / 1000:>8.1f} us {one.ratio:>6.3f}  {min(one.ratios):.3f}..{max(one.ratios):.3f}"
        )


if __name__ == "__main__":
    run_study(main)
