"""Augmentation of training images, and mixtures of images and targets, one batch at a time."""

import tensorflow as tf

from training.run.plan import Augmentation


def augment(images: tf.Tensor, seed: tf.Tensor, *, augmentation: Augmentation) -> tf.Tensor:
    """Flip, shift, zoom and erase images uint8 `[N, S, S, C]`; the same seed int64 `[2]` gives the same pixels."""
    draws = tf.random.stateless_uniform((tf.shape(images)[0], 9), seed)
    moved = _move(images, draws[:, :4], augmentation)
    return _erase(moved, draws[:, 4:], augmentation)


def mix(
    images: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor, *, augmentation: Augmentation
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix some images uint8 `[N, S, S, C]` with the batch in reverse order, and their targets `[N, K]` alike.

    Mixup (Zhang et al., 2017, arXiv:1710.09412) blends the pixels. CutMix (Yun et al., 2019, arXiv:1905.04899) pastes a
    square. The image itself keeps at least half of its weight. The same seed int64 `[2]` gives the same mixtures.
    """
    draws = tf.random.stateless_uniform((tf.shape(images)[0], 4), seed)
    kept = 1 - draws[:, 1] / 2
    mixed = draws[:, 0] < augmentation.mixup_probability
    cut = ~mixed & (draws[:, 0] < augmentation.mixup_probability + augmentation.cutmix_probability)
    pasted = _square(draws[:, 2:4], tf.sqrt(1 - kept), tf.shape(images)[1]) & cut[:, None, None]
    kept = tf.where(mixed, kept, 1 - tf.reduce_mean(tf.cast(pasted, tf.float32), axis=(1, 2)))
    weights = tf.where(mixed[:, None, None], kept[:, None, None], 1 - tf.cast(pasted, tf.float32))[..., None]
    pixels = tf.cast(images, tf.float32)
    blended = tf.round(weights * pixels + (1 - weights) * pixels[::-1])
    return tf.cast(blended, tf.uint8), kept[:, None] * targets + (1 - kept[:, None]) * targets[::-1]


def _square(corners: tf.Tensor, side: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Return masks `[N, S, S]` of squares inside the image; corners and sides are fractions of S = `size`."""
    positions = (tf.range(size, dtype=tf.float32) + 0.5)[None, :] / tf.cast(size, tf.float32)
    start = corners * (1 - side[:, None])
    down = (positions >= start[:, 0:1]) & (positions < start[:, 0:1] + side[:, None])
    across = (positions >= start[:, 1:2]) & (positions < start[:, 1:2] + side[:, None])
    return down[:, :, None] & across[:, None, :]


def _move(images: tf.Tensor, draws: tf.Tensor, augmentation: Augmentation) -> tf.Tensor:
    """Flip, zoom about the center and shift in one resampling; pixels from outside the image are black."""
    side = tf.cast(tf.shape(images)[1], tf.float32)
    center = (side - 1) / 2
    mirror = tf.where(draws[:, 0] < 0.5, -1.0, 1.0) if augmentation.flip else tf.ones_like(draws[:, 0])
    scale = 1 + augmentation.max_zoom * (2 * draws[:, 1] - 1)
    shift = augmentation.max_shift * side * (2 * draws[:, 2:4] - 1)
    zeros = tf.zeros_like(scale)
    # Rows (a0 a1 a2 b0 b1 b2 c0 c1): output pixel (x, y) is read at (a0 x + a1 y + a2, b0 x + b1 y + b2).
    across = [mirror * scale, zeros, center - mirror * scale * center + shift[:, 0]]
    down = [zeros, scale, center - scale * center + shift[:, 1]]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*across, *down, zeros, zeros], axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def _erase(images: tf.Tensor, draws: tf.Tensor, augmentation: Augmentation) -> tf.Tensor:
    """Paint one black rectangle over some of the images (random erasing, Zhong et al., 2017, arXiv:1708.04896)."""
    side = tf.shape(images)[1]
    positions = (tf.range(side, dtype=tf.float32) + 0.5)[None, :] / tf.cast(side, tf.float32)
    down = tf.abs(positions - draws[:, 0:1]) < draws[:, 1:2] * augmentation.max_erased_side / 2
    across = tf.abs(positions - draws[:, 2:3]) < draws[:, 3:4] * augmentation.max_erased_side / 2
    chosen = draws[:, 4] < augmentation.erase_probability
    hidden = down[:, :, None] & across[:, None, :] & chosen[:, None, None]
    return tf.where(hidden[..., None], tf.zeros_like(images), images)
