"""Sanity check of CAMs: cascading weight randomization (Adebayo et al., 2018, arXiv:1810.03292).

Groups of layers are randomized from the output to the input; the values of each array are shuffled, so their
distribution stays. A map that stays similar does not depend on what the model has learned.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from model.arrays import Floats, Images
from model.explanation.cam import served_cam
from model.head import features_layer, head_of
from model.network import BACKBONE, LOGITS, SCALE

_LAYER_GROUP = re.compile(r".*?block_?\d+[a-z]?|[^_]+(_\d+)?")


class RandomizationStep(NamedTuple):
    """Similarity of the CAMs to the original ones when this group of layers, and all behind it, are randomized.

    `rank_correlation` is the mean over the images, `same_maximum` the fraction whose highest cell is the same.
    """

    layer: str
    rank_correlation: float
    same_maximum: float


def randomize_cascading(
    classifier: keras.Model, images: Images, classes: NDArray[np.integer], *, seed: int = 0, only_last: bool = False
) -> Iterator[RandomizationStep]:
    """Randomize the classifier's weights, which spoils it, group by group, and compare the CAMs after each group.

    Args:
        classifier: a model of `model.network.build_classifier`.
        images: uint8 `[N, height, width, 3]`.
        classes: `[N]`, the class that each CAM explains.
        seed: decides the shuffling.
        only_last: compare the CAMs only when all groups are randomized.
    """
    backbone = classifier.get_layer(BACKBONE)
    trunk = keras.Model(backbone.input, backbone.get_layer(features_layer(classifier)).output)
    scaled = keras.ops.convert_to_numpy(classifier.get_layer(SCALE)(images.astype(np.float32)))

    def cams() -> Floats:
        return served_cam(trunk.predict(scaled, verbose=0), head_of(classifier), classes=classes)

    original, rng = cams(), np.random.default_rng(seed)
    groups = list(_layer_groups(classifier))
    for number, (name, layers) in enumerate(groups, start=1):
        for layer in layers:
            _shuffle_weights(layer, rng)
        if not only_last or number == len(groups):
            randomized = cams()
            yield RandomizationStep(
                name,
                rank_correlation=float(rank_correlation(original, randomized).mean()),
                same_maximum=float((_highest_cell(original) == _highest_cell(randomized)).mean()),
            )


def rank_correlation(maps: Floats, others: Floats) -> NDArray[np.float64]:
    """Return Spearman's coefficient `[N]` of maps `[N, h, w]`, each with the map of the same index in `others`.

    It is 0 where one of the two maps is constant.
    """
    first, second = (stats.rankdata(each.reshape(len(each), -1), axis=1) for each in (maps, others))
    varied = (np.ptp(first, axis=1) > 0) & (np.ptp(second, axis=1) > 0)
    coefficients = np.zeros(len(maps))
    if varied.any():
        coefficients[varied] = stats.pearsonr(first[varied], second[varied], axis=1).statistic
    return coefficients


def _highest_cell(maps: Floats) -> NDArray[np.intp]:
    highest: NDArray[np.intp] = maps.reshape(len(maps), -1).argmax(axis=1)
    return highest


def _layer_groups(classifier: keras.Model) -> Iterator[tuple[str, list[keras.Layer]]]:
    """Yield (name, layers with weights) from the output to the input, in blocks by the layers' names."""
    yield LOGITS, [classifier.get_layer(LOGITS)]
    layers = [layer for layer in reversed(classifier.get_layer(BACKBONE).layers) if layer.weights]
    for name, members in groupby(layers, key=_group_name):
        yield name, list(members)


def _group_name(layer: keras.Layer) -> str:
    found = _LAYER_GROUP.match(layer.name)
    return found.group() if found else str(layer.name)


def _shuffle_weights(layer: keras.Layer, rng: np.random.Generator) -> None:
    arrays = layer.get_weights()
    layer.set_weights([rng.permutation(array.ravel()).reshape(array.shape) for array in arrays])
