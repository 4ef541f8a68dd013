"""One damaged model or picture, used the way an application would, and what becomes of it."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...runtime import EdgeMnistError, Predictor, Probe, load_predictor
from ...runtime.isolation.probe import probe_structure
from ..worker.conditions import peak_resident_bytes, resident_bytes

_BATCH_SIZES = (1, 3, 65)
PREDICTED, READ = "predicted", "read"
CRASHED, HUNG = "crashed", "hung"
CONTAINED = "ArtifactError, crash contained"
_CRASHES, _TIMES = " crashes ", " in time when it was tried"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one case.

    Attributes:
        case: Its number.
        outcome: "predicted", "read" where only its structure was looked at, the name of one of this project's
            errors, or, which must not be: "crashed", "hung", or the name of another exception.
        seconds: How long it took, or 0 for a crash.
        resident_mb: The worker's memory afterwards.
        peak_mb: Its largest memory so far.
        message: The error's message.
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
        return self.outcome in {PREDICTED, READ, CONTAINED} or self.outcome in _OWN_ERRORS


def _own_errors() -> frozenset[str]:
    names, classes = set(), [EdgeMnistError]
    while classes:
        error = classes.pop()
        names.add(error.__name__)
        classes += error.__subclasses__()
    return frozenset(names)


_OWN_ERRORS = _own_errors()


def try_model(case: int, path: Path) -> Fate:
    """Load and run a model file of nobody's in this process, after the probe that precedes that."""
    return _fate(case, lambda: _load_and_predict(path))


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


def _load_and_predict(path: Path) -> str:
    """Return "predicted", or what is wrong with the predictions."""
    with load_predictor(path) as predictor:
        shape = tuple(axis for axis in predictor.input.shape[1:] if axis is not None)
        judged = {PREDICTED}
        for size in _BATCH_SIZES:
            images = np.random.default_rng(size).integers(0, 256, (size, *shape), dtype=np.uint8)
            judged.add(_judged(predictor.predict(images).probabilities, size))
        return max(judged, key=len)


def _judged(probabilities: NDArray[np.float32], size: int) -> str:
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
