"""Batches for the training loop, made by tf.data from arrays already at the stage's size."""

import keras
import tensorflow as tf

from training.data.fashion_mnist import Examples, resize
from training.fit.augment import augment, mix
from training.fit.locality import pairs
from training.fit.plan import Plan

EVALUATION_BATCH = 250
# Streams of random numbers that must not meet: epochs count up within each.
MOVES, MIXTURES, HIDDEN = 0, 1 << 20, 1 << 21


class Feed:
    """Training images at one size, as one data set per epoch: images uint8 `[B, S, S, 3]` and targets `[B, K]`.

    With `cells` every image comes twice, as `training.fit.locality.pairs` has it.
    """

    def __init__(self, examples: Examples, *, size: int, classes: int, plan: Plan, cells: int | None = None) -> None:
        self._images, self._labels = _resident(examples, size)
        self._classes, self._plan, self._cells = classes, plan, cells

    @property
    def steps(self) -> int:
        return len(self._labels) // self._plan.batch_size

    def epoch(self, epoch: int) -> tf.data.Dataset:
        """The batches of this epoch, counted from 0: they follow from the plan's seed and the epoch alone."""
        plan = self._plan
        start = tf.constant(plan.seed * 1000 + epoch, tf.int64)

        def batch(step: tf.Tensor, indices: tf.Tensor) -> tuple[object, ...]:
            images = augment(tf.gather(self._images, indices), tf.stack([start + MOVES, step]), strength=plan.strength)
            targets = tf.one_hot(tf.gather(self._labels, indices), self._classes)
            if plan.mixes(epoch):
                targets = (1 - plan.label_smoothing) * targets + plan.label_smoothing / self._classes
                images, targets = mix(images, targets, tf.stack([start + MIXTURES, step]), strength=plan.strength)
            images = _rgb(images)
            if self._cells is None:
                return images, targets
            return pairs(images, targets, tf.stack([start + HIDDEN, step]), cells=self._cells)

        batches = tf.data.Dataset.from_tensor_slices(self._order(epoch)).batch(plan.batch_size, drop_remainder=True)
        return batches.enumerate().map(batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)

    def _order(self, epoch: int) -> tf.Tensor:
        """Drawn once: a shuffled data set has another order when it is read again, and Keras on JAX peeks into it."""
        count = len(self._labels)
        shuffled = tf.data.Dataset.range(count).shuffle(count, seed=self._plan.seed * 1000 + epoch)
        return shuffled.batch(count).get_single_element()


def validation_batches(examples: Examples, *, size: int, classes: int) -> tf.data.Dataset:
    """The examples once, in order and unchanged."""
    images, labels = _resident(examples, size)
    pairs = tf.data.Dataset.from_tensor_slices((images, labels)).batch(EVALUATION_BATCH)
    return pairs.map(lambda batch, label: (_rgb(batch), tf.one_hot(label, classes)))


def _rgb(images: tf.Tensor) -> tf.Tensor:
    return images if images.shape[-1] == 3 else tf.repeat(images, 3, axis=-1)


def _resident(examples: Examples, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Pixels `[N, size, size, 1 or 3]` and labels as tensors in the host's memory, GPU or not."""
    pixels = resize(examples.images, size)
    if keras.backend.backend() != "tensorflow":
        tf.config.set_visible_devices([], "GPU")  # TensorFlow only feeds then; it would take most of the GPU's memory
    with tf.device("/CPU:0"):
        return tf.constant(pixels.reshape(len(examples), size, size, -1)), tf.constant(examples.labels)
