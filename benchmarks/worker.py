"""`python -m edgemnist.benchmarks.worker TASK.json`: measure one model on one engine in this fresh process.

The answer goes to two files beside the task: `TASK.result.json`, and arrays in `TASK.result.npz`.
"""

from time import perf_counter_ns

STARTED_NS = perf_counter_ns()  # before numpy and the engine are imported, which is part of what is measured

import importlib  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from dataclasses import asdict  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

import numpy as np  # noqa: E402

from ..runtime import engines  # noqa: E402
from ..runtime.errors import EdgeMnistError, MissingExtraError  # noqa: E402
from ..runtime.loading import load_predictor  # noqa: E402
from .memory import peak_resident_bytes, resident_bytes  # noqa: E402
from .tasks import Task, result_paths  # noqa: E402
from .timing import Effort, measure_clock, time_calls  # noqa: E402

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..runtime.predictor import Predictor

MAX_ENCODED = 2048
BARE_SHARE = 4  # a slow engine makes one bare call for so many predictions; a quick one as many as fit in


def main(arguments: list[str]) -> None:
    """Do the task in the file that `arguments` names."""
    task_path = Path(arguments[0])
    facts, arrays = result_paths(task_path)
    try:
        answer, samples = measure(Task.from_json(task_path.read_text(encoding="utf-8")))
    except MissingExtraError as error:
        answer, samples = {"skipped": str(error)}, {}
    except EdgeMnistError as error:
        answer, samples = {"failed": str(error)}, {}
    np.savez(arrays, **samples)  # type: ignore[arg-type]  # the stub takes `allow_pickle: bool` for one of them
    facts.write_text(json.dumps(answer), encoding="utf-8")


def measure(task: Task) -> tuple[dict[str, Any], dict[str, "NDArray[Any]"]]:
    """Run the whole course: import, load, first inference, warm-up, single images, bare calls, batches.

    Raises:
        EdgeMnistError: The model cannot be loaded or run.
    """
    cpus = _pin(task.cpus)
    entry = engines.engine_for(Path(task.path), task.engine)
    if entry.available:  # if not, loading says so
        importlib.import_module(entry.package)
        importlib.import_module(f"{engines.__name__}.{entry.name}")
    imported_ns = perf_counter_ns()
    imported_bytes = resident_bytes()
    predictor = load_predictor(task.path, engine=task.engine, num_threads=task.num_threads)
    loaded_ns = perf_counter_ns()
    loaded_bytes = resident_bytes()
    images = _images(predictor, task)
    first = time_calls(predictor.predict, images[:1], Effort(1, 0, 1))
    facts = {
        "start_ns": STARTED_NS - task.spawned_ns,
        "import_ns": imported_ns - STARTED_NS,
        "load_ns": loaded_ns - imported_ns,
        "first_ns": int(first[0]),
        "cpus": cpus,
        "clock": asdict(measure_clock()),
        "input_dtype": predictor.input.dtype,
    }
    samples = _single_images(predictor, images, task)
    samples_bytes = resident_bytes()
    samples |= _batches(predictor, images, task)
    samples["probabilities"] = predictor.predict(_images(predictor, task, shuffled=False)).probabilities
    facts["memory"] = {
        "imported_bytes": imported_bytes,
        "loaded_bytes": loaded_bytes,
        "measured_bytes": samples_bytes,
        "peak_bytes": peak_resident_bytes(),
    }
    return facts, samples


def _pin(cpus: tuple[int, ...] | None) -> list[int] | None:
    """Pin this process; return the CPUs it may run on now, or None where the system cannot say."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
    return sorted(os.sched_getaffinity(0))


def _images(predictor: "Predictor", task: Task, *, shuffled: bool = True) -> "NDArray[np.uint8]":
    """Return the test images as this model's input shapes them: `(N, 784)` or `(N, 28, 28, 1)` for some."""
    images = np.load(task.images)
    shape = tuple(axis for axis in predictor.input.shape[1:] if axis is not None)
    if images[0].shape != shape and images[0].size == np.prod(shape):
        images = images.reshape(-1, *shape)
    if shuffled:
        images = images[np.random.default_rng(task.seed).permutation(len(images))]
    pixels: NDArray[np.uint8] = images
    return pixels


def _single_images(
    predictor: "Predictor", images: "NDArray[np.uint8]", task: Task
) -> dict[str, "NDArray[Any]"]:
    warm_up = Effort(task.warmup_calls, 0, task.warmup_calls)
    effort = Effort(task.min_calls, task.min_ns, task.max_calls)
    bare_effort = Effort(math.ceil(task.min_calls / BARE_SHARE), task.min_ns, task.max_calls)
    singles = list(images)
    encoded = [predictor.encode(image) for image in images[:MAX_ENCODED]]
    warmup_ns = time_calls(predictor.predict, singles, warm_up)
    latency_ns = time_calls(
        predictor.predict, singles[task.warmup_calls :] + singles[: task.warmup_calls], effort
    )
    time_calls(predictor.engine.run, encoded, warm_up)
    bare_ns = time_calls(predictor.engine.run, encoded, bare_effort)
    return {"warmup_ns": warmup_ns, "latency_ns": latency_ns, "bare_ns": bare_ns}


def _batches(predictor: "Predictor", images: "NDArray[np.uint8]", task: Task) -> dict[str, "NDArray[Any]"]:
    samples = {}
    for size in task.batch_sizes:
        batches = [images[start : start + size] for start in range(0, len(images) - size + 1, size)]
        predictor.predict(batches[-1])  # engines lay out their memory anew for each batch size
        samples[f"batch_{size}_ns"] = time_calls(
            predictor.predict, batches, Effort(task.min_batches, task.min_batch_ns, task.max_calls)
        )
    return samples


if __name__ == "__main__":
    main(sys.argv[1:])
