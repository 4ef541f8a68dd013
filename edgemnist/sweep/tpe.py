"""Which points to try where a grid is too large: Optuna's tree-structured Parzen estimator."""

from collections.abc import Callable, Sequence
from typing import Any

from ..runtime.errors import MissingExtraError
from .options import Point
from .space import Space

BATCH = 4  # points asked for at once, however many processes there are, which thus change nothing
_REPEATED = 25  # batches of nothing but known points, after which there is little left to find

Score = tuple[float, float]
Compute = Callable[[Sequence[Point]], Sequence[Score | None]]


def tpe_points(space: Space, count: int, seed: int, compute: Compute) -> list[Point]:
    """Compute points that promise most after those before, and return them, each once.

    Args:
        space: Where to look.
        count: How many points to compute; fewer where the sampler finds no new ones.
        seed: Of the sampler.
        compute: Computes points and returns accuracy (more is better) and bytes (less is) of each; None for
            those that failed. Those that it computed before cost nothing.

    Raises:
        MissingExtraError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("optuna", "cluster", "The sampler tpe") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(directions=("maximize", "minimize"), sampler=sampler)
    wanted, repeated = min(count, len(space)), 0
    seen: dict[Point, None] = {}
    while len(seen) < wanted and repeated < _REPEATED:
        trials = [study.ask() for _ in range(min(BATCH, wanted - len(seen)))]
        points = [_point(trial, space) for trial in trials]
        repeated = repeated + 1 if seen.keys() >= set(points) else 0
        seen |= dict.fromkeys(points)
        for trial, score in zip(trials, compute(points), strict=True):
            if score is None:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, score)
    return list(seen)


def _point(trial: Any, space: Space) -> Point:
    places = {
        name: trial.suggest_categorical(name, range(len(values))) for name, values in space.dimensions.items()
    }
    return space.point({name: space.dimensions[name][place] for name, place in places.items()})
