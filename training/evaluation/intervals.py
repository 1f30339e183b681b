"""Bootstrap confidence intervals (Efron, 1979), computed by SciPy."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.floating]
RESAMPLES = 1000
CONFIDENCE_LEVEL = 0.95
RESAMPLES_AT_ONCE = 100


def mean_interval(values: NDArray[np.floating] | NDArray[np.bool_], *, seed: int = 0) -> tuple[float, float]:
    """Return (low, high) of the mean of values `[N]`, N ≥ 2, by the percentile method."""
    low, high = interval(lambda drawn: values[drawn].mean(axis=-1), len(values), seed=seed)
    return float(low), float(high)


def interval(
    statistic: Callable[[NDArray[np.int64]], Floats | float],
    images: int,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[Floats, Floats]:
    """Return (low, high), the 95 % intervals by the percentile method of one or several statistics of images.

    Args:
        statistic: from the indices of the resampled images, int64 `[images]`, to a number or an array of numbers.
        images: number of images, at least 2.
        seed: decides the resamples.
        resamples: number of resamples, each with replacement and of the size of the original.
    """
    result = stats.bootstrap(
        (np.arange(images),),
        statistic,
        n_resamples=resamples,
        batch=RESAMPLES_AT_ONCE,
        vectorized=False,
        confidence_level=CONFIDENCE_LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return result.confidence_interval.low, result.confidence_interval.high
