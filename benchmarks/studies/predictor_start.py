"""How long a fresh process takes to its first prediction: edgemnist, bare engines, Keras.

`python -m edgemnist.benchmarks.studies.predictor_start [--artifacts DIR] [--rounds N]`

The programs take turns; each is started once beforehand, so that files are in the system's cache and bytecode
is compiled for all. Wall time is what a user waits for; CPU time is added because a busy machine leaves it
comparable.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..runner.machine import describe_machine
from .program import run_study

assert sys.platform != "win32"  # noqa: S101 - which has no getrusage

_RUNTIME = """
import sys
import numpy as np
from edgemnist.runtime import load_predictor
predictor = load_predictor(sys.argv[1])
assert predictor.predict(np.zeros((28, 28), np.uint8)).indices.shape == (1,)
"""
_ONNXRUNTIME = """
import sys
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
output = session.run(None, {session.get_inputs()[0].name: np.zeros((1, 28, 28), np.uint8)})[0]
assert output.argmax(axis=1).shape == (1,)
"""
_LITERT = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1])
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.zeros((1, 28, 28), np.uint8))
interpreter.invoke()
output = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
assert output.argmax(axis=1).shape == (1,)
"""
_KERAS = """
import sys
import numpy as np
import keras
model = keras.saving.load_model(sys.argv[1])
assert np.asarray(model(np.zeros((1, 28, 28), np.float32))).argmax(axis=1).shape == (1,)
"""
_PROGRAMS = (
    ("bare onnxruntime", _ONNXRUNTIME, "mnist.float32.onnx"),
    ("edgemnist, .onnx", _RUNTIME, "mnist.float32.onnx"),
    ("bare LiteRT", _LITERT, "mnist.int8.tflite"),
    ("edgemnist, .tflite", _RUNTIME, "mnist.int8.tflite"),
    ("Keras", _KERAS, "mnist.keras"),
)
_COMPARISONS = (
    ("edgemnist, .onnx", "bare onnxruntime"),
    ("edgemnist, .tflite", "bare LiteRT"),
    ("Keras", "edgemnist, .onnx"),
)


@dataclass(frozen=True, slots=True)
class Start:
    """The starts of one program.

    Attributes:
        program: What was started.
        wall_ms: Each start's wall time, in order.
        cpu_ms: Each start's user and system time.
    """

    program: str
    wall_ms: tuple[float, ...]
    cpu_ms: tuple[float, ...]


def measure(artifacts: Path, rounds: int) -> dict[str, Start]:
    """Start every program `rounds` times in turns."""
    timings: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in _PROGRAMS}
    for counted in range(-1, rounds):
        for name, code, file in _PROGRAMS:
            timing = _start(code, artifacts / file)
            if counted >= 0:
                timings[name].append(timing)
    return {
        name: Start(name, tuple(wall for wall, _ in starts), tuple(cpu for _, cpu in starts))
        for name, starts in timings.items()
    }


def _start(code: str, path: Path) -> tuple[float, float]:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(  # noqa: S603 - the programs above
        [sys.executable, "-c", code, str(path)], check=True, stderr=subprocess.DEVNULL
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return round(wall * 1000, 1), round(cpu * 1000, 1)


def main(
    artifacts: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the artifacts.")] = Path(
        "artifacts"
    ),
    rounds: Annotated[int, typer.Option(min=1, help="Starts of each program.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure cold starts."""
    starts = measure(artifacts, rounds)
    if as_json:
        document = {"machine": asdict(describe_machine()), "starts": [asdict(one) for one in starts.values()]}
        print(json.dumps(document, indent=2))
        return
    print(f"{'program':20} {'wall p50':>10} {'wall min':>10} {'CPU p50':>10}")
    for one in starts.values():
        wall, least, cpu = statistics.median(one.wall_ms), min(one.wall_ms), statistics.median(one.cpu_ms)
        print(f"{one.program:20} {wall:>7.0f} ms {least:>7.0f} ms {cpu:>7.0f} ms")
    for name, other in _COMPARISONS:
        wall = statistics.median(starts[name].wall_ms) / statistics.median(starts[other].wall_ms)
        cpu = statistics.median(starts[name].cpu_ms) / statistics.median(starts[other].cpu_ms)
        print(f"{name} / {other}: wall {wall:.2f}, CPU {cpu:.2f}")


if __name__ == "__main__":
    run_study(main)
