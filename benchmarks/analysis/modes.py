"""Whether a latency distribution has more than one typical value, so that its median describes none."""

from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MIN_SHARE = 0.1
MIN_DISTANCE = 1.2
_BINS_PER_DECADE = 80  # 3 % wide
_SMOOTHING_BINS = 1.5
_MIN_PROMINENCE = 0.1


@dataclass(frozen=True, slots=True)
class Mode:
    """One typical value.

    Attributes:
        latency_ns: Where the distribution peaks.
        share: The share of calls nearer to this peak than the valley beside it.
    """

    latency_ns: float
    share: float


def find_modes(samples: NDArray[np.int64]) -> tuple[Mode, ...]:
    """Return the typical values of latencies, (calls,) ns: each of a tenth of the calls, 1.2 times apart.

    They are the peaks of the smoothed histogram of the logarithms (`scipy.signal.find_peaks`); there are none
    without scipy.
    """
    if find_spec("scipy") is None:
        return ()
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    logs = np.log10(np.maximum(samples, 1))
    low, high = logs.min(), logs.max()
    edges = np.linspace(low - 0.1, high + 0.1, int((high - low + 0.2) * _BINS_PER_DECADE) + 2)
    counts, _ = np.histogram(logs, edges)
    smooth = gaussian_filter1d(counts.astype(np.float64), _SMOOTHING_BINS)
    peaks, _ = find_peaks(
        smooth,
        prominence=_MIN_PROMINENCE * smooth.max(),
        distance=max(np.log10(MIN_DISTANCE) * _BINS_PER_DECADE, 1),
    )
    valleys = [left + int(smooth[left:right].argmin()) for left, right in pairwise(peaks)]
    parts = np.split(counts, valleys)
    modes = [
        Mode(float(10 ** ((edges[peak] + edges[peak + 1]) / 2)), float(part.sum() / counts.sum()))
        for peak, part in zip(peaks, parts, strict=False)
    ]
    return tuple(mode for mode in modes if mode.share >= MIN_SHARE)
