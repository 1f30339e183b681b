"""Whether a CAM depends on what was learned: cascading weight randomization (Adebayo et al., 2018, arXiv:1810.03292).

Layers lose what they learned from the output down, one group after another, each array's values shuffled so that their
spread stays. A map that stays alike was never about the weights.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from model.engines.interface import Floats, Images
from model.explanation.cam import served_cam
from model.head import features_layer, head_of
from model.network import BACKBONE, LOGITS, SCALE

GROUP = re.compile(r".*?block_?\d+[a-z]?|[^_]+(_\d+)?")


class Step(NamedTuple):
    """How like the CAMs are to the first ones once this group, and all behind it, are random.

    `similarity` is the mean rank correlation of their cells, `same_peak` the share whose highest cell is the same.
    """

    layer: str
    similarity: float
    same_peak: float


def cascade(
    classifier: keras.Model, images: Images, classes: NDArray[np.integer], *, seed: int = 0, at_once: bool = False
) -> Iterator[Step]:
    """A step for each group of layers, or with `at_once` one for all of them. The classifier is spoilt by it."""
    backbone = classifier.get_layer(BACKBONE)
    trunk = keras.Model(backbone.input, backbone.get_layer(features_layer(classifier)).output)
    scaled = keras.ops.convert_to_numpy(classifier.get_layer(SCALE)(images.astype(np.float32)))

    def cams() -> Floats:
        return served_cam(trunk.predict(scaled, verbose=0), head_of(classifier), classes=classes)

    learned, dice = cams(), np.random.default_rng(seed)
    groups = list(_groups(classifier))
    for number, (name, layers) in enumerate(groups, start=1):
        for layer in layers:
            _shuffle(layer, dice)
        if not at_once or number == len(groups):
            now = cams()
            yield Step(name, float(rank_correlation(learned, now).mean()), float(_same_peak(learned, now).mean()))


def rank_correlation(maps: Floats, others: Floats) -> Floats:
    """Spearman's coefficient `[N]` of the cells of maps `[N, h, w]`; 0 where one of the two is the same everywhere."""
    first, second = _centered_ranks(maps), _centered_ranks(others)
    norms = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    coefficients: Floats = (first * second).sum(axis=1) / np.where(norms > 0, norms, 1)
    return coefficients


def _centered_ranks(maps: Floats) -> Floats:
    """Each cell's rank among its map's `[N, cells]`, equals sharing one, their mean at 0."""
    cells = maps.reshape(len(maps), maps[0].size)
    signs: Floats = np.sign(cells[:, :, None] - cells[:, None, :]).sum(axis=2) / 2
    return signs


def _same_peak(maps: Floats, others: Floats) -> NDArray[np.bool_]:
    first, second = (each.reshape(len(each), each[0].size).argmax(axis=1) for each in (maps, others))
    same: NDArray[np.bool_] = first == second
    return same


def _groups(classifier: keras.Model) -> Iterator[tuple[str, list[keras.Layer]]]:
    """The layers with weights from the output down, in blocks that go by the layers' names."""
    yield LOGITS, [classifier.get_layer(LOGITS)]
    layers = [layer for layer in reversed(classifier.get_layer(BACKBONE).layers) if layer.weights]
    for name, members in groupby(layers, key=_group_name):
        yield name, list(members)


def _group_name(layer: keras.Layer) -> str:
    found = GROUP.match(layer.name)
    return found.group() if found else str(layer.name)


def _shuffle(layer: keras.Layer, dice: np.random.Generator) -> None:
    arrays = layer.get_weights()
    layer.set_weights([dice.permutation(array.ravel()).reshape(array.shape) for array in arrays])
