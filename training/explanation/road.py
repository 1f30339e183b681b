"""ROAD, remove and debias (Rong et al., 2022, arXiv:2202.00449): accuracy after pixels are imputed from neighbors.

Noisy linear imputation: a removed pixel is the weighted mean of its neighbors, 1/6 for a direct and 1/12 for a diagonal
one, plus a little noise. Neither edges nor colors then reveal which pixels were removed.
"""

import numpy as np
from numpy.typing import NDArray

from model.arrays import Floats, Images
from model.explanation.faithfulness import Classify, pixel_ranks

FRACTIONS = (0.1, 0.3, 0.5, 0.7, 0.9)
MAX_IMAGES_AT_ONCE = 64
SMOOTHING_ITERATIONS = 12
MIN_COARSE_SIDE_PX = 4
NOISE_LEVELS = 2.55
"""Standard deviation of the noise in levels of 255: a hundredth of the range, as in the authors' code."""

Mask = NDArray[np.bool_]


def road_accuracy(
    classify: Classify,
    images: Images,
    maps: Floats,
    labels: NDArray[np.integer],
    *,
    least_relevant_first: bool = False,
    seed: int = 0,
) -> list[float]:
    """Return the accuracy after each of `FRACTIONS` of the pixels is imputed.

    Args:
        classify: the model.
        images: uint8 `[N, height, width, 3]`.
        maps: float32 `[N, h, w]`, which rank the pixels.
        labels: true classes `[N]`.
        least_relevant_first: remove the pixels with the lowest values first (LeRF) instead of the highest (MoRF).
        seed: decides the noise and the order of equal values.
    """
    _, height, width, _ = images.shape
    correct = np.zeros((len(FRACTIONS), len(images)), bool)
    for start in range(0, len(images), MAX_IMAGES_AT_ONCE):
        batch = slice(start, start + MAX_IMAGES_AT_ONCE)
        relevance = -maps[batch] if least_relevant_first else maps[batch]
        ranks = pixel_ranks(relevance, height=height, width=width, seed=seed)
        for row, fraction in enumerate(FRACTIONS):
            imputed = impute(images[batch], ranks >= round(fraction * height * width), seed=seed)
            correct[row, batch] = classify(imputed).argmax(axis=1) == labels[batch]
    return [float(accuracy) for accuracy in correct.mean(axis=1)]


def impute(images: Images, kept: Mask, *, seed: int = 0, noise: float = NOISE_LEVELS) -> Images:
    """Return images uint8 `[N, height, width, 3]` whose pixels outside `kept` `[N, height, width]` are imputed."""
    filled = _filled(images.astype(np.float32), kept[..., None])
    filled += np.random.default_rng(seed).normal(0, noise, images.shape).astype(np.float32)
    return np.where(kept[..., None], images, np.rint(np.clip(filled, 0, 255)).astype(np.uint8))


def _filled(values: Floats, kept: Mask) -> Floats:
    """Solve the imputation from coarse to fine: each size starts from the next coarser one and is smoothed."""
    _, height, width, _ = values.shape
    if min(height, width) < MIN_COARSE_SIDE_PX:
        count = np.maximum(kept.sum(axis=(1, 2), keepdims=True), 1)
        return np.where(kept, values, (values * kept).sum(axis=(1, 2), keepdims=True) / count).astype(np.float32)
    sums, counts = _halved(values * kept), _halved(kept.astype(np.float32))
    means = (sums / np.maximum(counts, 1)).astype(np.float32)
    coarse = _filled(means, counts > 0)
    guess = coarse.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]
    filled = np.where(kept, values, guess)
    weight = _neighbors(np.ones((1, height, width, 1), np.float32))
    for _ in range(SMOOTHING_ITERATIONS):
        filled = np.where(kept, values, _neighbors(filled) / weight)
    return filled


def _halved(values: Floats) -> Floats:
    """Return the sums over squares of 2×2 pixels; a last odd row or column is padded with 0."""
    _, height, width, _ = values.shape
    even = np.pad(values, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    rows = even[:, ::2] + even[:, 1::2]
    halved: Floats = rows[:, :, ::2] + rows[:, :, 1::2]
    return halved


def _neighbors(values: Floats) -> Floats:
    """Return the sum over the eight neighbors within the image, direct ones twice: (1 2 1)ᵀ(1 2 1) minus the center."""
    down = 2 * values
    down[:, 1:] += values[:, :-1]
    down[:, :-1] += values[:, 1:]
    across = 2 * down
    across[:, :, 1:] += down[:, :, :-1]
    across[:, :, :-1] += down[:, :, 1:]
    return across - 4 * values
