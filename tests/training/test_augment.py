"""Augmentation is pure, keeps the type, and does what each strength says."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tests.model.samples import sample_greys
from training.augment import Strength, augment

IDENTITY = Strength(flip=False, shift=0, zoom=0, erase_chance=0)


def images(count: int = 64) -> NDArray[np.uint8]:
    return sample_greys()[:count, :, :, None]


def changed(strength: Strength, *, seed: int = 1) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = augment(tf.constant(images()), tf.constant([seed, 0]), strength=strength).numpy()
    return pixels


def test_without_strength_nothing_changes() -> None:
    assert np.array_equal(changed(IDENTITY), images())


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others() -> None:
    assert np.array_equal(changed(Strength()), changed(Strength()))
    assert not np.array_equal(changed(Strength()), changed(Strength(), seed=2))
    assert changed(Strength()).dtype == np.uint8


def test_a_flip_mirrors_about_half_of_the_images_and_leaves_the_others() -> None:
    result = changed(Strength(flip=True, shift=0, zoom=0, erase_chance=0))

    mirrored = (result == images()[:, :, ::-1]).all(axis=(1, 2, 3))
    kept = (result == images()).all(axis=(1, 2, 3))
    assert (mirrored | kept).all()
    assert 16 < mirrored.sum() < 48


def test_a_shift_moves_no_further_than_it_may() -> None:
    dot = np.zeros((64, 21, 21, 1), np.uint8)
    dot[:, 10, 10] = 255

    moved = augment(tf.constant(dot), tf.constant([1, 0]), strength=Strength(False, 0.2, 0, 0)).numpy()

    _, rows, columns, _ = np.nonzero(moved)
    reach = 0.2 * 21 + 1
    assert np.abs(rows - 10).max() <= reach
    assert np.abs(columns - 10).max() <= reach
    assert np.ptp(rows) > 4


def test_erasing_blackens_a_rectangle_and_nothing_else() -> None:
    white = np.full((64, 20, 20, 1), 255, np.uint8)

    erased = augment(tf.constant(white), tf.constant([1, 0]), strength=Strength(False, 0, 0, 1.0)).numpy()[..., 0] == 0

    for hidden in erased:
        assert np.array_equal(hidden, hidden.any(axis=1)[:, None] & hidden.any(axis=0)[None, :])
        assert hidden.any(axis=1).sum() <= 0.4 * 20 + 1
    assert erased.any(axis=(1, 2)).mean() > 0.8
