"""Enlarge a map to the size of its image."""

import numpy as np

from model.arrays import Floats


def enlarge(maps: Floats, *, height: int, width: int) -> Floats:
    """Enlarge maps `[N, h, w]` bilinearly to `[N, height, width]`; unchanged if they have that size already.

    The cells of a map tile the image, as in Pillow's BILINEAR resampling when it enlarges.
    """
    if maps.shape[1:] == (height, width):
        return maps
    down, across = _weights(maps.shape[1], height), _weights(maps.shape[2], width)
    return (down @ maps @ across.T).astype(np.float32, copy=False)


def _weights(cells: int, pixels: int) -> Floats:
    """Return `[pixels, cells]`: the weight of each cell in each pixel, constant beyond the outermost cell centers."""
    positions = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    distances = np.abs(positions[:, None] - np.arange(cells))
    weights: Floats = np.maximum(1 - distances, 0).astype(np.float32)
    return weights
