"""Explanations of any classifier by occlusion: hidden pixels take the image's mean color."""

import numpy as np
from numpy.typing import NDArray

from model.arrays import Floats, Images
from model.explanation.enlarge import enlarge
from model.explanation.faithfulness import Classify, mean_colors

MAX_MASKS_AT_ONCE = 64
OCCLUSION_CELLS = 8


def score_cam(classify: Classify, images: Images, features: Floats, classes: NDArray[np.integer]) -> Floats:
    """Score-CAM (Wang et al., 2020, arXiv:1910.01279).

    Each channel, scaled to 0…1 and enlarged, is a mask that reveals parts of the image. The channel's weight is the
    class' probability with this mask minus that of the fully hidden image. Costs `C + 1` classifications per image.

    Args:
        classify: the model.
        images: uint8 `[N, height, width, 3]`.
        features: float32 `[N, h, w, C]`, a layer's output for these images.
        classes: `[N]`, the class to explain for each image.

    Returns:
        Maps float32 `[N, h, w]`, never negative.
    """
    cam = np.zeros(features.shape[:3], np.float32)
    for number, (image, activation, label) in enumerate(zip(images, features, classes, strict=True)):
        masks = _scaled_to_unit(np.moveaxis(activation, -1, 0))
        hide_all = np.zeros_like(masks[:1])
        hidden, *revealed = _probabilities(classify, image, np.concatenate([hide_all, masks]), label)
        cam[number] = np.maximum(activation @ (np.array(revealed) - hidden), 0)
    return cam


def occlusion(
    classify: Classify, images: Images, classes: NDArray[np.integer], *, cells: int = OCCLUSION_CELLS
) -> Floats:
    """Occlusion sensitivity (Zeiler & Fergus, 2014, arXiv:1311.2901).

    A square of two cells' width hides the image, centered on each cell of a grid in turn. Costs `cells² + 1`
    classifications per image.

    Args:
        classify: the model.
        images: uint8 `[N, height, width, 3]`.
        classes: `[N]`, the class to explain for each image.
        cells: cells along each side of the grid.

    Returns:
        The loss of the class' probability float32 `[N, cells, cells]`; negative where hiding raises it.
    """
    losses = np.zeros((len(images), cells, cells), np.float32)
    masks = _windows(cells, height=images.shape[1], width=images.shape[2])
    for number, (image, label) in enumerate(zip(images, classes, strict=True)):
        visible, *hidden = _probabilities(classify, image, masks, label)
        losses[number] = (visible - np.array(hidden)).reshape(cells, cells)
    return losses


def _probabilities(classify: Classify, image: Images, masks: Floats, label: np.integer) -> Floats:
    """Return the class' probability `[K]` under masks `[K, h, w]`, enlarged: 0 hides the image, 1 reveals it."""
    height, width, _ = image.shape
    fill = mean_colors(image[None]).astype(np.float32)
    probabilities = []
    for start in range(0, len(masks), MAX_MASKS_AT_ONCE):
        opacity = enlarge(masks[start : start + MAX_MASKS_AT_ONCE], height=height, width=width)[..., None]
        probabilities.append(classify(np.rint(fill + opacity * (image - fill)).astype(np.uint8))[:, label])
    return np.concatenate(probabilities)


def _scaled_to_unit(maps: Floats) -> Floats:
    """Scale each map `[K, h, w]` linearly to 0…1; a constant map becomes 0."""
    lowest = maps.min(axis=(1, 2), keepdims=True)
    span = maps.max(axis=(1, 2), keepdims=True) - lowest
    scaled: Floats = (maps - lowest) / np.where(span > 0, span, 1)
    return scaled


def _windows(cells: int, *, height: int, width: int) -> Floats:
    """Return masks `[1 + cells², height, width]`: the first hides nothing, the others hide one square each."""
    near = [
        np.abs((np.arange(side) + 0.5) * cells / side - np.arange(cells)[:, None] - 0.5) <= 1
        for side in (height, width)
    ]
    hidden = (near[0][:, None, :, None] & near[1][None, :, None, :]).reshape(-1, height, width)
    return np.concatenate([np.ones((1, height, width), np.float32), ~hidden]).astype(np.float32)
