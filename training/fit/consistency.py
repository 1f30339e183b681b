"""Consistency regularization of the CAM grid, which ties each cell of the CAM to its own part of the image.

The receptive field of a deep network's last maps is larger than the image, so training may gather all class evidence in
one cell, and the CAM then points at a place where nothing is. The remedy: every image is trained together with a copy
in which some cells are hidden, and a loss on the logits of each cell asks that

- a visible cell gives the same logits in image and copy;
- a hidden cell gives the same logit for every class.

Nearest in the literature: hiding random patches in training (Hide-and-Seek, Singh & Lee, 2017, arXiv:1704.04811), and
losses that keep CAMs consistent under transformations (SEAM, Wang et al., 2020, arXiv:2004.04581) or complementary
hidden patches (Zhang et al., 2021, CPN, arXiv:2108.03852). Here the transformation is hiding, and the loss acts on the
logits of all classes.
"""

import keras
import tensorflow as tf
from keras import ops

from model.network import BACKBONE, DROPOUT, LOGITS, POOL, SCALE

CELL_LOGITS = "cell_logits"
MIN_HIDDEN_PROBABILITY, MAX_HIDDEN_PROBABILITY = 0.1, 0.7
HIDDEN_CELL_WEIGHT = 3.0
HIDDEN_COPY_WEIGHT = 0.5

Targets = dict[str, tf.Tensor]


def hide_cells(images: tf.Tensor, seed: tf.Tensor, *, cells: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Hide random cells of a cells × cells grid over each image, under black or the image's mean color.

    Args:
        images: uint8 `[N, S, S, C]`.
        seed: int64 `[2]`; the same seed hides the same cells.
        cells: cells along a side. All cells of an image are hidden with one probability, which is uniform between
            `MIN_HIDDEN_PROBABILITY` and `MAX_HIDDEN_PROBABILITY`.

    Returns:
        The images, and float32 masks `[N, cells, cells]` that are 1 where a cell is hidden.
    """
    count, side = tf.shape(images)[0], tf.shape(images)[1]
    draws = tf.random.stateless_uniform((count, 2 + cells**2), seed)
    probability = MIN_HIDDEN_PROBABILITY + (MAX_HIDDEN_PROBABILITY - MIN_HIDDEN_PROBABILITY) * draws[:, :1]
    chosen = tf.reshape(draws[:, 2:] < probability, (count, cells, cells))
    cell_of_pixel = tf.range(side) * cells // side
    hidden = tf.gather(tf.gather(chosen, cell_of_pixel, axis=1), cell_of_pixel, axis=2)[..., None]
    mean = tf.round(tf.reduce_mean(tf.cast(images, tf.float32), axis=(1, 2), keepdims=True))
    paint = tf.where(draws[:, 1, None, None, None] < 0.5, mean, tf.zeros_like(mean))
    return tf.where(hidden, tf.cast(paint, tf.uint8), images), tf.cast(chosen, tf.float32)


def with_cell_logits(classifier: keras.Model) -> keras.Model:
    """Return a model of the same layers with a second output: the logits of each cell alone, `[N, h, w, classes]`."""
    features = classifier.get_layer(BACKBONE)(classifier.get_layer(SCALE)(classifier.input))
    pooled = classifier.get_layer(DROPOUT)(classifier.get_layer(POOL)(features))
    head = classifier.get_layer(LOGITS)
    return keras.Model(classifier.input, {LOGITS: head(pooled), CELL_LOGITS: head(features)}, name=classifier.name)


def grid_cells(classifier: keras.Model, *, size: int) -> int:
    """Return the number of cells along a side of the last maps, for images of `size` pixels a side."""
    return int(classifier.get_layer(BACKBONE).compute_output_shape((1, size, size, 3))[1])


def make_pairs(
    images: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor, *, cells: int
) -> tuple[tf.Tensor, Targets, Targets]:
    """Return images, targets and sample weights for `with_cell_logits`: a batch `[N]`, then its copy with hidden cells.

    Arguments as in `hide_cells`; targets are `[N, classes]`.
    """
    hidden, mask = hide_cells(images, seed, cells=cells)
    count = tf.shape(images)[0]
    weights = tf.repeat([1.0, HIDDEN_COPY_WEIGHT], [count, count]) * 2 / (1 + HIDDEN_COPY_WEIGHT)
    expected = {LOGITS: tf.concat([targets, targets], 0), CELL_LOGITS: tf.concat([mask, mask], 0)}
    return tf.concat([images, hidden], 0), expected, {LOGITS: weights, CELL_LOGITS: tf.ones_like(weights)}


def consistency_loss(mask: keras.KerasTensor, cell_logits: keras.KerasTensor) -> keras.KerasTensor:
    """Return the consistency loss of each image of a batch of pairs, `[2N]`.

    Args:
        mask: `[2N, h, w]`, 1 where a cell of the copy is hidden; both halves are equal.
        cell_logits: `[2N, h, w, classes]` of the images, then of their copies.

    Returns:
        The mean square of differences that should be 0: between image and copy in visible cells, and, weighted by
        `HIDDEN_CELL_WEIGHT`, between the classes in hidden cells.
    """
    centered = cell_logits - ops.mean(cell_logits, axis=-1, keepdims=True)  # softmax ignores a common offset
    original, copy = ops.split(centered, 2)
    hidden = ops.split(mask, 2)[0][..., None]
    visible_change = ops.square(copy - original) * (1 - hidden)
    hidden_evidence = HIDDEN_CELL_WEIGHT * ops.square(copy) * hidden
    return ops.tile(ops.mean(visible_change + hidden_evidence, axis=(1, 2, 3)), 2)
