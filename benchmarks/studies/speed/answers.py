"""What an application waits for: from raw pixels until a class's name and its confidence are Python objects.

`python -m edgemnist.benchmarks.studies.speed.answers [--artifacts DIR] [--rounds N] [--batch-size N]`

The yardstick is what one would write by hand (`bare_engines.hand_written`): LiteRT's `set_tensor`, `invoke`
and `get_tensor`, or ONNX Runtime's `run`, then `argmax`, a list of names and the scale. For the model in C it
is the library alone, called for the same images by a loop in C, each call timed by the same clock. All on one
thread. Blocks of calls take turns, so that a machine whose speed changes favours none, and each round loads
all anew, since where the weights lie in memory makes a difference. A ratio is the median of the rounds'
ratios of their p50.

Needs a C compiler, and `edgemnist export --int8 --format int8.c --compile`, with the other formats beside it.
"""

import ctypes
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ....data.datasets import load_test_split
from ....export.codegen.compiler import find_compiler
from ....runtime import load_predictor
from ....runtime.isolation.native_code import private_folder
from ...worker.measure import answering, answering_batches
from ...worker.timing import Effort, time_calls
from .. import Artifacts, run_study, take_turns
from .bare_engines import Call, hand_written

_C, _LITERT, _ONNX = "mnist.int8.c", "mnist.int8.tflite", "mnist.float32.onnx"
_OTHERS = (_LITERT, "mnist.float32.tflite", "mnist.int8.onnx", _ONNX)
_CALLS, _BLOCKS, _BATCH_BLOCKS = 200, 15, 5
_BY_HAND, _ALONE, _BATCH = ", by hand", "the library alone", ", a batch"
_LOOP = """
#define _POSIX_C_SOURCE 199309L
#include <stdint.h>
#include <time.h>
typedef void (*one_t)(int32_t, const void *, void *, void *);
static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
void loop(one_t one, int32_t variant, const uint8_t *images, int64_t count, int64_t size, void *arena,
          int64_t *ns)
{
    uint8_t output[4096];
    for (int64_t i = 0; i < count; ++i) {
        const int64_t begin = now();
        one(variant, images + i * size, output, arena);
        ns[i] = now() - begin;
    }
}
"""
Samples = dict[str, NDArray[np.int64]]


def measure(artifacts: Path, images: NDArray[np.uint8], batch_size: int, seed: int) -> Samples:
    """Return the nanoseconds of each call of each way, after everything is loaded anew."""
    predictors = {name: load_predictor(artifacts / name) for name in (_C, *_OTHERS)[:: -1 if seed % 2 else 1]}
    names = predictors[_C].class_names
    ways: dict[str, Call] = {}
    for name, predictor in predictors.items():
        ways |= {name: answering(predictor), name + _BATCH: answering_batches(predictor)}
    for name in _OTHERS:
        ways[name + _BY_HAND] = hand_written(artifacts / name, names)
        ways[name + _BY_HAND + _BATCH] = hand_written(artifacts / name, names, batch_size)

    def timed(call: Call, inputs: list[Any], _block: int) -> NDArray[np.int64]:
        call(inputs[0])  # what other ways evicted from the caches comes back before the clock runs
        return time_calls(call, inputs, Effort.exactly(len(inputs)))

    single = list(images[:_CALLS])
    turns: dict[str, Callable[[int], NDArray[np.int64]]]
    turns = {name: partial(timed, call, single) for name, call in ways.items() if _BATCH not in name}
    turns[_ALONE] = _alone(predictors[_C].path, images[:_CALLS])
    found = take_turns(turns, _BLOCKS + 1)
    batch = [images[:batch_size]]
    turns = {name: partial(timed, call, batch) for name, call in ways.items() if _BATCH in name}
    found |= take_turns(turns, _BATCH_BLOCKS + 1)
    return {name: np.concatenate(parts[1:]) for name, parts in found.items()}  # the first block warms up


def _alone(path: Path, images: NDArray[np.uint8]) -> Callable[[int], NDArray[np.int64]]:
    """Return a function that times the library for each of the images, with as little around it as C has."""
    library = ctypes.CDLL(str(path))
    with private_folder() as folder:
        source, made = folder / "loop.c", folder / "loop.so"
        source.write_text(_LOOP)
        subprocess.run(  # noqa: S603 - the compiler by which the library was made
            [*find_compiler(), "-O3", "-shared", "-fPIC", "-o", made, source], check=True
        )
        loop = ctypes.CDLL(str(made)).loop
    pointer, size = ctypes.c_void_p, ctypes.c_int64
    loop.argtypes = (pointer, ctypes.c_int32, pointer, size, size, pointer, pointer)
    library.edgemnist_arena_bytes.restype = size
    variant = max(n for n in range(library.edgemnist_variants()) if n == 0 or library.edgemnist_supports(n))
    arena = np.zeros(library.edgemnist_arena_bytes(variant) + 128, np.uint8)
    aligned = arena.ctypes.data + -arena.ctypes.data % 64
    one, pixels = ctypes.cast(library.edgemnist_one, pointer), np.ascontiguousarray(images)

    def call(_block: int, _kept: object = arena) -> NDArray[np.int64]:
        found = np.zeros((2, len(pixels)), np.int64)
        for samples in found:  # the first time warms up
            begin, count = pixels.ctypes.data, len(pixels)
            loop(one, variant, begin, count, pixels[0].nbytes, aligned, samples.ctypes.data)
        warm: NDArray[np.int64] = found[1]
        return warm

    return call


def main(
    artifacts: Artifacts = Path("artifacts"),
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is loaded anew.")] = 9,
    batch_size: Annotated[int, typer.Option(min=2, help="Images in the batch.")] = 10_000,
) -> None:
    """Measure from pixels to names and confidences, beside the same written by hand."""
    images = load_test_split().array
    found = [measure(artifacts, images, batch_size, seed) for seed in range(rounds)]
    print(f"{'':40} {'p50':>11} {'p99':>11} {'p99 / p50':>9}")
    for name in found[0]:
        p50, p99 = (np.median([np.percentile(one[name], q) for one in found]) / 1000 for q in (50, 99))
        print(f"{name:40} {p50:>8.2f} us {p99:>8.2f} us {p99 / p50:>9.2f}")
    pairs = [(name + kind, name + _BY_HAND + kind) for kind in ("", _BATCH) for name in _OTHERS]
    pairs += [(_C, _ALONE), (_LITERT + _BY_HAND, _C), (_ONNX + _BY_HAND, _C)]
    for way, other in pairs:
        ratios = [np.median(one[way]) / np.median(one[other]) for one in found]
        low, middle, high = min(ratios), np.median(ratios), max(ratios)
        print(f"{f'{way} / {other}':75} {middle:>6.3f}  {low:.3f}..{high:.3f}")


if __name__ == "__main__":
    run_study(main)
