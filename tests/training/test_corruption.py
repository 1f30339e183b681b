"""Image corruptions."""

import numpy as np
import pytest

from tests.model.samples import sample_grays
from training.evaluation.corruption import Corruption, CorruptionKind, corrupt, corruptions

GRAYS = sample_grays()[:4]
COLORS = np.random.default_rng(5).integers(0, 256, (3, 40, 30, 3), np.uint8)


@pytest.mark.parametrize("corruption", list(corruptions()), ids=str)
@pytest.mark.parametrize("images", [GRAYS, COLORS], ids=["gray", "color"])
def test_corrupted_images_keep_their_shape_and_follow_from_the_seed(corruption: Corruption, images: np.ndarray) -> None:
    before = images.copy()

    corrupted = corrupt(images, corruption, seed=1)

    assert corrupted.shape == images.shape
    assert corrupted.dtype == np.uint8
    assert np.array_equal(images, before)
    assert not np.array_equal(corrupted, images)
    assert np.array_equal(corrupted, corrupt(images, corruption, seed=1))


@pytest.mark.parametrize("kind", [CorruptionKind.NOISE, CorruptionKind.BLUR, CorruptionKind.SHIFT, CorruptionKind.JPEG])
def test_a_higher_severity_changes_more(kind: CorruptionKind) -> None:
    mild, severe = (corrupt(GRAYS, Corruption(kind, severity)) for severity in (1, 4))

    errors = [np.abs(corrupted.astype(int) - GRAYS).mean() for corrupted in (mild, severe)]

    assert errors[0] < errors[1]


def test_an_inverted_image_is_its_negative() -> None:
    assert np.array_equal(corrupt(GRAYS, Corruption(CorruptionKind.INVERSION, 1)), 255 - GRAYS)


def test_a_shift_moves_the_image_and_uncovers_black() -> None:
    spot = np.zeros((8, 25, 25), np.uint8)
    spot[:, 12, 12] = 200

    moved = corrupt(spot, Corruption(CorruptionKind.SHIFT, 2))

    places = {tuple(np.abs(place[1:] - 12)) for place in np.argwhere(moved)}
    assert places == {(2, 2)}
    assert moved.sum() == spot.sum()
