"""Augmentation follows from its seed, keeps the type, and stays within its settings."""

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from tests.model.samples import sample_grays
from training.fit.augment import augment, mix
from training.run.plan import Augmentation

IDENTITY = Augmentation(flip=False, max_shift=0, max_zoom=0, erase_probability=0)


def images(count: int = 64) -> NDArray[np.uint8]:
    return sample_grays()[:count, :, :, None]


def changed(augmentation: Augmentation, *, seed: int = 1) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = augment(
        tf.constant(images()), tf.constant([seed, 0]), augmentation=augmentation
    ).numpy()
    return pixels


def test_without_augmentation_nothing_changes() -> None:
    assert np.array_equal(changed(IDENTITY), images())


def test_the_same_seed_gives_the_same_pixels_and_another_seed_different_ones() -> None:
    assert np.array_equal(changed(Augmentation()), changed(Augmentation()))
    assert not np.array_equal(changed(Augmentation()), changed(Augmentation(), seed=2))
    assert changed(Augmentation()).dtype == np.uint8


def test_a_flip_mirrors_about_half_of_the_images() -> None:
    result = changed(Augmentation(flip=True, max_shift=0, max_zoom=0, erase_probability=0))

    mirrored = (result == images()[:, :, ::-1]).all(axis=(1, 2, 3))
    kept = (result == images()).all(axis=(1, 2, 3))
    assert (mirrored | kept).all()
    assert 16 < mirrored.sum() < 48


def test_a_shift_stays_within_its_maximum() -> None:
    dot = np.zeros((64, 21, 21, 1), np.uint8)
    dot[:, 10, 10] = 255

    moved = augment(tf.constant(dot), tf.constant([1, 0]), augmentation=Augmentation(False, 0.2, 0, 0)).numpy()

    _, rows, columns, _ = np.nonzero(moved)
    reach = 0.2 * 21 + 1
    assert np.abs(rows - 10).max() <= reach
    assert np.abs(columns - 10).max() <= reach
    assert np.ptp(rows) > 4


def test_erasing_blackens_one_rectangle() -> None:
    white = np.full((64, 20, 20, 1), 255, np.uint8)

    erased = (
        augment(tf.constant(white), tf.constant([1, 0]), augmentation=Augmentation(False, 0, 0, 1.0)).numpy()[..., 0]
        == 0
    )

    for hidden in erased:
        assert np.array_equal(hidden, hidden.any(axis=1)[:, None] & hidden.any(axis=0)[None, :])
        assert hidden.any(axis=1).sum() <= 0.4 * 20 + 1
    assert erased.any(axis=(1, 2)).mean() > 0.8


def mixed(augmentation: Augmentation) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Mix white images of class 0 with black images of class 1; they alternate, so each pair has one of both."""
    pixels = np.zeros((64, 20, 20, 1), np.uint8)
    pixels[::2] = 255
    targets = np.tile(np.eye(2, dtype=np.float32), (32, 1))
    result, mixed_targets = mix(
        tf.constant(pixels), tf.constant(targets), tf.constant([1, 0]), augmentation=augmentation
    )
    return result.numpy(), mixed_targets.numpy()


def test_with_a_probability_of_zero_nothing_is_mixed() -> None:
    pixels, targets = mixed(Augmentation(mixup_probability=0, cutmix_probability=0))

    assert (pixels[::2] == 255).all()
    assert (pixels[1::2] == 0).all()
    assert (targets.max(axis=1) == 1).all()


@pytest.mark.parametrize(
    "augmentation",
    [Augmentation(mixup_probability=1, cutmix_probability=0), Augmentation(mixup_probability=0, cutmix_probability=1)],
)
def test_the_targets_of_a_mixture_are_the_fractions_of_its_pixels(augmentation: Augmentation) -> None:
    pixels, targets = mixed(augmentation)

    assert np.allclose(pixels.mean(axis=(1, 2, 3)) / 255, targets[:, 0], atol=0.003)
    assert np.allclose(targets.sum(axis=1), 1)
    assert (targets[np.arange(64), np.arange(64) % 2] > 0.45).all()
    assert np.ptp(targets[::2, 0]) > 0.3


def test_cutmix_pastes_pixels_unchanged() -> None:
    pixels, _ = mixed(Augmentation(mixup_probability=0, cutmix_probability=1))

    assert set(np.unique(pixels)) == {0, 255}
