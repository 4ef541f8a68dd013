"""One predictor called from many threads: whether the answers stay the same, and what a pool is worth.

`python -m edgemnist.benchmarks.studies.predictor_threads [--artifacts DIR] [--threads N] [--calls N]`

Each thread predicts the same images; every answer must be, bit for bit, what a single thread got. LiteRT's
interpreter is not safe to share, so it is also run the other way that would be right, behind a lock. Both
ways take turns.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from numpy.typing import NDArray

from ...data.datasets import load_test_split
from ...runtime import load_predictor
from .bare import bare_call
from .program import run_study

_Run = Callable[[NDArray[Any]], NDArray[Any]]
_DISTINCT = 500


def locked(path: Path, batch_size: int) -> _Run:
    """Return LiteRT behind a lock, called for one batch size."""
    call, lock = bare_call(path, batch_size), threading.Lock()

    def run(batch: NDArray[Any]) -> NDArray[Any]:
        with lock:
            return call(batch)

    return run


def seconds(run: _Run, batches: list[NDArray[Any]], threads: int, calls: int) -> tuple[float, int]:
    """Return how long `threads` threads take for `calls` calls each, and how many answers were wrong."""
    expected = [run(batch).tobytes() for batch in batches]
    wrong = [0] * threads
    barrier = threading.Barrier(threads + 1)

    def work(number: int) -> None:
        barrier.wait()
        for call in range(calls):
            position = (call + number * 7) % len(batches)  # threads are at different images at a time
            wrong[number] += run(batches[position]).tobytes() != expected[position]

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    barrier.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - start, sum(wrong)


def main(
    artifacts: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the artifacts.")] = Path(
        "artifacts"
    ),
    threads: Annotated[int, typer.Option(min=1, help="Threads that call.")] = 8,
    calls: Annotated[int, typer.Option(min=1, help="Calls of each thread, of one image each.")] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often the ways take turns.")] = 3,
) -> None:
    """Call each artifact of a folder from many threads, one image or 256 at a time."""
    images = load_test_split().images
    failed = False
    print(f"{'artifact':22} {'images':>6} {'way':12} {'threads':>7} {'images/s':>10}  wrong answers")
    for path in sorted(path for path in artifacts.iterdir() if path.suffix in (".onnx", ".tflite")):
        for size, count in ((1, calls), (256, max(1, calls // 500))):
            batches = [images[start : start + size] for start in range(0, _DISTINCT * size, size)]
            batches = [batch for batch in batches if len(batch) == size]
            ways: dict[str, _Run] = {"predictor": load_predictor(path).engine.run}
            if path.suffix == ".tflite":
                ways["with a lock"] = locked(path, size)
            for number in (1, threads):
                times: dict[str, list[float]] = {way: [] for way in ways}
                errors = dict.fromkeys(ways, 0)
                for _ in range(rounds):
                    for way, run in ways.items():
                        took, wrong = seconds(run, batches, number, count)
                        times[way].append(took)
                        errors[way] += wrong
                for way in ways:
                    rate = number * count * size / median(times[way])
                    print(f"{path.name:22} {size:>6} {way:12} {number:>7} {rate:>10,.0f}  {errors[way]}")
                failed = failed or any(errors.values())
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    run_study(main)
