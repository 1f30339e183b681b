"""Integrated Gradients on the shipped model keeps its axioms."""

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


def test_attributions_add_up_to_the_difference_of_the_logits_of_image_and_baseline() -> None:
    images, classes = np.repeat(sample_pixels()[:2], 2, axis=0), np.array([0, 3, 7, 9])

    attributed = integrated_gradients()(images, classes).sum(axis=(1, 2))

    difference = logits_of(images) - logits_of(np.broadcast_to(mean_colors(images), images.shape))
    expected = difference[np.arange(4), classes]
    assert np.abs(attributed - expected).mean() <= 0.06 * np.abs(expected).mean()


def test_an_image_equal_to_its_baseline_gets_zeros() -> None:
    gray = np.full((1, 96, 96, 3), 90, np.uint8)

    assert np.array_equal(integrated_gradients()(gray, np.array([3]), steps=2), np.zeros((1, 96, 96)))


def test_no_images_give_no_maps() -> None:
    assert integrated_gradients()(sample_pixels()[:0], np.array([], np.int64)).shape == (0, 96, 96)
