"""How fast the model in C is: beside the other engines, and beside what memory allows.

`python -m edgemnist.benchmarks.studies.speed.c_speed [--artifacts DIR] [--rounds N]`

Everything takes turns within a round, and a ratio is the median of the rounds' ratios, so that a machine
whose speed changes favours none. One thread.

The limit: a loop of 256-bit loads reads as many bytes as the int8 weights have, over and over, and so as fast
as the second-level cache gives what the first cannot hold. An inference that reads every weight once cannot
be quicker. The library reads only the rows of pixels that are not 0, and twice the bytes for each, since its
weights are int16; images of noise, of which it skips nothing, are timed for that reason.

The library's own time is that of one call for 200 images, without `Predictor`. Needs an x86 processor with
AVX2, a C compiler, and `edgemnist export --int8 --format int8.c --compile`, with the other formats beside it.
"""

import ctypes
import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ....data.datasets import load_test_split
from ....export.codegen.compiler import find_compiler
from ....proof.inspect.structure import read_structure
from ....runtime import load_predictor
from ....runtime.engines.registry import engine_for
from ....runtime.isolation.native_code import private_folder
from ...runner.machine import describe_machine
from ...worker.timing import Effort, time_calls
from .. import Artifacts, run_study, take_turns

_OURS = "mnist.int8.c"
_OTHERS = ("mnist.int8.tflite", "mnist.float32.tflite", "mnist.int8.onnx", "mnist.float32.onnx")
_CALLS, _BLOCK = 300, 200
_REPEATS = 50
Call = Callable[[Any], object]
_STREAM = """
#include <immintrin.h>
#include <stdint.h>
__attribute__((target("avx2"))) uint32_t stream(const uint8_t *bytes, int64_t size, int64_t repeats)
{
    __m256i totals[8] = {0};
    for (int64_t r = 0; r < repeats; ++r)
        for (int64_t i = 0; i + 256 <= size; i += 256)
            for (int k = 0; k < 8; ++k) {
                const __m256i *at = (const __m256i *)(bytes + i) + k;
                totals[k] = _mm256_xor_si256(totals[k], _mm256_load_si256(at));
                __asm__ volatile("" : "+x"(totals[k]));
            }
    for (int k = 1; k < 8; ++k) totals[0] = _mm256_xor_si256(totals[0], totals[k]);
    return (uint32_t)_mm256_extract_epi32(totals[0], 0);
}
"""

_LIMIT = "limit: weights from the second-level cache"
Metrics = dict[str, list[float]]


def measure(artifacts: Path, images: NDArray[np.uint8], rounds: int) -> Metrics:
    """Return nanoseconds for one image by what was measured, one figure a round."""
    predictors = {name: load_predictor(artifacts / name) for name in (_OURS, *_OTHERS)}
    library = predictors[_OURS].engine
    noise = np.random.default_rng(0).integers(1, 256, images[:_BLOCK].shape, dtype=np.uint8)
    weights = [tensor for tensor in read_structure(artifacts / _OTHERS[0]).tensors if tensor.is_weight]
    stream = _stream_of(sum(tensor.size_bytes for tensor in weights))
    single = list(images[:_CALLS])

    def median_of(call: Call) -> Callable[[int], float]:
        return lambda _round: float(np.median(time_calls(call, single, Effort.exactly(_CALLS))))

    def best_of(call: Call, batch: Any, repeats: int) -> Callable[[int], float]:
        return lambda _round: time_calls(call, [batch], Effort.exactly(repeats)).min() / len(batch)

    ways = {f"{name}, one image": median_of(predictor.predict) for name, predictor in predictors.items()}
    ways[_LIMIT] = best_of(stream, images[:_BLOCK], _REPEATS)
    ways["library alone"] = best_of(library.run, images[:_BLOCK], _REPEATS)
    ways["library alone, noise"] = best_of(library.run, noise, _REPEATS)
    for name, predictor in predictors.items():
        ways[f"{name}, {len(images)} images"] = best_of(predictor.predict, images, 3)
    return take_turns(ways, rounds)


def _stream_of(size_bytes: int) -> Call:
    """Return a call that reads so many bytes, over and over, once for each image of a block."""
    with private_folder() as folder:
        source, made = folder / "stream.c", folder / "stream.so"
        source.write_text(_STREAM)
        subprocess.run(  # noqa: S603 - the compiler by which the library was made
            [*find_compiler(), "-O3", "-shared", "-fPIC", "-o", made, source], check=True
        )
        function = ctypes.CDLL(str(made)).stream
    function.argtypes = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    memory = np.ones(size_bytes + 64, np.uint8)
    begin = memory.ctypes.data + -memory.ctypes.data % 64

    return lambda _images: function(begin, memory.size - 64, _BLOCK)


def _ratios(figures: Metrics, images: int) -> dict[str, tuple[float, float, float]]:
    """Return median, lowest and highest of the rounds' ratios of interest."""
    pairs = {f"{name}, one image": f"{_OURS}, one image" for name in _OTHERS}
    pairs |= {f"{name}, {images} images": f"{_OURS}, {images} images" for name in _OTHERS}
    found = {f"{slower} / {quicker}": (slower, quicker) for slower, quicker in pairs.items()}
    for name in ("library alone", "library alone, noise", f"{_OURS}, one image"):
        found[f"{name} / {_LIMIT}"] = (name, _LIMIT)
    ratios = {name: np.array(figures[a]) / np.array(figures[b]) for name, (a, b) in found.items()}
    return {
        name: (float(np.median(ratio)), float(ratio.min()), float(ratio.max()))
        for name, ratio in ratios.items()
    }


def main(
    artifacts: Artifacts = Path("artifacts"),
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure the model in C beside the other engines and beside the limit of the second-level cache."""
    engine_for(Path(_OURS)).file_to_load(artifacts / _OURS)
    images = load_test_split().array
    figures = measure(artifacts, images, rounds)
    ratios = _ratios(figures, len(images))
    if as_json:
        machine = asdict(describe_machine())
        print(json.dumps({"machine": machine, "ns_per_image": figures, "ratios": ratios}, indent=2))
        return
    for name, values in figures.items():
        print(f"{name:45} {np.median(values) / 1000:8.2f} us  ({min(values) / 1000:.2f} at best)")
    for name, (median, low, high) in ratios.items():
        print(f"{name:75} {median:6.2f}  {low:.2f}..{high:.2f}")


if __name__ == "__main__":
    run_study(main)
