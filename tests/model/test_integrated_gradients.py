"""Integrated Gradients on the shipped model: what the axioms promise."""

from functools import cache

import keras
import numpy as np
from numpy.typing import NDArray

from model.explanation.faithfulness import mean_colors
from model.explanation.integrated_gradients import IntegratedGradients
from tests.model.samples import sample_pixels, shipped


@cache
def classifier() -> keras.Model:
    return keras.saving.load_model(shipped().path / "model.keras", compile=False)


@cache
def integrated_gradients() -> IntegratedGradients:
    return IntegratedGradients(classifier())


def logits_of(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(classifier()(images, training=False))


def test_what_the_pixels_add_is_what_the_logit_of_any_class_gains_over_the_baseline() -> None:
    images, classes = np.repeat(sample_pixels()[:2], 2, axis=0), np.array([0, 3, 7, 9])

    added = integrated_gradients()(images, classes).sum(axis=(1, 2))

    gained = logits_of(images) - logits_of(np.broadcast_to(mean_colors(images), images.shape))
    expected = gained[np.arange(4), classes]
    assert np.abs(added - expected).mean() <= 0.06 * np.abs(expected).mean()


def test_a_picture_that_is_its_own_baseline_gets_zeros() -> None:
    gray = np.full((1, 96, 96, 3), 90, np.uint8)

    assert np.array_equal(integrated_gradients()(gray, np.array([3]), steps=2), np.zeros((1, 96, 96)))


def test_no_images_give_no_maps() -> None:
    assert integrated_gradients()(sample_pixels()[:0], np.array([], np.int64)).shape == (0, 96, 96)
