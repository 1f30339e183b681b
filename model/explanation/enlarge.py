"""A map's grid laid over its image: bilinear, the cells tiling the image, as Pillow enlarges a picture."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def enlarge(maps: Floats, *, height: int, width: int) -> Floats:
    """Maps `[N, h, w]` at the image's size `[N, height, width]`; unchanged if they have it already."""
    if maps.shape[1:] == (height, width):
        return maps
    down, across = _weights(maps.shape[1], height), _weights(maps.shape[2], width)
    return (down @ maps @ across.T).astype(np.float32, copy=False)


def _weights(cells: int, pixels: int) -> Floats:
    """`[pixels, cells]`: what each cell gives to each pixel. The outermost centers reach to the edges."""
    places = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    distances = np.abs(places[:, None] - np.arange(cells))
    weights: Floats = np.maximum(1 - distances, 0).astype(np.float32)
    return weights
