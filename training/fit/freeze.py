"""Freeze the layers that a stage does not train."""

import keras

from model.network import BACKBONE
from training.run.plan import Trainable

LATE_STRIDE = 8
PROBE_SIZE_PX = 256


def freeze_all_but(model: keras.Model, trainable: Trainable) -> None:
    """Freeze every layer of a classifier that the stage does not train; a frozen batch-norm keeps its statistics.

    Early layers are the most expensive ones, because their maps are large, and they converge first.
    """
    backbone = model.get_layer(BACKBONE)
    frozen = {
        Trainable.ALL: 0,
        Trainable.LATE: _first_late_layer(backbone),
        Trainable.HEAD: len(backbone.layers),
    }[trainable]
    for number, layer in enumerate(backbone.layers):
        layer.trainable = number >= frozen


def _first_late_layer(backbone: keras.Model) -> int:
    """Return the index of the first layer whose output has at most 1/8 of the image's side."""
    outputs = keras.Model(backbone.input, [layer.output for layer in backbone.layers])
    shapes = outputs.compute_output_shape((1, PROBE_SIZE_PX, PROBE_SIZE_PX, 3))
    return next(number for number, shape in enumerate(shapes) if shape[1] <= PROBE_SIZE_PX // LATE_STRIDE)
