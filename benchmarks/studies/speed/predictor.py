"""What `Predictor.predict` costs beside the bare engine, in time, in memory, and from many threads.

`python -m edgemnist.benchmarks.studies.speed.predictor overhead|start|memory|threads [--artifacts DIR]`

The bare call is `InferenceSession.run`, or LiteRT's `set_tensor`, `invoke` and `get_tensor`, on an input that
was prepared beforehand: the quickest public way, one thread, no spinning. What is compared takes turns, so
that a machine whose speed changes favours none.
"""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ....data.datasets import load_test_split
from ....runtime import load_predictor
from ...worker.conditions import resident_bytes
from ...worker.measure import answering
from ...worker.timing import Effort, time_calls
from .. import Artifacts, run_study, take_turns
from .bare_engines import STARTS, Call, bare_call

_BARE = "bare engine"
_SINGLE_BLOCKS, _BATCH_BLOCKS = (25, 200), (9, 1)  # blocks, calls in each
_WARM_UP, _BATCH_EVERY, _BATCH_SIZE, _READINGS = 20_000, 10_000, 32, 5
_DISTINCT = 500
_START_RATIOS = (
    ("edgemnist, .onnx", "bare onnxruntime"),
    ("edgemnist, .tflite", "bare LiteRT"),
    ("Keras", "edgemnist, .onnx"),
)


def overhead(
    artifacts: Artifacts = Path("artifacts"),
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is loaded anew.")] = 7,
    batch_size: Annotated[int, typer.Option(min=2, help="Images in the batch.")] = 10_000,
) -> None:
    """Measure `predict` against the bare engine, for one image and for a batch.

    Each round loads all anew, in another order, since where the weights lie in memory makes a difference.
    """
    images = load_test_split().array
    print(f"{'artifact':22} {'images':>6} {'way':29} {'bare p50':>11} {'p50':>11} {'ratio':>6}  rounds")
    for path in _models(artifacts):
        for size in (1, batch_size):
            found = [_overhead_round(path, images, size, seed) for seed in range(rounds)]
            bare = np.array([one[_BARE] for one in found])
            for way in found[0].keys() - {_BARE}:
                ours = np.array([one[way] for one in found])
                ratios = ours / bare
                print(
                    f"{path.name:22} {size:>6} {way:29} {np.median(bare) / 1000:>8.1f} us"
                    f" {np.median(ours) / 1000:>8.1f} us {np.median(ratios):>6.3f}"
                    f"  {ratios.min():.3f}..{ratios.max():.3f}",
                    flush=True,
                )


def start(
    artifacts: Artifacts = Path("artifacts"),
    rounds: Annotated[int, typer.Option(min=1, help="Starts of each program.")] = 15,
) -> None:
    """Measure how long a fresh process takes to its first prediction.

    Each program is started once beforehand, so that files are cached and bytecode is compiled for all. CPU
    time is shown beside wall time because a busy machine leaves it comparable.
    """

    def started(code: str, file: str, _round: int) -> tuple[float, float]:
        before, began = os.times(), time.perf_counter()
        command = [sys.executable, "-c", code, str(artifacts / file)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603 - the programs above
        ended, after = time.perf_counter(), os.times()
        return 1000 * (ended - began), 1000 * (sum(after[2:4]) - sum(before[2:4]))

    programs = {name: partial(started, *program) for name, program in STARTS.items()}
    times = {name: np.array(found[1:]).T for name, found in take_turns(programs, rounds + 1).items()}
    print(f"{'program':20} {'wall p50':>10} {'wall min':>10} {'CPU p50':>10}")
    for name, (wall, cpu) in times.items():
        print(f"{name:20} {np.median(wall):>7.0f} ms {wall.min():>7.0f} ms {np.median(cpu):>7.0f} ms")
    for name, other in _START_RATIOS:
        ratios = np.median(times[name], axis=1) / np.median(times[other], axis=1)
        print(f"{name} / {other}: wall {ratios[0]:.2f}, CPU {ratios[1]:.2f}")


def memory(
    artifacts: Artifacts = Path("artifacts"),
    calls: Annotated[int, typer.Option(min=_READINGS, help="Calls of each artifact.")] = 1_000_000,
    only: Annotated[Path | None, typer.Option(metavar="FILE", help="This file, in this process.")] = None,
) -> None:
    """Call every artifact many times, each in a fresh process, and print how much memory that holds.

    A small batch now and then makes engines allocate anew.
    """
    if only is None:
        for path in _models(artifacts):
            module = [sys.executable, "-P", "-m", f"{__package__}.predictor", "memory"]
            subprocess.run([*module, "--only", str(path), "--calls", str(calls)], check=True)  # noqa: S603 - this module
        return
    images = load_test_split().array
    answer = answering(load_predictor(only))

    def call_often(count: int) -> None:
        for number, image in enumerate(islice(cycle(images), count)):
            answer(images[:_BATCH_SIZE] if number % _BATCH_EVERY == 0 else image)

    call_often(_WARM_UP)
    before = _resident_kb()
    for reading in range(1, _READINGS + 1):
        call_often(calls // _READINGS)
        done, now = calls * reading // _READINGS, _resident_kb()
        print(f"{only.name:22} {done:>9,} calls  {now:>8,} kB  {now - before:+6,} kB", flush=True)


def threads(
    artifacts: Artifacts = Path("artifacts"),
    number: Annotated[int, typer.Option("--threads", min=1, help="Threads that call.")] = 8,
    calls: Annotated[int, typer.Option(min=1, help="Calls of each thread, of one image each.")] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often the ways take turns.")] = 3,
) -> None:
    """Call each artifact from many threads; every output must be, bit for bit, what a single thread got.

    LiteRT's interpreter is not safe to share, so it is also run the other safe way, behind a lock.
    """
    images = load_test_split().array
    failed = False
    print(f"{'artifact':22} {'images':>6} {'way':12} {'threads':>7} {'images/s':>10}  wrong outputs")
    for path in _models(artifacts):
        for size, count in ((1, calls), (256, max(1, calls // 500))):
            batches = [images[first : first + size] for first in range(0, _DISTINCT * size, size)]
            batches = [batch for batch in batches if len(batch) == size]
            ways: dict[str, Call] = {"predictor": load_predictor(path).engine.run}
            if path.suffix == ".tflite":
                ways["with a lock"] = _locked(bare_call(path, size))
            for used in (1, number):
                calling = {
                    way: partial(_call_from_threads, run, batches, used, count) for way, run in ways.items()
                }
                runs = take_turns(calling, rounds)
                for way, found in runs.items():
                    rate = used * count * size / median(seconds for seconds, _ in found)
                    wrong = sum(errors for _, errors in found)
                    failed = failed or wrong > 0
                    print(f"{path.name:22} {size:>6} {way:12} {used:>7} {rate:>10,.0f}  {wrong}", flush=True)
    if failed:
        raise SystemExit(1)


def _models(artifacts: Path) -> list[Path]:
    return sorted(path for path in artifacts.iterdir() if path.suffix in (".onnx", ".tflite"))


def _overhead_round(path: Path, images: NDArray[np.uint8], batch_size: int, seed: int) -> dict[str, float]:
    """Return each way's median latency in nanoseconds."""
    blocks, calls = _SINGLE_BLOCKS if batch_size == 1 else _BATCH_BLOCKS
    ways: dict[str, Call] = {}
    for loaded in (_BARE, "predictor")[:: -1 if seed % 2 else 1]:
        if loaded == _BARE:
            ways[_BARE] = bare_call(path, batch_size)
        else:
            predictor = load_predictor(path)
            ways |= {"predict": predictor.predict, "predict, classes, confidences": answering(predictor)}
    inputs = list(images[:calls]) if batch_size == 1 else [images[:batch_size]]
    prepared = [image[None] for image in inputs] if batch_size == 1 else inputs

    def measured(way: str, _block: int) -> NDArray[np.int64]:
        ways[way](prepared[0])  # what other ways evicted from the caches comes back before the clock runs
        return time_calls(ways[way], prepared if way == _BARE else inputs, Effort.exactly(calls))

    samples = take_turns({way: partial(measured, way) for way in ways}, blocks + 1)
    return {way: float(np.median(np.concatenate(parts[1:]))) for way, parts in samples.items()}  # 1 warms up


def _resident_kb() -> int:
    resident = resident_bytes()
    if resident is None:
        raise SystemExit("this study reads /proc, which this system does not have")
    return resident // 1024


def _locked(call: Call) -> Call:
    lock = threading.Lock()

    def run(batch: NDArray[Any]) -> Any:
        with lock:
            return call(batch)

    return run


def _call_from_threads(
    run: Call, batches: list[NDArray[Any]], number: int, calls: int, _round: int
) -> tuple[float, int]:
    """Return how many seconds so many threads need for their calls, and how many outputs were wrong."""
    expected = [run(batch).tobytes() for batch in batches]
    wrong = [0] * number
    barrier = threading.Barrier(number + 1)

    def work(thread: int) -> None:
        barrier.wait()
        for call in range(calls):
            position = (call + thread * 7) % len(batches)  # threads are at different images at a time
            wrong[thread] += run(batches[position]).tobytes() != expected[position]

    with ThreadPoolExecutor(number) as pool:
        done = [pool.submit(work, thread) for thread in range(number)]
        barrier.wait()
        began = time.perf_counter()
        wait(done)
        seconds = time.perf_counter() - began
    return seconds, sum(wrong)


if __name__ == "__main__":
    run_study(overhead, start, memory, threads)
