"""One damaged model or picture, used the way an application would, and what becomes of it."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from ...runtime import EdgeMnistError, Predictor, load_predictor, probing
from ..process_status import peak_resident_bytes, resident_bytes
from .mutations import mutant
from .warm_probes import WarmProbes

_BATCH_SIZES = (1, 3, 65)
_COLD_EVERY = 25  # shares no factor with the number of kinds, so that each kind is among them


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one mutation.

    Attributes:
        seed: Its number.
        kind: What was done to the file.
        outcome: "predicted", the name of one of this project's errors, or, which must not be: "crashed",
            "hung", or the name of another exception.
        seconds: How long it took, or 0 for a crash.
        resident_mb: The worker's memory afterwards.
        peak_mb: Its largest memory so far.
        message: The error's message.
    """

    seed: int
    kind: str
    outcome: str
    seconds: float = 0.0
    resident_mb: float = 0.0
    peak_mb: float = 0.0
    message: str = ""

    @property
    def allowed(self) -> bool:
        """Whether an application could live with it."""
        return self.outcome == "predicted" or (self.outcome.endswith("Error") and self.outcome in _OWN_ERRORS)


def _own_errors() -> frozenset[str]:
    names, classes = set(), [EdgeMnistError]
    while classes:
        error = classes.pop()
        names.add(error.__name__)
        classes += error.__subclasses__()
    return frozenset(names)


_OWN_ERRORS = _own_errors()


def try_mutation(
    content: bytes, suffix: str, seed: int, folder: Path, probes: WarmProbes | None = None
) -> Fate:
    """Load and run one mutated model in this process, with a probe of its own or a warm one."""
    if probes is not None and seed % _COLD_EVERY:
        with patch.object(probing, "run_child", probes.run_child):
            return try_mutation(content, suffix, seed, folder)
    damaged = mutant(content, suffix, seed)
    path = folder / f"mutant{damaged.suffix}"
    path.write_bytes(damaged.content)
    return _fate(seed, damaged.kind, lambda: _load_and_predict(path))


def try_picture(content: bytes, suffix: str, seed: int, predictor: Predictor) -> Fate:
    """Have one mutated picture predicted in this process."""
    damaged = mutant(content, suffix, seed)

    def predict() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures and of odd ones
            return _judged(predictor.predict(damaged.content).probabilities, 1)

    return _fate(seed, damaged.kind, predict)


def _load_and_predict(path: Path) -> str:
    """Return "predicted", or what is wrong with the predictions."""
    with load_predictor(path) as predictor:
        shape = tuple(axis for axis in predictor.input.shape[1:] if axis is not None)
        judged = {"predicted"}
        for size in _BATCH_SIZES:
            images = np.random.default_rng(size).integers(0, 256, (size, *shape), dtype=np.uint8)
            judged.add(_judged(predictor.predict(images).probabilities, size))
        return max(judged, key=len)


def _judged(probabilities: NDArray[np.float32], size: int) -> str:
    finite = bool(np.isfinite(probabilities).all())
    return "predicted" if finite and len(probabilities) == size else f"{probabilities.shape}, finite {finite}"


def _fate(seed: int, kind: str, attempt: Callable[[], str]) -> Fate:
    start, message = time.perf_counter(), ""
    try:
        outcome = attempt()
    except BaseException as error:  # noqa: BLE001 - every way out is an outcome
        outcome, message = type(error).__name__, str(error)[:200]
    seconds = time.perf_counter() - start
    resident, peak = (resident_bytes() or 0) / 2**20, (peak_resident_bytes() or 0) / 2**20
    return Fate(seed, kind, outcome, round(seconds, 3), round(resident, 1), round(peak, 1), message)
