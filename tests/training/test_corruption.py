"""Damage to pictures."""

import numpy as np
import pytest

from tests.model.samples import sample_grays
from training.evaluation.corruption import Corruption, Damage, corrupt, damages

GRAYS = sample_grays()[:4]
COLORS = np.random.default_rng(5).integers(0, 256, (3, 40, 30, 3), np.uint8)


@pytest.mark.parametrize("damage", list(damages()), ids=str)
@pytest.mark.parametrize("images", [GRAYS, COLORS], ids=["gray", "color"])
def test_damaged_images_keep_their_shape_and_follow_from_the_seed(damage: Damage, images: np.ndarray) -> None:
    before = images.copy()

    damaged = corrupt(images, damage, seed=1)

    assert damaged.shape == images.shape
    assert damaged.dtype == np.uint8
    assert np.array_equal(images, before)
    assert not np.array_equal(damaged, images)
    assert np.array_equal(damaged, corrupt(images, damage, seed=1))


@pytest.mark.parametrize("corruption", [Corruption.NOISE, Corruption.BLUR, Corruption.SHIFT, Corruption.JPEG])
def test_a_higher_severity_damages_more(corruption: Corruption) -> None:
    mild, severe = (corrupt(GRAYS, Damage(corruption, severity)) for severity in (1, 4))

    errors = [np.abs(damaged.astype(int) - GRAYS).mean() for damaged in (mild, severe)]

    assert errors[0] < errors[1]


def test_an_inverted_image_is_its_negative() -> None:
    assert np.array_equal(corrupt(GRAYS, Damage(Corruption.INVERSION, 1)), 255 - GRAYS)


def test_a_shift_moves_the_picture_and_lets_black_in() -> None:
    spot = np.zeros((8, 25, 25), np.uint8)
    spot[:, 12, 12] = 200

    moved = corrupt(spot, Damage(Corruption.SHIFT, 2))

    places = {tuple(np.abs(place[1:] - 12)) for place in np.argwhere(moved)}
    assert places == {(2, 2)}
    assert moved.sum() == spot.sum()
