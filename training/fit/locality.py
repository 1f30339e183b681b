"""Every cell of the CAM's grid learns to speak for its own part of the image.

The last maps of a deep network see the whole picture, so training may gather all evidence in one corner, and a CAM is
then right about the grid and wrong about the picture. Here every image is learned together with a copy of which some
cells are painted over (as in Hide-and-Seek, Singh & Lee, 2017, arXiv:1704.04811): a cell that shows what it showed
before must say what it said before, and a cell that shows nothing must say nothing.
"""

import keras
import tensorflow as tf
from keras import ops

from model.network import BACKBONE, DROPOUT, LOGITS, POOL, SCALE

EVIDENCE = "evidence"
LEAST, MOST = 0.1, 0.7
SILENCE = 3.0
HIDDEN_SHARE = 0.5

Targets = dict[str, tf.Tensor]


def hide(images: tf.Tensor, seed: tf.Tensor, *, cells: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Paint over some of the cells × cells parts of each image uint8 `[N, S, S, C]`; the same seed, the same parts.

    Returns the images and float masks `[N, cells, cells]`, 1 where hidden. Of an image each part goes with the same
    chance between LEAST and MOST, under the image's mean color or under black.
    """
    count, side = tf.shape(images)[0], tf.shape(images)[1]
    draws = tf.random.stateless_uniform((count, 2 + cells**2), seed)
    chosen = tf.reshape(draws[:, 2:] < LEAST + (MOST - LEAST) * draws[:, :1], (count, cells, cells))
    places = tf.range(side) * cells // side
    hidden = tf.gather(tf.gather(chosen, places, axis=1), places, axis=2)[..., None]
    mean = tf.round(tf.reduce_mean(tf.cast(images, tf.float32), axis=(1, 2), keepdims=True))
    paint = tf.where(draws[:, 1, None, None, None] < 0.5, mean, tf.zeros_like(mean))
    return tf.where(hidden, tf.cast(paint, tf.uint8), images), tf.cast(chosen, tf.float32)


def with_evidence(classifier: keras.Model) -> keras.Model:
    """The same layers with a second output: what each cell alone would have for logits, `[N, h, w, classes]`."""
    features = classifier.get_layer(BACKBONE)(classifier.get_layer(SCALE)(classifier.input))
    pooled = classifier.get_layer(DROPOUT)(classifier.get_layer(POOL)(features))
    head = classifier.get_layer(LOGITS)
    return keras.Model(classifier.input, {LOGITS: head(pooled), EVIDENCE: head(features)}, name=classifier.name)


def grid(classifier: keras.Model, *, size: int) -> int:
    """Cells along a side of the last maps, for images of this size."""
    return int(classifier.get_layer(BACKBONE).compute_output_shape((1, size, size, 3))[1])


def pairs(images: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor, *, cells: int) -> tuple[tf.Tensor, Targets, Targets]:
    """Images, targets and weights for `with_evidence`: a batch `[N]` and behind it its partly hidden copy."""
    hidden, mask = hide(images, seed, cells=cells)
    count = tf.shape(images)[0]
    weights = tf.repeat([1.0, HIDDEN_SHARE], [count, count]) * 2 / (1 + HIDDEN_SHARE)
    expected = {LOGITS: tf.concat([targets, targets], 0), EVIDENCE: tf.concat([mask, mask], 0)}
    return tf.concat([images, hidden], 0), expected, {LOGITS: weights, EVIDENCE: tf.ones_like(weights)}


def disagreement(mask: keras.KerasTensor, evidence: keras.KerasTensor) -> keras.KerasTensor:
    """How far the evidence of each pair of a batch is from local, `[2N]`: the mean square of what should be zero."""
    evidence = evidence - ops.mean(evidence, axis=-1, keepdims=True)  # only differences between classes count
    whole, hidden = ops.split(evidence, 2)
    covered = ops.split(mask, 2)[0][..., None]
    moved = ops.square(hidden - whole) * (1 - covered)
    spoken = SILENCE * ops.square(hidden) * covered
    return ops.tile(ops.mean(moved + spoken, axis=(1, 2, 3)), 2)
