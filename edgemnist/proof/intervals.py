"""Statistics of shares: how far an accuracy, or a difference of two, may lie from what was counted."""

from importlib.util import find_spec

import numpy as np

Interval = tuple[float, float]
CONFIDENCE = 0.95
_RESAMPLES = 9999
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

    A percentile bootstrap over images, seeded: an image counts -1 where it broke, +1 where it was fixed,
    else 0, which keeps the pairing. Drawing as many images anew, with replacement, is drawing how often each
    of the three comes up: a multinomial draw. Where no image changed sides there is nothing to resample; then
    the limits are plus and minus the Clopper-Pearson limit of how often one could have.
    """
    if find_spec("scipy") is None:
        return None
    from scipy.stats import binomtest

    if broke + fixed == 0:
        limit = float(binomtest(0, total).proportion_ci(CONFIDENCE, method="exact").high)
        return -limit, limit
    shares = np.array([broke, fixed, total - broke - fixed]) / total
    drawn = np.random.default_rng(_SEED).multinomial(total, shares, size=_RESAMPLES)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile((drawn[:, 1] - drawn[:, 0]) / total, (tail, 1 - tail))
    return float(low), float(high)
