"""The input pipeline of training: batches made by tf.data from images that are already at the stage's size."""

import keras
import tensorflow as tf

from model.decode import stretch_images
from training.data.examples import Examples
from training.fit.augment import augment, mix
from training.fit.consistency import make_pairs
from training.run.plan import Plan

VALIDATION_BATCH = 250

# Offsets that keep the three streams of random numbers apart; within a stream the epoch is added.
AUGMENT_STREAM, MIX_STREAM, HIDE_STREAM = 0, 1 << 20, 1 << 21


class InputPipeline:
    """Training images at one size, as one data set per epoch: images uint8 `[B, S, S, 3]` and targets `[B, K]`.

    With `cells` the batches are pairs for the consistency loss, see `training.fit.consistency.make_pairs`.
    """

    def __init__(self, examples: Examples, *, size: int, classes: int, plan: Plan, cells: int | None = None) -> None:
        self._images, self._labels = _load_tensors(examples, size)
        self._classes, self._plan, self._cells = classes, plan, cells

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return len(self._labels) // self._plan.batch_size

    def epoch(self, epoch: int) -> tf.data.Dataset:
        """Return the batches of this epoch, counted from 0; they depend on the plan's seed and the epoch alone."""
        plan = self._plan
        start = tf.constant(plan.seed * 1000 + epoch, tf.int64)

        def batch(step: tf.Tensor, indices: tf.Tensor) -> tuple[object, ...]:
            images = tf.gather(self._images, indices)
            images = augment(images, tf.stack([start + AUGMENT_STREAM, step]), augmentation=plan.augmentation)
            targets = tf.one_hot(tf.gather(self._labels, indices), self._classes)
            if plan.mixes(epoch):
                targets = (1 - plan.label_smoothing) * targets + plan.label_smoothing / self._classes
                seed = tf.stack([start + MIX_STREAM, step])
                images, targets = mix(images, targets, seed, augmentation=plan.augmentation)
            images = _rgb(images)
            if self._cells is None:
                return images, targets
            return make_pairs(images, targets, tf.stack([start + HIDE_STREAM, step]), cells=self._cells)

        batches = tf.data.Dataset.from_tensor_slices(self._order(epoch)).batch(plan.batch_size, drop_remainder=True)
        return batches.enumerate().map(batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)

    def _order(self, epoch: int) -> tf.Tensor:
        """Return the shuffled order as a tensor: Keras on JAX reads a data set twice, and tf.data would reshuffle."""
        count = len(self._labels)
        shuffled = tf.data.Dataset.range(count).shuffle(count, seed=self._plan.seed * 1000 + epoch)
        return shuffled.batch(count).get_single_element()


def validation_batches(examples: Examples, *, size: int, classes: int) -> tf.data.Dataset:
    """Return the examples once, in order and without augmentation, as images `[B, S, S, 3]` and targets `[B, K]`."""
    images, labels = _load_tensors(examples, size)
    batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(VALIDATION_BATCH)
    return batches.map(lambda batch, label: (_rgb(batch), tf.one_hot(label, classes)))


def _rgb(images: tf.Tensor) -> tf.Tensor:
    return images if images.shape[-1] == 3 else tf.repeat(images, 3, axis=-1)


def _load_tensors(examples: Examples, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return pixels `[N, size, size, 1 or 3]` and labels `[N]` as tensors in the host's memory."""
    pixels = stretch_images(examples.images, side=size)
    if keras.backend.backend() != "tensorflow":
        # TensorFlow only makes batches here; with a visible GPU it would reserve most of the GPU's memory.
        tf.config.set_visible_devices([], "GPU")
    with tf.device("/CPU:0"):
        return tf.constant(pixels.reshape(len(examples), size, size, -1)), tf.constant(examples.labels)
