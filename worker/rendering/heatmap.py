"""The overlay: a CAM drawn over its image."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SHORTEST_LONG_SIDE = 112
LONGEST_LONG_SIDE = 1024
STRONGEST = 0.65
"""How much of the heat's color covers the image where the CAM is highest."""

STOPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
COLORS = np.array([[40, 20, 110], [150, 35, 140], [225, 60, 80], [250, 140, 30], [255, 225, 50]])
"""Dark violet through red to yellow: ordered by lightness, so that it reads without color vision too."""

HOTTEST = 255
HEATS = np.linspace(0, 1, HOTTEST + 1)
CHANNELS = [np.interp(HEATS, STOPS, channel) for channel in COLORS.T]
PALETTE = np.rint(np.stack([*CHANNELS, HOTTEST * STRONGEST * HEATS], axis=1)).astype(np.uint8).tobytes()
"""RGBA for each heat from 0 to 255: its color, and how much of the image that covers."""


def draw_overlay(image: Image.Image, cam: NDArray[np.float32]) -> Image.Image:
    """The RGB image, small ones enlarged and large ones reduced, under the colors of its CAM [h, w] ≥ 0.

    Colors span from the CAM's lowest value to its highest. The hotter, the more opaque: where the CAM is lowest the
    image shows unchanged, and so does all of it under a CAM that is the same everywhere.
    """
    canvas = image.resize(_size(image), Image.Resampling.BICUBIC)
    heat = Image.fromarray(_heat(cam, canvas.size))
    heat.putpalette(PALETTE, "RGBA")
    colors = heat.convert("RGBA")
    canvas.paste(colors, mask=colors)
    return canvas


def _size(image: Image.Image) -> tuple[int, int]:
    """Bounded on its long side, so that a thumbnail is visible and a photograph affordable."""
    long_side = max(image.size)
    scale = min(max(long_side, SHORTEST_LONG_SIDE), LONGEST_LONG_SIDE) / long_side
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _heat(cam: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The CAM spread over its range from 0 to 255 and enlarged to (width, height)."""
    lowest, span = cam.min(), np.ptp(cam)
    spread = (cam - lowest) / span * HOTTEST if span > 0 else np.zeros_like(cam)
    height, width = (_enlargement(*side) for side in zip(cam.shape, reversed(size), strict=True))
    smooth = height @ spread @ width.T
    return np.rint(np.clip(smooth, 0, HOTTEST)).astype(np.uint8)


@lru_cache(maxsize=64)
def _enlargement(cells: int, pixels: int) -> NDArray[np.float32]:
    """The matrix [pixels, cells] of Pillow's BICUBIC, which is linear: what it makes of a single cell of 1."""
    single = Image.fromarray(np.eye(cells, dtype=np.float32))
    return np.asarray(single.resize((cells, pixels), Image.Resampling.BICUBIC))
