"""How fast the model in C is alone, by processor features and compilers, beside what the cache allows.

`python -m edgemnist.benchmarks.studies.speed.c_variants [--artifacts DIR] [--rounds N]`

Each variant of the library that this processor runs, and plain C as `mnist.int8.c` has it, compiled by each
compiler that is here with several options: time for one image, of 200 test images and of 200 of noise, where
no pixel is 0. Everything takes turns within a round, and a ratio is the median of the rounds' ratios.

The limit of each is a loop of loads as wide as its vectors. It reads as many bytes as the int8 weights have,
over and over, and so as fast as the second-level cache gives what the first cannot hold. Needs an x86
processor with AVX2, a C compiler, and `edgemnist export --format int8.tflite` in the folder.
"""

import ctypes
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import which
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from ....data.datasets import load_test_split
from ....export.codegen import generate
from ....export.codegen.compiler import find_compiler
from ....export.codegen.variants import HOST
from ....proof.inspect.structure import read_structure
from ....runtime.isolation.native_code import private_folder
from ...runner.machine import describe_machine
from ...worker.timing import Effort, time_calls
from .. import Artifacts, run_study, take_turns

_MODEL = "mnist.int8.tflite"
_IMAGES, _REPEATS = 200, 20
_COMPILERS = ("gcc", "clang")
_OPTIONS = ("-O2", "-O3", "-O3 -march=haswell", "-O3 -march=native")
_BITS = {"vnni": 512}
_OTHER_BITS = 256
_TARGETS = {256: "avx2", 512: "avx512f"}
_LIMIT = "limit, loads of {} bits"
_STREAM = """
#include <stdint.h>
typedef int64_t vector __attribute__((vector_size(BITS / 8)));
__attribute__((target(TARGET))) int64_t stream(const uint8_t *bytes, int64_t size, int64_t repeats)
{
    vector totals[8] = { { 0 } };
    for (int64_t r = 0; r < repeats; ++r)
        for (int64_t i = 0; i + BITS <= size; i += BITS)
            for (int k = 0; k < 8; ++k) {
                totals[k] ^= *(const vector *)(bytes + i + k * (BITS / 8));
                __asm__ volatile("" : "+v"(totals[k]));
            }
    for (int k = 1; k < 8; ++k) totals[0] ^= totals[k];
    return totals[0][0];
}
"""
Call = Callable[[NDArray[np.uint8]], object]
Times = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to compute the images, and the width of the loads of its limit."""

    name: str
    call: Call
    bits: int


def stream_of(bits: int, size_bytes: int, repeats: int) -> Call:
    """Return a call that reads so many bytes, over and over, in loads of so many bits."""
    defines = (f"-DBITS={bits}", f'-DTARGET="{_TARGETS[bits]}"')
    with private_folder() as folder:
        function = _library(folder, _STREAM, [*find_compiler(), "-O3", *defines]).stream
    function.argtypes = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    memory = np.ones(size_bytes + 64, np.uint8)
    begin = memory.ctypes.data + -memory.ctypes.data % 64

    def call(_images: NDArray[np.uint8]) -> object:
        return function(begin, memory.size - 64, repeats)

    return call


def _library(folder: Path, source: str, command: list[str]) -> ctypes.CDLL:
    (folder / "source.c").write_text(source)
    made = folder / "made.so"
    subprocess.run(  # noqa: S603 - a compiler that is installed here
        [*command, "-shared", "-fPIC", "-o", made, folder / "source.c"], check=True
    )
    return ctypes.CDLL(str(made))


def _ways(content: bytes) -> Iterator[Way]:
    """Yield each variant of the library, and plain C by compilers and options."""
    sources = generate(content, "model")
    names = ["plain C", *(each.name for each in reversed(HOST) if each.name)]
    for name, options in _builds():
        with private_folder() as folder:
            (folder / "model.int8.c").write_bytes(sources.model)
            (folder / "model.int8.h").write_bytes(sources.companions[".h"])
            library = _library(folder, sources.companions["_host.c"].decode(), options)
        for variant in range(library.edgemnist_variants() if not name else 1):
            if library.edgemnist_supports(variant):
                bits = _BITS.get(names[variant], _OTHER_BITS)
                yield Way(name or f"library, {names[variant]}", _runner(library, variant), bits)


def _builds() -> Iterator[tuple[str, list[str]]]:
    """Yield the commands, the library's own first, which has no name."""
    yield "", [*find_compiler(), "-std=c99", "-O3"]
    for compiler in filter(which, _COMPILERS):
        for options in _OPTIONS:
            yield f"plain C, {compiler} {options}", [compiler, "-std=c99", *options.split()]


def _runner(library: ctypes.CDLL, variant: int) -> Call:
    library.edgemnist_arena_bytes.restype = ctypes.c_int64
    arena = np.zeros(library.edgemnist_arena_bytes(variant) + 128, np.uint8)
    outputs = np.zeros((_IMAGES, arena.size), np.uint8)  # more than any output has
    begin = arena.ctypes.data + -arena.ctypes.data % 64

    def call(images: NDArray[np.uint8]) -> object:
        given, answer = ((ctypes.c_void_p * 1)(each.ctypes.data) for each in (images, outputs))
        count = ctypes.c_int64(len(images))
        # `arena` is named here so that it stays
        return library.edgemnist_run_many(variant, given, count, answer, ctypes.c_void_p(begin)), arena

    return call


def measure(content: bytes, size_bytes: int, images: NDArray[np.uint8], rounds: int) -> tuple[Times, Times]:
    """Return nanoseconds for one image by what was measured, one figure a round, and ratios to the limits."""
    noise = np.random.default_rng(0).integers(1, 256, images.shape, np.uint8)
    ways = list(_ways(content))

    def best_of(call: Call, given: NDArray[np.uint8]) -> Callable[[int], float]:
        return lambda _round: time_calls(call, [given], Effort.exactly(_REPEATS)).min() / len(given)

    calls = {
        _LIMIT.format(bits): best_of(stream_of(bits, size_bytes, len(images)), images)
        for bits in sorted({way.bits for way in ways})
    }
    limits = {}
    for way in ways:
        for kind, given in (("digits", images), ("noise", noise)):
            calls[f"{way.name}, {kind}"] = best_of(way.call, given)
            limits[f"{way.name}, {kind}"] = _LIMIT.format(way.bits)
    times = take_turns(calls, rounds)
    ratios = {
        name: (np.array(times[name]) / np.array(times[limit])).tolist() for name, limit in limits.items()
    }
    return times, ratios


def main(
    artifacts: Artifacts = Path("artifacts"),
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure the C of the int8 model by variants and compilers, beside the second-level cache."""
    weights = [tensor for tensor in read_structure(artifacts / _MODEL).tensors if tensor.is_weight]
    images = np.ascontiguousarray(load_test_split().array[:_IMAGES])
    size_bytes = sum(tensor.size_bytes for tensor in weights)
    times, ratios = measure((artifacts / _MODEL).read_bytes(), size_bytes, images, rounds)
    if as_json:
        document = {"machine": asdict(describe_machine()), "ns_per_image": times, "ratios": ratios}
        print(json.dumps(document, indent=2))
        return
    for name, values in times.items():
        ratio = f"{np.median(ratios[name]):6.2f} of the limit" if name in ratios else ""
        print(f"{name:45} {np.median(values) / 1000:7.2f} us  ({min(values) / 1000:.2f} at best) {ratio}")


if __name__ == "__main__":
    run_study(main)
