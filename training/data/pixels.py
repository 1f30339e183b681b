"""What the pixels of a data set are like, before and after serving's stretch."""

import numpy as np
from numpy.typing import NDArray

from training.data.fashion_mnist import Examples, resize
from training.findings import Enlargement, SplitFigures

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]
LEVELS = 256
RANGES = 32
CHUNK = 512


def describe_split(split: str, examples: Examples, *, classes: int) -> SplitFigures:
    """Count the images of every class and the brightness of their pixels."""
    counted = np.array([count_levels(examples.images[examples.labels == label]) for label in range(classes)])
    shares = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)
    mean, deviation = moments(shares)
    return SplitFigures(
        split=split,
        images=len(examples),
        counts=np.bincount(examples.labels, minlength=classes).tolist(),
        mean=np.round(mean, 2).tolist(),
        deviation=np.round(deviation, 2).tolist(),
        histogram=np.round(shares.reshape(classes, RANGES, -1).sum(axis=2), 5).tolist(),
    )


def count_levels(images: Images) -> NDArray[np.int64]:
    """How many pixels there are of each brightness, int64 `[256]`."""
    counted = np.zeros(LEVELS, np.int64)
    for start in range(0, len(images), CHUNK):
        counted += np.bincount(images[start : start + CHUNK].reshape(-1), minlength=LEVELS)
    return counted


def moments(shares: Floats) -> tuple[Floats, Floats]:
    """(mean, standard deviation) of the brightness whose shares `[…, 256]` are given."""
    levels = np.arange(LEVELS)
    mean: Floats = shares @ levels
    deviation: Floats = np.sqrt(np.maximum(shares @ levels**2 - mean**2, 0))
    return mean, deviation


def mean_images(examples: Examples, *, classes: int) -> Images:
    """The mean image of every class; black for a class without images."""
    images = np.zeros((classes, *examples.images.shape[1:]))
    for label in np.unique(examples.labels):
        images[label] = examples.images[examples.labels == label].mean(axis=0)
    return np.rint(images).astype(np.uint8)


def describe_enlargement(images: Images, *, size: int) -> Enlargement:
    """Stretch the images as serving does and say what that changes."""
    stretched = resize(images, size)
    height, width = images.shape[1:3]
    returned = resize(stretched, height) if height == width else None
    before, after = (moments(count_levels(one) / one.size) for one in (images, stretched))
    return Enlargement(
        images=len(images),
        from_height=height,
        from_width=width,
        to_side=size,
        channels_before=images.shape[3] if images.ndim == 4 else 1,
        gray_share=round(float(_is_gray(images).mean()), 4),
        mean_before=round(float(before[0]), 2),
        mean_after=round(float(after[0]), 2),
        deviation_before=round(float(before[1]), 2),
        deviation_after=round(float(after[1]), 2),
        step_before=round(mean_step(images), 2),
        step_after=round(mean_step(stretched), 2),
        return_error=round(rms(images, returned), 2) if returned is not None else None,
        bytes_before=images[0].size,
        bytes_after=size * size * 3,
    )


def mean_step(images: Images) -> float:
    """The mean difference between neighboring pixels, along rows and columns, in levels."""
    levels = images.astype(np.int16)
    across, down = (np.abs(np.diff(levels, axis=axis)).mean() for axis in (2, 1))
    return float((across + down) / 2)


def rms(one: Images, other: Images) -> float:
    """The root of the mean squared difference, in levels."""
    return float(np.sqrt(((one.astype(np.float32) - other) ** 2).mean()))


def _is_gray(images: Images) -> NDArray[np.bool_]:
    if images.ndim == 3:
        return np.ones(len(images), np.bool_)
    same: NDArray[np.bool_] = (images == images[..., :1]).all(axis=(1, 2, 3))
    return same
