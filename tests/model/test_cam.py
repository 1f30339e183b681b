"""The closed forms of the CAMs against the gradient tape, on the shipped model and real pictures."""

from functools import cache
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from model.explanation.cam import (
    Formula,
    Pooled,
    Tail,
    grad_cam,
    grad_cam_plus_plus,
    gradients,
    hires_cam,
    layer_cam,
    load_tail,
    logits,
    preactivations,
    served_cam,
)
from model.head import TAIL_INPUT
from model.network import BACKBONE
from tests.model.samples import sample_pixels, shipped

Floats = NDArray[np.float32]
Float64s = NDArray[np.float64]


# A z this close to 0 or 6 lies on either side of it, depending on the rounding of a sum of 320 products.
ROUNDING = 1e-5
NEAR_ZERO = 0.1


METHODS = (grad_cam, grad_cam_plus_plus, hires_cam, layer_cam)


class Taped(NamedTuple):
    """Outputs of the unfolded network on the samples, with tape gradients of the most and the least likely class."""

    features: Floats
    logits: Floats
    gradient: Floats
    least: Floats


@cache
def taped() -> Taped:
    classifier = keras.saving.load_model(shipped().path / "model.keras", compile=False)
    backbone = classifier.get_layer(BACKBONE)
    cut = backbone.get_layer(TAIL_INPUT).output
    trunk, rest = keras.Model(backbone.input, cut), keras.Model(cut, backbone.output)
    features = tf.concat([trunk(scaled(batch), training=False) for batch in np.split(sample_pixels(), 6)], axis=0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(features)
        scores = classifier.get_layer("logits")(classifier.get_layer("pool")(rest(features, training=False)))
        highest, lowest = (tf.reduce_sum(of(scores, axis=1)) for of in (tf.reduce_max, tf.reduce_min))
    of_highest, of_lowest = (tape.gradient(score, features).numpy() for score in (highest, lowest))
    return Taped(features.numpy(), scores.numpy(), of_highest, of_lowest)


def scaled(images: NDArray[np.uint8]) -> Floats:
    return images.astype(np.float32) / np.float32(127.5) - 1


def tail() -> Tail:
    return load_tail(shipped().path / "tail.npz")


def test_the_folded_tail_gives_the_logits_of_the_network() -> None:
    folded = logits(preactivations(taped().features, tail()), tail())

    assert np.abs(folded - taped().logits).max() <= 1e-4


def as_published(method: Formula, a: Float64s, g: Float64s) -> Float64s:
    """The method as its paper states it, from activations and the gradient of the tape."""
    weights = g
    if method is grad_cam:
        weights = g.mean(axis=(1, 2), keepdims=True)
    elif method is layer_cam:
        weights = np.maximum(g, 0)
    elif method is grad_cam_plus_plus:
        alpha = np.where(g == 0, 0, g**2 / np.where(g == 0, 1, 2 * g**2 + a.sum(axis=(1, 2), keepdims=True) * g**3))
        weights = (alpha * np.maximum(g, 0)).sum(axis=(1, 2), keepdims=True)
    cam: Float64s = np.maximum((a * weights).sum(axis=-1), 0)
    return cam


def rounding_sensitive(a: Float64s, g: Float64s) -> NDArray[np.bool_]:
    """Images whose result depends on rounding: a z at a kink of the ReLU6, or a divisor of Grad-CAM++ near zero."""
    z = preactivations(a.astype(np.float32), tail())
    to_a_kink = np.minimum(np.abs(z), np.abs(z - 6)).min(axis=(1, 2, 3))
    divisor = np.abs(2 + g * a.sum(axis=(1, 2), keepdims=True)).min(axis=(1, 2, 3))
    decided: NDArray[np.bool_] = (to_a_kink <= ROUNDING) | (divisor <= NEAR_ZERO)
    return decided


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("least", [False, True])
def test_the_closed_form_equals_the_gradient_tape(method: Formula, least: bool) -> None:
    scores = taped().logits
    a, g = (each.astype(np.float64) for each in (taped().features, taped().least if least else taped().gradient))

    cam = method(taped().features, tail(), classes=scores.argmin(axis=1) if least else scores.argmax(axis=1))

    expected = as_published(method, a, g)
    differences = np.abs(cam - expected).max(axis=(1, 2))
    far = differences > 1e-4 * np.maximum(expected.max(axis=(1, 2)), 1)
    assert np.median(differences) <= 1e-5
    assert far.mean() <= (0.05 if method is grad_cam_plus_plus else 0.005)
    assert rounding_sensitive(a, g)[far].all()


@pytest.mark.parametrize("method", METHODS)
def test_a_cam_explains_any_class_and_by_default_the_predicted_one(method: Formula) -> None:
    features = taped().features[:20]
    predicted = taped().logits[:20].argmax(axis=1)

    own, other = (method(features, tail(), classes=classes) for classes in (predicted, (predicted + 1) % 10))

    assert np.array_equal(own, method(features, tail()))
    assert not np.allclose(own, other)


def test_the_served_cam_is_the_contribution_of_each_cell_to_the_logit() -> None:
    features, classes = taped().features[:20], np.arange(20) % 10
    maps = np.clip(preactivations(features, tail()), 0, 6)
    contributions = np.einsum("nhwk,kn->nhw", maps, tail().dense[:, classes]) / 9

    cam = served_cam(features, tail(), classes=classes)

    scores = logits(preactivations(features, tail()), tail())[np.arange(20), classes]
    assert contributions.sum(axis=(1, 2)) + tail().dense_bias[classes] == pytest.approx(scores, abs=1e-4)
    assert cam == pytest.approx(np.maximum(contributions, 0), abs=1e-5)


def test_before_pooling_the_gradient_is_the_column_of_the_dense_layer() -> None:
    head, features, classes = pooled_head(), taped().features[:20], np.arange(20) % 10

    cams = [method(features, head, classes=classes) for method in (grad_cam, hires_cam)]

    expected = np.maximum(np.einsum("nhwc,cn->nhw", features, head.dense[:, classes]) / 9, 0)
    assert gradients(features, head).shape == features.shape
    assert np.allclose(cams, expected, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("head", ["tail", "pooled"])
def test_zero_features_give_zeros_and_not_nan(method: Formula, head: str) -> None:
    features = np.zeros((2, 3, 3, 320), np.float32)

    cam = method(features, tail() if head == "tail" else pooled_head())

    assert np.array_equal(cam, np.zeros((2, 3, 3)))


def test_grad_cam_plus_plus_is_finite_where_its_divisor_is_zero() -> None:
    head = Pooled(np.full((1, 2), 9, np.float32), np.zeros(2, np.float32))

    cam = grad_cam_plus_plus(np.full((1, 3, 3, 1), -2 / 9, np.float32), head)

    assert np.isfinite(cam).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_cam_without_gradient_is_zero_and_not_nan(method: Formula) -> None:
    zero_gradient = Tail(
        kernel=np.ones((4, 2), np.float32),
        bias=np.full(2, 100, np.float32),
        dense=np.ones((2, 3), np.float32),
        dense_bias=np.zeros(3, np.float32),
    )

    cam = method(np.ones((1, 3, 3, 4), np.float32), zero_gradient)

    assert np.array_equal(cam, np.zeros((1, 3, 3)))


def pooled_head() -> Pooled:
    rng = np.random.default_rng(5)
    return Pooled(rng.normal(size=(320, 10)).astype(np.float32), np.zeros(10, np.float32))
