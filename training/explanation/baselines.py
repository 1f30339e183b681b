"""Maps that do not depend on the model, as baselines for explanation methods."""

import numpy as np

from model.arrays import Floats, Images


def random_maps(count: int, shape: tuple[int, ...], *, seed: int) -> Floats:
    """Return independent uniform values in [0, 1), float32 `[count, *shape]`."""
    return np.random.default_rng(seed).random((count, *shape), np.float32)


def center_blobs(images: Images) -> Floats:
    """Return the same centered Gaussian for every image, `[N, height, width]`; its deviation is 1/4 of the side."""
    down, across = (np.exp(-(np.linspace(-2, 2, side) ** 2) / 2) for side in images.shape[1:3])
    return np.broadcast_to(np.outer(down, across).astype(np.float32), images.shape[:3])


def brightness(images: Images) -> Floats:
    """Return the mean over the colors of each pixel, `[N, height, width]`."""
    levels: Floats = images.mean(axis=3, dtype=np.float32)
    return levels


def edges(images: Images) -> Floats:
    """Return the magnitude of the brightness gradient at each pixel, `[N, height, width]`."""
    down, across = np.gradient(brightness(images), axis=(1, 2))
    magnitude: Floats = np.hypot(down, across)
    return magnitude
