"""The overlay: a CAM drawn over its image."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SHORTEST_LONG_SIDE = 112
LONGEST_LONG_SIDE = 1024
STRONGEST = 0.65
"""How much of the heat's colour covers the image where the CAM is highest."""

STOPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
COLOURS = np.array([[40, 20, 110], [150, 35, 140], [225, 60, 80], [250, 140, 30], [255, 225, 50]])
"""Dark violet through red to yellow: ordered by lightness, so that it reads without colour vision too."""

TABLE = np.stack([np.interp(np.linspace(0, 1, 256), STOPS, channel) for channel in COLOURS.T], axis=1)


def draw_overlay(image: Image.Image, cam: NDArray[np.float32]) -> Image.Image:
    """The RGB image, small ones enlarged and large ones reduced, under the colours of its CAM [h, w] ≥ 0.

    Colours span from the CAM's lowest value to its highest. The hotter, the more opaque: where the CAM is lowest the
    image shows unchanged, and so does all of it under a CAM that is the same everywhere.
    """
    canvas = image.resize(_size(image), Image.Resampling.BICUBIC)
    heat = _resized(_normalised(cam), canvas.size)
    colour = TABLE[np.rint(heat * 255).astype(np.uint8)]
    opacity = STRONGEST * heat[..., np.newaxis]
    blended = np.asarray(canvas, np.float32) * (1 - opacity) + colour * opacity
    return Image.fromarray(np.rint(blended).astype(np.uint8))


def _size(image: Image.Image) -> tuple[int, int]:
    """Bounded on its long side, so that a thumbnail is visible and a photograph affordable."""
    long_side = max(image.size)
    scale = min(max(long_side, SHORTEST_LONG_SIDE), LONGEST_LONG_SIDE) / long_side
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _normalised(cam: NDArray[np.float32]) -> NDArray[np.float32]:
    lowest, span = cam.min(), np.ptp(cam)
    return (cam - lowest) / span if span > 0 else np.zeros_like(cam)


def _resized(heat: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    smooth = Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(smooth, np.float32), 0.0, 1.0)
