"""A contact sheet of explanations: one image per row, first itself, then each method's map over it."""

from pathlib import Path

import numpy as np

from model.arrays import Floats, Images
from model.explanation.enlarge import enlarge
from training.sheet import write_sheet

MAX_OPACITY = 0.65
"""Opacity of the heat color where the map is highest."""

COLD, HOT = np.array([40, 20, 110], np.float32), np.array([255, 225, 50], np.float32)


def write_overlays(path: Path, images: Images, maps: dict[str, Floats]) -> None:
    """Write a sheet with one column for the images and one for each method, in this order.

    Images are uint8 `[N, h, w, 3]`; the sheet has as many rows as every method has maps.
    """
    rows = min(len(images), *(len(one) for one in maps.values()))
    columns = [images[:rows], *(overlay(images[:rows], one[:rows]) for one in maps.values())]
    sheet = np.stack(columns, axis=1)
    write_sheet(sheet.reshape(-1, *images.shape[1:]), path, columns=len(columns))


def overlay(images: Images, maps: Floats) -> Images:
    """Blend maps `[N, h, w]`, each scaled from its lowest to its highest value, over images uint8 `[N, H, W, 3]`."""
    heat = enlarge(maps, height=images.shape[1], width=images.shape[2])[..., None]
    lowest = heat.min(axis=(1, 2), keepdims=True)
    span = heat.max(axis=(1, 2), keepdims=True) - lowest
    heat = (heat - lowest) / np.where(span > 0, span, 1)
    color = COLD + heat * (HOT - COLD)
    blended: Images = np.rint(images + MAX_OPACITY * heat * (color - images)).astype(np.uint8)
    return blended
