"""Images partly painted over, and the loss that keeps evidence where it was seen."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.network import LOGITS, build_classifier
from training.fit.locality import EVIDENCE, disagreement, grid, hide, pairs, with_evidence

# Keras 3.15 turns its variables into arrays in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SEED = tf.constant([20, 7], tf.int64)
IMAGES = tf.constant(np.random.default_rng(3).integers(1, 256, (64, 40, 40, 1), np.uint8))


def test_chosen_cells_are_one_color_and_the_rest_is_untouched() -> None:
    hidden, mask = hide(IMAGES, SEED, cells=2)

    parts = (hidden.numpy().reshape(64, 2, 20, 2, 20), IMAGES.numpy().reshape(64, 2, 20, 2, 20))
    painted, before = (part.transpose(0, 1, 3, 2, 4).reshape(64, 2, 2, 400) for part in parts)
    covered = mask.numpy().astype(bool)
    assert (painted == painted[..., :1]).all(axis=-1)[covered].all()
    assert np.array_equal(painted[~covered], before[~covered])


def test_the_paint_is_black_or_the_mean_and_the_share_varies() -> None:
    hidden, mask = hide(IMAGES, SEED, cells=4)

    covered = tf.image.resize(mask[..., None], (40, 40), "nearest").numpy().astype(bool)
    colors = [set(picture[place]) for picture, place in zip(hidden.numpy(), covered, strict=True) if place.any()]
    means = np.round(IMAGES.numpy().mean(axis=(1, 2, 3)))
    assert all(len(each) == 1 for each in colors)
    assert {0} in colors
    assert any(each & set(means) for each in colors)
    assert np.ptp(mask.numpy().mean(axis=(1, 2))) > 0.5


def test_the_same_seed_hides_the_same_parts_and_another_does_not() -> None:
    first, again, other = (hide(IMAGES, tf.constant([20, step], tf.int64), cells=3)[1].numpy() for step in (7, 7, 8))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_batch_comes_with_its_hidden_copy_which_weighs_less() -> None:
    targets = tf.one_hot([1] * 64, 3)

    images, expected, weights = pairs(IMAGES, targets, SEED, cells=3)

    assert np.array_equal(images[:64], IMAGES)
    assert np.array_equal(expected[LOGITS][64:], targets)
    assert np.array_equal(expected[EVIDENCE][:64], expected[EVIDENCE][64:])
    assert weights[LOGITS].numpy() == pytest.approx([4 / 3] * 64 + [2 / 3] * 64)


def test_the_evidence_of_all_cells_averages_to_the_logits(tiny: str) -> None:
    classifier = build_classifier(3, backbone=tiny, size=96)
    images = np.random.default_rng(5).integers(0, 256, (4, 96, 96, 3), np.uint8)

    outputs = with_evidence(classifier)(images)

    assert grid(classifier, size=96) == outputs[EVIDENCE].shape[1] == 3
    mean = keras.ops.mean(outputs[EVIDENCE], axis=(1, 2))
    assert np.asarray(mean) == pytest.approx(np.asarray(classifier(images)), abs=1e-5)


def test_local_evidence_costs_nothing_and_wandering_evidence_does() -> None:
    mask = np.zeros((2, 1, 2), np.float32)
    mask[:, 0, 1] = 1
    shown = np.array([[[[1.0, -1.0], [2.0, -2.0]]]], np.float32)
    silent, moved, speaking = shown.copy(), shown.copy(), shown.copy()
    silent[0, 0, 1] = 7.0  # the same for every class says nothing
    moved[0, 0] = [[2.0, -2.0], [0.0, 0.0]]

    losses = [float(disagreement(mask, np.concatenate([shown, copy]))[0]) for copy in (silent, moved, speaking)]

    assert losses == pytest.approx([0, 1 / 2, 3 * 4 / 2])
