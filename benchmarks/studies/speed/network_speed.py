"""Any int8 network in C beside LiteRT on the same file: one inference, one thread.

`python -m edgemnist.benchmarks.studies.speed.network_speed FILE.int8.tflite... [--rounds N]`

LiteRT has its default, XNNPACK, and only `invoke` is timed there; the engine `c` is timed as Python calls it,
and the library's variants that this processor runs as ctypes calls them. All take turns in one process, and
each round counts by its quickest call, so that a loaded machine favours none. A ratio is the median of the
rounds' ratios. Needs a C compiler.
"""

import ctypes
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ....export.codegen.artifact import make_c
from ....export.codegen.compiler import compiled
from ....export.codegen.graph.importing import read_graph
from ....export.codegen.graph.normalize import normalize
from ....export.codegen.proving.reference import random_inputs
from ....export.codegen.variants import HOST
from ....runtime.engines.c import load
from ....runtime.engines.registry import LIBRARY_SUFFIX, EngineOptions
from ....runtime.errors import OptionError
from ....runtime.isolation.native_code import private_copy
from ...runner.machine import describe_machine
from ...worker.timing import Effort, time_calls
from .. import run_study, take_turns

_CALLS = 40
_SLACK = 128  # what an arena is aligned by, and what kernels may read beyond it
_XNNPACK, _ENGINE = "LiteRT (XNNPACK), invoke", "engine c, run"
Call = Callable[[Any], object]


def measure(path: Path, rounds: int) -> dict[str, list[float]]:
    """Return the quickest nanoseconds of each round by what was measured."""
    from ai_edge_litert.interpreter import Interpreter

    content = path.read_bytes()
    graph = normalize(read_graph(content))
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise OptionError(
            "this study measures networks of one input and one output",
            received=f"{len(graph.inputs)} and {len(graph.outputs)}",
        )
    inputs = list(random_inputs(graph, _CALLS)[0])
    made = make_c(content, "model")
    library = compiled(made.name, made.files)
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs[0])
    calls: dict[str, Call] = {_XNNPACK: lambda _: interpreter.invoke()}
    calls[_ENGINE] = load(library, EngineOptions()).run
    calls |= _variants(library, inputs[0], graph.outputs[0].size_bytes)

    def least_of(call: Call) -> Callable[[int], float]:
        return lambda _round: float(time_calls(call, inputs, Effort.exactly(_CALLS)).min())

    return take_turns({name: least_of(call) for name, call in calls.items()}, rounds)


def _variants(content: bytes, example: NDArray[np.generic], output_bytes: int) -> Mapping[str, Call]:
    """Return a call of each variant of a library that this processor runs, with memory of its own."""
    with private_copy(content, LIBRARY_SUFFIX) as copy:
        library = ctypes.CDLL(str(copy))
    library.edgemnist_arena_bytes.restype = ctypes.c_int64
    names = ("plain C", *(each.name for each in reversed(HOST) if each.name))
    output = np.zeros(output_bytes, np.uint8)

    def call_of(number: int) -> Call:
        arena = np.zeros(library.edgemnist_arena_bytes(number) + 2 * _SLACK, np.uint8)
        aligned = arena[-arena.ctypes.data % _SLACK :]
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (example, output, aligned)]
        return lambda _: library.edgemnist_one(number, *pointers)

    runnable = [number for number in range(len(names)) if library.edgemnist_supports(number)]
    return {f"library, {names[number]}": call_of(number) for number in runnable}


def main(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Full-integer TFLite files.")],
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure networks in C beside LiteRT's XNNPACK, one inference on one thread."""
    found = {file.name: measure(file, rounds) for file in files}
    if as_json:
        print(json.dumps({"machine": asdict(describe_machine()), "ns": found}, indent=2))
        return
    for file, metrics in found.items():
        theirs = np.array(metrics[_XNNPACK])
        print(file)
        for name, values in metrics.items():
            ratio = theirs / np.array(values)
            print(
                f"  {name:26} {np.median(values) / 1000:9.2f} us ({min(values) / 1000:.2f} at best)"
                f"  XNNPACK takes {np.median(ratio):5.2f} times as long, {ratio.min():.2f}..{ratio.max():.2f}"
            )


if __name__ == "__main__":
    run_study(main)
