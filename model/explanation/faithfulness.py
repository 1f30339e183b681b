"""Faithfulness of a map: insertion and deletion curves (Petsiuk et al., 2018, arXiv:1806.07421).

The pixels of an image are ranked by the map, highest first. Insertion reveals them in this order on a canvas of the
image's mean color; a faithful map raises the class' probability early. Deletion replaces them by that color in the same
order; a faithful map lowers the probability early. Each is the area, 0 to 1, under the curve of the probability over
the fraction of changed pixels. With one occluder for both, insertion − deletion is the symmetric relevance gain of
Blücher et al. (2024, arXiv:2401.06654).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.arrays import Floats, Images
from model.explanation.enlarge import enlarge

MAX_IMAGES_AT_ONCE = 64

Classify = Callable[[Images], Floats]
"""From images uint8 `[N, height, width, 3]` to probabilities float32 `[N, classes]`, N of any size."""


class Faithfulness(NamedTuple):
    """Areas under the insertion and the deletion curve, each float32 `[N]` in [0, 1]."""

    insertion: Floats
    deletion: Floats

    @property
    def score(self) -> Floats:
        """Insertion − deletion `[N]` in [-1, 1]; compare it with that of a random map, which need not be 0."""
        return self.insertion - self.deletion


def faithfulness(
    classify: Classify,
    images: Images,
    maps: Floats,
    classes: NDArray[np.integer],
    *,
    steps: int = 8,
    seed: int = 0,
) -> Faithfulness:
    """Measure how faithful one map per image is.

    Costs `2·steps` classifications per image; memory is bounded for any number of images.

    Args:
        classify: the model.
        images: uint8 `[N, height, width, 3]`.
        maps: float32 `[N, h, w]`, one map per image at any resolution.
        classes: `[N]`, the class that each map explains.
        steps: number of equal fractions in which the pixels change.
        seed: orders pixels of equal value; an image's score does not depend on the other images.

    Returns:
        The areas under both curves for each image.
    """
    starts = range(0, max(len(images), 1), MAX_IMAGES_AT_ONCE)
    batches = [slice(start, start + MAX_IMAGES_AT_ONCE) for start in starts]
    measured = [
        _measure_batch(classify, images[batch], maps[batch], classes[batch], steps=steps, seed=seed)
        for batch in batches
    ]
    insertions, deletions = zip(*measured, strict=True)
    return Faithfulness(np.concatenate(insertions), np.concatenate(deletions))


def mean_colors(images: Images) -> Images:
    """Return the mean color of each image, uint8 `[N, 1, 1, 3]`."""
    colors: Images = np.rint(images.mean(axis=(1, 2), keepdims=True)).astype(np.uint8)
    return colors


def pixel_ranks(maps: Floats, *, height: int, width: int, seed: int) -> NDArray[np.int64]:
    """Return the rank of each pixel in its enlarged map, `[N, height, width]`, 0 for the highest value.

    Pixels of equal value are ranked in an order that follows from the seed.
    """
    flat = enlarge(maps, height=height, width=width).reshape(len(maps), height * width)
    shuffled = np.random.default_rng(seed).permutation(height * width)
    order = shuffled[np.argsort(-flat[:, shuffled], axis=1, kind="stable")]
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(height * width), order.shape), axis=1)
    return ranks.reshape(len(maps), height, width)


def _measure_batch(
    classify: Classify, images: Images, maps: Floats, classes: NDArray[np.integer], *, steps: int, seed: int
) -> Faithfulness:
    _, height, width, _ = images.shape
    ranks = pixel_ranks(maps, height=height, width=width, seed=seed)[..., None]
    fill = mean_colors(images)

    def class_probability(visible: NDArray[np.bool_]) -> Floats:
        probability: Floats = classify(np.where(visible, images, fill))[np.arange(len(images)), classes]
        return probability

    counts = [round(height * width * step / steps) for step in range(1, steps)]
    all_visible, none_visible = (class_probability(np.full_like(ranks, visible, bool)) for visible in (True, False))
    inserted = [none_visible, *(class_probability(ranks < count) for count in counts), all_visible]
    deleted = [all_visible, *(class_probability(ranks >= count) for count in counts), none_visible]
    return Faithfulness(_area(inserted), _area(deleted))


def _area(curve: list[Floats]) -> Floats:
    """Return the area by the trapezoidal rule under a curve whose points are equally spaced from 0 to 1."""
    area = np.trapezoid(np.stack(curve), dx=1 / (len(curve) - 1), axis=0)
    return np.asarray(area, np.float32)
