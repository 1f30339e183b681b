"""Whether a map tells what the network looks at: insertion and deletion (Petsiuk et al., 2018, arXiv:1806.07421).

Pixels change from the highest of the map to the lowest. Insertion shows them one share after another over the image's
own mean color and is high for a good map; deletion covers them with that color and is low for one. Both are areas
under the curve of the class' probability over the share of pixels changed, 0 to 1.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.engines.interface import Floats, Images
from model.explanation.enlarge import enlarge

IMAGES_AT_ONCE = 64

Classify = Callable[[Images], Floats]
"""From images `[N, height, width, 3]` to probabilities `[N, classes]`, N of any size."""


class Faithfulness(NamedTuple):
    """Two areas in [0, 1] for each image, `[N]`."""

    insertion: Floats
    deletion: Floats

    @property
    def score(self) -> Floats:
        """In [-1, 1]; what an order that tells nothing gets is to be measured: it is not 0 for every network."""
        return self.insertion - self.deletion


def faithfulness(
    classify: Classify,
    images: Images,
    maps: Floats,
    classes: NDArray[np.integer],
    *,
    steps: int = 8,
    seed: int = 0,
) -> Faithfulness:
    """Judge one map `[N, h, w]` of one class `[N]` for each image.

    Equal values are ranked in an order that follows from the seed alone, so that an image gets the same score in
    whatever company. Costs `2·steps` classifications an image; memory is bounded whatever N is.
    """
    parts = [
        _judge(classify, images[part], maps[part], classes[part], steps=steps, seed=seed)
        for part in (slice(start, start + IMAGES_AT_ONCE) for start in range(0, max(len(images), 1), IMAGES_AT_ONCE))
    ]
    insertions, deletions = zip(*parts, strict=True)
    return Faithfulness(np.concatenate(insertions), np.concatenate(deletions))


def mean_colors(images: Images) -> Images:
    """Each image's own mean color, `[N, 1, 1, 3]`."""
    colors: Images = np.rint(images.mean(axis=(1, 2), keepdims=True)).astype(np.uint8)
    return colors


def ranks(maps: Floats, *, height: int, width: int, seed: int) -> NDArray[np.int64]:
    """Each pixel's place `[N, height, width]` in its map's order, 0 for the highest; the seed orders equals."""
    flat = enlarge(maps, height=height, width=width).reshape(len(maps), height * width)
    shuffled = np.random.default_rng(seed).permutation(height * width)
    order = shuffled[np.argsort(-flat[:, shuffled], axis=1, kind="stable")]
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.broadcast_to(np.arange(height * width), order.shape), axis=1)
    return places.reshape(len(maps), height, width)


def _judge(
    classify: Classify, images: Images, maps: Floats, classes: NDArray[np.integer], *, steps: int, seed: int
) -> Faithfulness:
    _, height, width, _ = images.shape
    places = ranks(maps, height=height, width=width, seed=seed)[..., None]
    fill = mean_colors(images)

    def probability(shown: NDArray[np.bool_]) -> Floats:
        of_class: Floats = classify(np.where(shown, images, fill))[np.arange(len(images)), classes]
        return of_class

    counts = [round(height * width * step / steps) for step in range(1, steps)]
    whole, bare = (probability(np.full_like(places, shown, bool)) for shown in (True, False))
    inserted = [bare, *(probability(places < count) for count in counts), whole]
    deleted = [whole, *(probability(places >= count) for count in counts), bare]
    return Faithfulness(_area(inserted), _area(deleted))


def _area(curve: list[Floats]) -> Floats:
    """Trapezoids under the curve whose points are equally spaced from 0 to 1."""
    area = np.trapezoid(np.stack(curve), dx=1 / (len(curve) - 1), axis=0)
    return np.asarray(area, np.float32)
