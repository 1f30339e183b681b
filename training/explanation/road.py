"""ROAD, remove and debias (Rong et al., 2022, arXiv:2202.00449): accuracy with pixels replaced by their surroundings.

A replaced pixel is the weighted mean of its neighbors, 1/6 for a direct and 1/12 for a diagonal one, plus a little
noise, so that neither an edge nor a color tells which pixels were taken: noisy linear imputation.
"""

import numpy as np
from numpy.typing import NDArray

from model.engines.interface import Floats, Images
from model.explanation.faithfulness import Classify, ranks

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
IMAGES_AT_ONCE = 64
SWEEPS = 12
NOISE = 2.55
"""Levels of 0…255: a hundredth of the range, as in the authors' code."""

Mask = NDArray[np.bool_]


def road(
    classify: Classify,
    images: Images,
    maps: Floats,
    labels: NDArray[np.integer],
    *,
    most_first: bool = True,
    seed: int = 0,
) -> list[float]:
    """Accuracy after each of SHARES of the pixels was replaced, those highest in the map first, or last."""
    _, height, width, _ = images.shape
    hits = np.zeros((len(SHARES), len(images)), bool)
    for start in range(0, len(images), IMAGES_AT_ONCE):
        part = slice(start, start + IMAGES_AT_ONCE)
        places = ranks(maps[part] if most_first else -maps[part], height=height, width=width, seed=seed)
        for row, share in enumerate(SHARES):
            shown = impute(images[part], places >= round(share * height * width), seed=seed)
            hits[row, part] = classify(shown).argmax(axis=1) == labels[part]
    return [float(share) for share in hits.mean(axis=1)]


def impute(images: Images, kept: Mask, *, seed: int = 0, noise: float = NOISE) -> Images:
    """The images with what is not kept `[N, height, width]` filled in from around it."""
    filled = _filled(images.astype(np.float32), kept[..., None])
    filled += np.random.default_rng(seed).normal(0, noise, images.shape).astype(np.float32)
    return np.where(kept[..., None], images, np.rint(np.clip(filled, 0, 255)).astype(np.uint8))


def _filled(values: Floats, kept: Mask) -> Floats:
    """Solve from coarse to fine: at each size a few sweeps mend what the size below got nearly right."""
    _, height, width, _ = values.shape
    if min(height, width) < 4:
        count = np.maximum(kept.sum(axis=(1, 2), keepdims=True), 1)
        return np.where(kept, values, (values * kept).sum(axis=(1, 2), keepdims=True) / count).astype(np.float32)
    sums, counts = _halved(values * kept), _halved(kept.astype(np.float32))
    means = (sums / np.maximum(counts, 1)).astype(np.float32)
    coarse = _filled(means, counts > 0)
    guess = coarse.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]
    filled = np.where(kept, values, guess)
    weight = _neighbors(np.ones((1, height, width, 1), np.float32))
    for _ in range(SWEEPS):
        filled = np.where(kept, values, _neighbors(filled) / weight)
    return filled


def _halved(values: Floats) -> Floats:
    """Sums over squares of two by two; a last odd row or column stands alone."""
    _, height, width, _ = values.shape
    even = np.pad(values, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    rows = even[:, ::2] + even[:, 1::2]
    halved: Floats = rows[:, :, ::2] + rows[:, :, 1::2]
    return halved


def _neighbors(values: Floats) -> Floats:
    """The sum over the eight neighbors within the image, direct ones twice: (1 2 1)ᵀ(1 2 1) less the center."""
    down = 2 * values
    down[:, 1:] += values[:, :-1]
    down[:, :-1] += values[:, 1:]
    across = 2 * down
    across[:, :, 1:] += down[:, :, :-1]
    across[:, :, :-1] += down[:, :, 1:]
    return across - 4 * values
