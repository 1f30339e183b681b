"""Pictures of a few explanations: one image a row, itself and then each method's map over it."""

from pathlib import Path

import numpy as np

from model.engines.interface import Floats, Images
from model.explanation.enlarge import enlarge
from training.sheet import write_sheet

STRONGEST = 0.65
"""How much of the heat's color covers the image where the map is highest."""

COLD, HOT = np.array([40, 20, 110], np.float32), np.array([255, 225, 50], np.float32)


def write_overlays(path: Path, images: Images, maps: dict[str, Floats]) -> None:
    """Write a sheet with one column for the images and one for each method, in this order."""
    drawn = [images, *(overlay(images, each) for each in maps.values())]
    rows = np.stack(drawn, axis=1)
    write_sheet(rows.reshape(-1, *images.shape[1:]), path, columns=len(drawn))


def overlay(images: Images, maps: Floats) -> Images:
    """Images under the colors of their maps, each from its lowest value to its highest; the hotter, the denser."""
    heat = enlarge(maps, height=images.shape[1], width=images.shape[2])[..., None]
    lowest = heat.min(axis=(1, 2), keepdims=True)
    span = heat.max(axis=(1, 2), keepdims=True) - lowest
    heat = (heat - lowest) / np.where(span > 0, span, 1)
    color = COLD + heat * (HOT - COLD)
    drawn: Images = np.rint(images + STRONGEST * heat * (color - images)).astype(np.uint8)
    return drawn
