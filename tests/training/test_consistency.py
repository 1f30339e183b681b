"""Consistency regularization: hidden cells, and the loss on the logits of each cell."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.network import LOGITS, build_classifier
from training.fit.consistency import (
    CELL_LOGITS,
    consistency_loss,
    grid_cells,
    hide_cells,
    make_pairs,
    with_cell_logits,
)

# Keras 3.15 turns its variables into arrays in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SEED = tf.constant([20, 7], tf.int64)
IMAGES = tf.constant(np.random.default_rng(3).integers(1, 256, (64, 40, 40, 1), np.uint8))


def test_hidden_cells_have_one_color_and_visible_cells_are_unchanged() -> None:
    hidden, mask = hide_cells(IMAGES, SEED, cells=2)

    parts = (hidden.numpy().reshape(64, 2, 20, 2, 20), IMAGES.numpy().reshape(64, 2, 20, 2, 20))
    painted, before = (part.transpose(0, 1, 3, 2, 4).reshape(64, 2, 2, 400) for part in parts)
    covered = mask.numpy().astype(bool)
    assert (painted == painted[..., :1]).all(axis=-1)[covered].all()
    assert np.array_equal(painted[~covered], before[~covered])


def test_hidden_cells_are_black_or_of_the_mean_color_in_varying_number() -> None:
    hidden, mask = hide_cells(IMAGES, SEED, cells=4)

    covered = tf.image.resize(mask[..., None], (40, 40), "nearest").numpy().astype(bool)
    colors = [set(picture[place]) for picture, place in zip(hidden.numpy(), covered, strict=True) if place.any()]
    means = np.round(IMAGES.numpy().mean(axis=(1, 2, 3)))
    assert all(len(each) == 1 for each in colors)
    assert {0} in colors
    assert any(each & set(means) for each in colors)
    assert np.ptp(mask.numpy().mean(axis=(1, 2))) > 0.5


def test_the_seed_decides_which_cells_are_hidden() -> None:
    first, again, other = (
        hide_cells(IMAGES, tf.constant([20, step], tf.int64), cells=3)[1].numpy() for step in (7, 7, 8)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_copy_with_hidden_cells_weighs_less_than_the_image() -> None:
    targets = tf.one_hot([1] * 64, 3)

    images, expected, weights = make_pairs(IMAGES, targets, SEED, cells=3)

    assert np.array_equal(images[:64], IMAGES)
    assert np.array_equal(expected[LOGITS][64:], targets)
    assert np.array_equal(expected[CELL_LOGITS][:64], expected[CELL_LOGITS][64:])
    assert weights[LOGITS].numpy() == pytest.approx([4 / 3] * 64 + [2 / 3] * 64)


def test_the_logits_of_all_cells_average_to_those_of_the_image(tiny: str) -> None:
    classifier = build_classifier(3, backbone=tiny, size=96)
    images = np.random.default_rng(5).integers(0, 256, (4, 96, 96, 3), np.uint8)

    outputs = with_cell_logits(classifier)(images)

    assert grid_cells(classifier, size=96) == outputs[CELL_LOGITS].shape[1] == 3
    mean = keras.ops.mean(outputs[CELL_LOGITS], axis=(1, 2))
    assert np.asarray(mean) == pytest.approx(np.asarray(classifier(images)), abs=1e-5)


def test_the_loss_is_zero_for_consistent_cells_and_positive_otherwise() -> None:
    mask = np.zeros((2, 1, 2), np.float32)
    mask[:, 0, 1] = 1
    shown = np.array([[[[1.0, -1.0], [2.0, -2.0]]]], np.float32)
    consistent, changed, hidden_evidence = shown.copy(), shown.copy(), shown.copy()
    consistent[0, 0, 1] = 7.0  # equal logits of all classes do not count
    changed[0, 0] = [[2.0, -2.0], [0.0, 0.0]]

    losses = [
        float(consistency_loss(mask, np.concatenate([shown, copy]))[0])
        for copy in (consistent, changed, hidden_evidence)
    ]

    assert losses == pytest.approx([0, 1 / 2, 3 * 4 / 2])
