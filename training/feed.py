"""Batches for the training loop, made by tf.data from arrays already at the stage's size."""

import tensorflow as tf

from training.augment import augment
from training.data import Examples, resize
from training.plan import Plan

EVALUATION_BATCH = 250


def training_batches(examples: Examples, *, size: int, plan: Plan, first_epoch: int) -> tf.data.Dataset:
    """Endless shuffled, augmented batches of images uint8 `[B, size, size, 3]` and labels.

    Order and augmentation follow from the plan's seed and `first_epoch`: a resumed run does not repeat itself.
    """
    images, labels = _resident(examples, size)
    seed = tf.constant(plan.seed + first_epoch, tf.int64)

    def batch(step: tf.Tensor, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = augment(tf.gather(images, indices), tf.stack([seed, step]), strength=plan.strength)
        return tf.repeat(chosen, 3, axis=-1), tf.gather(labels, indices)

    indices = tf.data.Dataset.range(len(examples)).shuffle(len(examples), seed=plan.seed + first_epoch)
    batches = indices.batch(plan.batch_size, drop_remainder=True).repeat()
    return batches.enumerate().map(batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def validation_batches(examples: Examples, *, size: int) -> tf.data.Dataset:
    """The examples once, in order and unchanged."""
    images, labels = _resident(examples, size)
    pairs = tf.data.Dataset.from_tensor_slices((images, labels)).batch(EVALUATION_BATCH)
    return pairs.map(lambda grey, label: (tf.repeat(grey, 3, axis=-1), label))


def _resident(examples: Examples, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Grey pixels `[N, size, size, 1]` and labels as tensors in the host's memory, GPU or not."""
    with tf.device("/CPU:0"):
        return tf.constant(resize(examples.images, size)[..., None]), tf.constant(examples.labels)
