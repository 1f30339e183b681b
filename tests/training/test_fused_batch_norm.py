"""A model with fused batch-norm computes the same as the original."""

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from training.fit.fused_batch_norm import FusedBatchNormalization, with_fused_batch_norm

# Keras 3.15 turns its variables into arrays in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def network() -> keras.Model:
    images = keras.Input((8, 8, 3))
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.BatchNormalization(momentum=0.9)], name="inner")
    return keras.Model(images, inner(keras.layers.Conv2D(3, 3, padding="same")(images)))


def batch() -> NDArray[np.float32]:
    return np.random.default_rng(5).normal(2, 3, (64, 8, 8, 3)).astype(np.float32)


def test_nested_batch_norms_are_replaced_and_weights_kept() -> None:
    original = network()

    copy = with_fused_batch_norm(original)

    assert isinstance(copy.get_layer("inner").layers[-1], FusedBatchNormalization)
    assert all(np.array_equal(a, b) for a, b in zip(original.get_weights(), copy.get_weights(), strict=True))


@pytest.mark.parametrize("training", [True, False])
def test_the_copy_computes_the_same_outputs_and_statistics(training: bool) -> None:
    original = network()
    copy = with_fused_batch_norm(original)

    expected, found = (model(batch(), training=training) for model in (original, copy))

    assert np.allclose(found, expected, atol=1e-4)
    # The kernel divides the variance by n − 1 where Keras divides by n, here 4,096.
    assert all(np.allclose(a, b, rtol=1e-3) for a, b in zip(original.get_weights(), copy.get_weights(), strict=True))


def test_a_frozen_layer_keeps_its_statistics() -> None:
    copy = with_fused_batch_norm(network())
    copy.get_layer("inner").trainable = False
    before = copy.get_weights()

    copy(batch(), training=True)

    assert all(np.array_equal(a, b) for a, b in zip(before, copy.get_weights(), strict=True))
