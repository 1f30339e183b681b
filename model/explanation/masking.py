"""Explanations of any classifier by hiding parts of its images; what is hidden takes the image's own mean color."""

import numpy as np
from numpy.typing import NDArray

from model.engines.interface import Floats, Images
from model.explanation.enlarge import enlarge
from model.explanation.faithfulness import Classify, mean_colors

MASKS_AT_ONCE = 64
CELLS = 8


def score_cam(classify: Classify, images: Images, features: Floats, classes: NDArray[np.integer]) -> Floats:
    """Score-CAM ≥ 0 `[N, h, w]` (Wang et al., 2020, arXiv:1910.01279), of features `[N, h, w, C]` of the images.

    Each channel, stretched to 0…1 and enlarged, is a mask that shows the image; its weight is what the class'
    probability gains by it over nothing shown. Costs `C + 1` classifications an image.
    """
    cam = np.zeros(features.shape[:3], np.float32)
    for number, (image, activation, label) in enumerate(zip(images, features, classes, strict=True)):
        masks = _stretched(np.moveaxis(activation, -1, 0))
        bare, *shown = _probabilities(classify, image, np.concatenate([np.zeros_like(masks[:1]), masks]), label)
        cam[number] = np.maximum(activation @ (np.array(shown) - bare), 0)
    return cam


def occlusion(classify: Classify, images: Images, classes: NDArray[np.integer], *, cells: int = CELLS) -> Floats:
    """How much of the class' probability is lost `[N, cells, cells]` where a square hides the image.

    The square is two cells wide and centered on each in turn (Zeiler & Fergus, 2014, arXiv:1311.2901). Negative where
    hiding helps. Costs `cells² + 1` classifications an image.
    """
    losses = np.zeros((len(images), cells, cells), np.float32)
    masks = _windows(cells, height=images.shape[1], width=images.shape[2])
    for number, (image, label) in enumerate(zip(images, classes, strict=True)):
        whole, *hidden = _probabilities(classify, image, masks, label)
        losses[number] = (whole - np.array(hidden)).reshape(cells, cells)
    return losses


def _probabilities(classify: Classify, image: Images, masks: Floats, label: np.integer) -> Floats:
    """The class' probability `[K]` where each mask `[K, h, w]`, enlarged, shows the image: not at 0, wholly at 1."""
    height, width, _ = image.shape
    bare = mean_colors(image[None]).astype(np.float32)
    parts = []
    for start in range(0, len(masks), MASKS_AT_ONCE):
        shares = enlarge(masks[start : start + MASKS_AT_ONCE], height=height, width=width)[..., None]
        parts.append(classify(np.rint(bare + shares * (image - bare)).astype(np.uint8))[:, label])
    return np.concatenate(parts)


def _stretched(maps: Floats) -> Floats:
    """Each map `[K, h, w]` from its lowest value at 0 to its highest at 1; one that is flat is 0."""
    lowest = maps.min(axis=(1, 2), keepdims=True)
    span = maps.max(axis=(1, 2), keepdims=True) - lowest
    stretched: Floats = (maps - lowest) / np.where(span > 0, span, 1)
    return stretched


def _windows(cells: int, *, height: int, width: int) -> Floats:
    """Masks `[1 + cells², height, width]`: one that hides nothing, then one that hides a square for each cell."""
    near = [
        np.abs((np.arange(side) + 0.5) * cells / side - np.arange(cells)[:, None] - 0.5) <= 1
        for side in (height, width)
    ]
    hidden = (near[0][:, None, :, None] & near[1][None, :, None, :]).reshape(-1, height, width)
    return np.concatenate([np.ones((1, height, width), np.float32), ~hidden]).astype(np.float32)
