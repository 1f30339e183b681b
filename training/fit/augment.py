"""Random changes to training images, and mixtures of them with their classes, a whole batch at a time."""

from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Strength:
    """How far augmentation goes; lengths are shares of the image's side."""

    flip: bool = True
    shift: float = 0.08
    zoom: float = 0.10
    erase_chance: float = 0.4
    erase_side: float = 0.4
    mixup_chance: float = 0.2
    cutmix_chance: float = 0.2


def augment(images: tf.Tensor, seed: tf.Tensor, *, strength: Strength) -> tf.Tensor:
    """Flip, shift, zoom and erase images uint8 `[N, S, S, C]`; the same seed `[2]` gives the same pixels."""
    draws = tf.random.stateless_uniform((tf.shape(images)[0], 9), seed)
    moved = _move(images, draws[:, :4], strength)
    return _erase(moved, draws[:, 4:], strength)


def mix(images: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor, *, strength: Strength) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix some images uint8 `[N, S, S, C]` with their mirror places in the batch, and their targets `[N, K]` likewise.

    Mixup (Zhang et al., arXiv:1710.09412) blends the pixels, CutMix (Yun et al., arXiv:1905.04899) pastes a square;
    the image itself keeps at least half.
    """
    draws = tf.random.stateless_uniform((tf.shape(images)[0], 4), seed)
    kept = 1 - draws[:, 1] / 2
    mixed = draws[:, 0] < strength.mixup_chance
    cut = ~mixed & (draws[:, 0] < strength.mixup_chance + strength.cutmix_chance)
    pasted = _square(draws[:, 2:4], tf.sqrt(1 - kept), tf.shape(images)[1]) & cut[:, None, None]
    kept = tf.where(mixed, kept, 1 - tf.reduce_mean(tf.cast(pasted, tf.float32), axis=(1, 2)))
    shares = tf.where(mixed[:, None, None], kept[:, None, None], 1 - tf.cast(pasted, tf.float32))[..., None]
    whole = tf.cast(images, tf.float32)
    blended = tf.round(shares * whole + (1 - shares) * whole[::-1])
    return tf.cast(blended, tf.uint8), kept[:, None] * targets + (1 - kept[:, None]) * targets[::-1]


def _square(corners: tf.Tensor, side: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    """Masks `[N, S, S]` of squares with these sides, lying inside the image; lengths are shares of S."""
    places = (tf.range(pixels, dtype=tf.float32) + 0.5)[None, :] / tf.cast(pixels, tf.float32)
    start = corners * (1 - side[:, None])
    down = (places >= start[:, 0:1]) & (places < start[:, 0:1] + side[:, None])
    across = (places >= start[:, 1:2]) & (places < start[:, 1:2] + side[:, None])
    return down[:, :, None] & across[:, None, :]


def _move(images: tf.Tensor, draws: tf.Tensor, strength: Strength) -> tf.Tensor:
    """Flip, zoom about the center and shift in one resampling; what comes in from outside is black."""
    side = tf.cast(tf.shape(images)[1], tf.float32)
    center = (side - 1) / 2
    mirror = tf.where(draws[:, 0] < 0.5, -1.0, 1.0) if strength.flip else tf.ones_like(draws[:, 0])
    scale = 1 + strength.zoom * (2 * draws[:, 1] - 1)
    shift = strength.shift * side * (2 * draws[:, 2:4] - 1)
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


def _erase(images: tf.Tensor, draws: tf.Tensor, strength: Strength) -> tf.Tensor:
    """Paint one black rectangle over some of the images (random erasing, Zhong et al., arXiv:1708.04896)."""
    side = tf.shape(images)[1]
    places = (tf.range(side, dtype=tf.float32) + 0.5)[None, :] / tf.cast(side, tf.float32)
    down = tf.abs(places - draws[:, 0:1]) < draws[:, 1:2] * strength.erase_side / 2
    across = tf.abs(places - draws[:, 2:3]) < draws[:, 3:4] * strength.erase_side / 2
    chosen = draws[:, 4] < strength.erase_chance
    hidden = down[:, :, None] & across[:, None, :] & chosen[:, None, None]
    return tf.where(hidden[..., None], tf.zeros_like(images), images)
