"""Drawing a CAM over its image."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MIN_LONG_SIDE_PX = 112
MAX_LONG_SIDE_PX = 1024
MAX_OPACITY = 0.65
"""The opacity of the color where the CAM is highest."""

STOPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
COLORS = np.array([[40, 20, 110], [150, 35, 140], [225, 60, 80], [250, 140, 30], [255, 225, 50]])
"""RGB from dark violet over red to yellow: ordered by lightness, so it is legible without color vision too."""

HOTTEST = 255
HEATS = np.linspace(0, 1, HOTTEST + 1)
CHANNELS = [np.interp(HEATS, STOPS, channel) for channel in COLORS.T]
PALETTE = np.rint(np.stack([*CHANNELS, HOTTEST * MAX_OPACITY * HEATS], axis=1)).astype(np.uint8).tobytes()
"""RGBA for each value from 0 to 255."""


def draw_overlay(image: Image.Image, cam: NDArray[np.float32]) -> Image.Image:
    """Return the RGB image, its long side brought between 112 and 1024 px, under the colors of its CAM [h, w] ≥ 0.

    Colors and their opacity span the range from the CAM's lowest value to its highest: where the CAM is lowest the
    image shows unchanged, and so does all of it under a constant CAM.
    """
    canvas = image.resize(_size(image), Image.Resampling.BICUBIC)
    heat = Image.fromarray(_heat(cam, canvas.size))
    heat.putpalette(PALETTE, "RGBA")
    colors = heat.convert("RGBA")
    canvas.paste(colors, mask=colors)
    return canvas


def _size(image: Image.Image) -> tuple[int, int]:
    """The size (width, height) of the overlay in pixels."""
    long_side = max(image.size)
    scale = min(max(long_side, MIN_LONG_SIDE_PX), MAX_LONG_SIDE_PX) / long_side
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _heat(cam: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The CAM scaled to values from 0 to 255 and enlarged to (width, height)."""
    lowest, span = cam.min(), np.ptp(cam)
    spread = (cam - lowest) / span * HOTTEST if span > 0 else np.zeros_like(cam)
    height, width = (_enlargement(*side) for side in zip(cam.shape, reversed(size), strict=True))
    smooth = height @ spread @ width.T
    return np.rint(np.clip(smooth, 0, HOTTEST)).astype(np.uint8)


@lru_cache(maxsize=64)
def _enlargement(cells: int, pixels: int) -> NDArray[np.float32]:
    """The matrix [pixels, cells] of Pillow's bicubic resize, which is linear: column i is the response to cell i."""
    single = Image.fromarray(np.eye(cells, dtype=np.float32))
    return np.asarray(single.resize((cells, pixels), Image.Resampling.BICUBIC))
