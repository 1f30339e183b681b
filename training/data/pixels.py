"""Statistics of a data set's pixels, before and after the images are stretched to the network's input size."""

import numpy as np
from numpy.typing import NDArray

from model.arrays import Images
from model.decode import stretch_images
from training.data.examples import Examples
from training.findings import Enlargement, SplitFigures

Floats = NDArray[np.float64]
LEVELS = 256
HISTOGRAM_BINS = 32
MAX_IMAGES_AT_ONCE = 512


def describe_split(split: str, examples: Examples, *, classes: int) -> SplitFigures:
    """Count the images of every class, and describe the gray levels of their pixels."""
    counted = np.array([count_levels(examples.images[examples.labels == label]) for label in range(classes)])
    fractions = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)
    mean, deviation = moments(fractions)
    return SplitFigures(
        split=split,
        images=len(examples),
        counts=np.bincount(examples.labels, minlength=classes).tolist(),
        mean=np.round(mean, 2).tolist(),
        deviation=np.round(deviation, 2).tolist(),
        histogram=np.round(fractions.reshape(classes, HISTOGRAM_BINS, -1).sum(axis=2), 5).tolist(),
    )


def count_levels(images: Images) -> NDArray[np.int64]:
    """Count the pixels of each gray level, int64 `[256]`."""
    counted = np.zeros(LEVELS, np.int64)
    for start in range(0, len(images), MAX_IMAGES_AT_ONCE):
        counted += np.bincount(images[start : start + MAX_IMAGES_AT_ONCE].reshape(-1), minlength=LEVELS)
    return counted


def moments(fractions: Floats) -> tuple[Floats, Floats]:
    """Return (mean, standard deviation), each `[…]`, of gray levels that occur with these fractions `[…, 256]`."""
    levels = np.arange(LEVELS)
    mean: Floats = fractions @ levels
    deviation: Floats = np.sqrt(np.maximum(fractions @ levels**2 - mean**2, 0))
    return mean, deviation


def mean_images(examples: Examples, *, classes: int) -> Images:
    """Return the mean image of every class, uint8 `[classes, …]`; black for a class without images."""
    images = np.zeros((classes, *examples.images.shape[1:]))
    for label in np.unique(examples.labels):
        images[label] = examples.images[examples.labels == label].mean(axis=0)
    return np.rint(images).astype(np.uint8)


def describe_enlargement(images: Images, *, size: int) -> Enlargement:
    """Stretch the images to squares of `size` pixels as serving does, and describe what changes."""
    stretched = stretch_images(images, side=size)
    height, width = images.shape[1:3]
    restored = stretch_images(stretched, side=height) if height == width else None
    before, after = (moments(count_levels(one) / one.size) for one in (images, stretched))
    return Enlargement(
        images=len(images),
        from_height=height,
        from_width=width,
        to_side=size,
        channels_before=images.shape[3] if images.ndim == 4 else 1,
        gray_fraction=round(float(_is_gray(images).mean()), 4),
        mean_before=round(float(before[0]), 2),
        mean_after=round(float(after[0]), 2),
        deviation_before=round(float(before[1]), 2),
        deviation_after=round(float(after[1]), 2),
        neighbor_difference_before=round(neighbor_difference(images), 2),
        neighbor_difference_after=round(neighbor_difference(stretched), 2),
        restoration_error=round(rms_difference(images, restored), 2) if restored is not None else None,
        bytes_before=images[0].size,
        bytes_after=size * size * 3,
    )


def neighbor_difference(images: Images) -> float:
    """Return the mean absolute difference of neighboring pixels, along rows and columns, in levels of 255."""
    levels = images.astype(np.int16)
    across, down = (np.abs(np.diff(levels, axis=axis)).mean() for axis in (2, 1))
    return float((across + down) / 2)


def rms_difference(first: Images, second: Images) -> float:
    """Return the root-mean-square difference of two arrays of images, in levels of 255."""
    return float(np.sqrt(((first.astype(np.float32) - second) ** 2).mean()))


def _is_gray(images: Images) -> NDArray[np.bool_]:
    if images.ndim == 3:
        return np.ones(len(images), np.bool_)
    same: NDArray[np.bool_] = (images == images[..., :1]).all(axis=(1, 2, 3))
    return same
