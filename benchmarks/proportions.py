"""Statistics of shares: how far an accuracy, or a difference of two, may lie from what was counted."""

from importlib.util import find_spec

import numpy as np

Interval = tuple[float, float]
CONFIDENCE = 0.95
_RESAMPLES = 2000
_SEED = 20


def wilson_interval(right: int, total: int) -> Interval | None:
    """Return the 95 % Wilson score interval of the share `right / total`; None without scipy."""
    if find_spec("scipy") is None:
        return None
    from scipy.stats import binomtest

    interval = binomtest(right, total).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar_p(broke: int, fixed: int) -> float | None:
    """Return the exact McNemar p: a sign test of the images on which only one of the two is right."""
    if find_spec("scipy") is None:
        return None
    if broke + fixed == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(fixed, broke + fixed).pvalue)


def difference_interval(broke: int, fixed: int, total: int) -> Interval | None:
    """Return a 95 % interval of the paired accuracy difference `(fixed - broke) / total`; None without scipy.

    A percentile bootstrap over images (`scipy.stats.bootstrap`, seeded): an image counts -1 where it broke,
    +1 where it was fixed, else 0, which keeps the pairing. Where no image changed sides there is nothing to
    resample; then the limits are plus and minus the Clopper-Pearson limit of how often one could have.
    """
    if find_spec("scipy") is None:
        return None
    from scipy.stats import binomtest, bootstrap

    if broke + fixed == 0:
        limit = float(binomtest(0, total).proportion_ci(CONFIDENCE, method="exact").high)
        return -limit, limit
    changes = np.zeros(total, np.int8)
    changes[:broke] = -1
    changes[broke : broke + fixed] = 1
    result = bootstrap(
        (changes,),
        np.mean,
        n_resamples=_RESAMPLES,
        batch=100,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
