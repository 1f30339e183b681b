"""Intervals by resampling (Efron, 1979): how far a figure could have come out otherwise on other images."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
RESAMPLES = 1000


def interval(
    figures: Callable[[NDArray[np.int64]], Floats | float],
    images: int,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """(low, high) of each figure: percentiles over samples with replacement, as large as what they are drawn from.

    `figures` gets the numbers of the drawn images, int64 `[images]`, and returns one figure or several.
    """
    dice = np.random.default_rng(seed)
    drawn = np.array([figures(dice.integers(images, size=images)) for _ in range(resamples)])
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
