"""One damaged model or picture, used the way an application would, and what becomes of it."""

import multiprocessing
import os
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
from numpy.typing import NDArray

from ....proof.inspect.structure import probe_structure
from ....runtime import EdgeMnistError, Predictor, Probe, load_predictor
from ....runtime.engines import registry
from ....runtime.isolation import probe as probing
from ....runtime.isolation.probe_child import answer
from ...worker.conditions import peak_resident_bytes, resident_bytes

_BATCH_SIZES = (1, 3, 65)
PREDICTED, READ = "predicted", "read"
CRASHED, HUNG = "crashed", "hung"
CONTAINED = "ArtifactError, crash contained"
_CRASHES, _TIMES = " crashes ", " in time when it was tried"


class Fate(msgspec.Struct, frozen=True):
    """What became of one case.

    Attributes:
        outcome: "predicted", "read" where only its structure was looked at, the name of one of this project's
            errors, or, which must not be: "crashed", "hung", or the name of another exception.
        seconds: How long it took, or 0 for a crash.
    """

    case: int
    outcome: str
    seconds: float = 0.0
    resident_mb: float = 0.0
    peak_mb: float = 0.0
    message: str = ""

    @property
    def allowed(self) -> bool:
        """Whether an application could live with it."""
        return self.outcome in {PREDICTED, READ, CONTAINED} | _own_errors(EdgeMnistError)


def _own_errors(error: type) -> set[str]:
    return {error.__name__}.union(*map(_own_errors, error.__subclasses__()))


def try_model(case: int, path: Path) -> Fate:
    """Load and run a model file of nobody's in this process, after the probe that precedes that."""

    def predict() -> str:
        with load_predictor(path) as predictor:
            shape = tuple(axis for axis in predictor.input.shape[1:] if axis is not None)
            judged = {PREDICTED}
            for size in _BATCH_SIZES:
                images = np.random.default_rng(size).integers(0, 256, (size, *shape), dtype=np.uint8)
                judged.add(_judged(predictor.predict(images).probabilities, size))
            return max(judged, key=len)

    return _fate(case, predict)


def try_structure(case: int, path: Path, content: bytes) -> Fate:
    """Look inside a model file as `inspect` and `verify` do."""

    def read() -> str:
        probe_structure(path, content, Probe())
        return READ

    return _fate(case, read)


def try_picture(case: int, content: bytes, predictor: Predictor) -> Fate:
    """Have a picture predicted in this process."""

    def predict() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures and of odd ones
            return _judged(predictor.predict(content).probabilities, 1)

    return _fate(case, predict)


def _judged(probabilities: NDArray[np.float32], size: int) -> str:
    """Return "predicted", or what is wrong with the predictions."""
    finite = bool(np.isfinite(probabilities).all())
    return PREDICTED if finite and len(probabilities) == size else f"{probabilities.shape}, finite {finite}"


def _fate(case: int, attempt: Callable[[], str]) -> Fate:
    start, message = time.perf_counter(), ""
    try:
        outcome = attempt()
    except BaseException as error:  # noqa: BLE001 - every way out is an outcome
        outcome, message = type(error).__name__, str(error)[:200]
        if isinstance(error, EdgeMnistError) and (_CRASHES in message or _TIMES in message):
            outcome = CONTAINED
    seconds = time.perf_counter() - start
    resident, peak = (resident_bytes() or 0) / 2**20, (peak_resident_bytes() or 0) / 2**20
    return Fate(case, outcome, round(seconds, 3), round(resident, 1), round(peak, 1), message)


def run_forked(source: Any, limits: Probe, read: Any = None) -> "subprocess.CompletedProcess[bytes] | None":
    """Try a model as `probing.run_child` does, in a fork of a process with the engines imported.

    Of the third of a second that a probe costs, nearly all goes to starting Python and importing the engine.
    A fork runs the same code under the same limits in hundredths of a second.
    """
    context: Any = multiprocessing.get_context("forkserver")  # Windows has none
    light = [entry.name for entry in registry.ENGINES.values() if entry.light and entry.available]
    context.set_forkserver_preload([f"{registry.__package__}.{name}" for name in light])
    with patch.dict(os.environ, probing.ENVIRONMENT):
        forkserver.ensure_running()
    with tempfile.NamedTemporaryFile() as answers:
        process = context.Process(target=_answer, args=(probing.Task(source, limits, read), answers.name))
        process.start()
        process.join(limits.wall_seconds)
        code = process.exitcode
        process.kill()
        process.join()
        return None if code is None else subprocess.CompletedProcess(["fork"], code, stdout=answers.read())


def _answer(task: probing.Task, path: str) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # engines print there
    os.dup2(nowhere, 2)
    with Path(path).open("w", encoding="utf-8") as answers:
        answer(task, answers)
