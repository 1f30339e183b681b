"""Which layers learn in a stage."""

import keras

from model.network import BACKBONE
from training.fit.plan import Part

LATE_STRIDE = 8
PROBE = 256


def train_only(model: keras.Model, part: Part) -> None:
    """Let this part of a classifier learn and freeze the rest; a frozen batch-norm keeps its statistics.

    Early layers are the dearest, for they work on large maps, and the first to have learned what they can.
    """
    backbone = model.get_layer(BACKBONE)
    frozen = {Part.ALL: 0, Part.LATE: _first_late(backbone), Part.HEAD: len(backbone.layers)}[part]
    for number, layer in enumerate(backbone.layers):
        layer.trainable = number >= frozen


def _first_late(backbone: keras.Model) -> int:
    """The number of the first layer whose output has at most 1/8 of the image's side."""
    every = keras.Model(backbone.input, [layer.output for layer in backbone.layers])
    shapes = every.compute_output_shape((1, PROBE, PROBE, 3))
    return next(number for number, shape in enumerate(shapes) if shape[1] <= PROBE // LATE_STRIDE)
