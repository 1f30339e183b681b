"""The closed form of Grad-CAM against the gradient tape, on the shipped model and real pictures."""

from functools import cache
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.cam import Tail, grad_cam, load_tail, logits, preactivations
from model.head import CAM_LAYER
from model.network import BACKBONE
from tests.model.samples import sample_pixels, shipped

Floats = NDArray[np.float32]

# A z this close to 0 or 6 falls on either side, depending on how a sum of 320 products was rounded.
ROUNDING = 1e-5


class Taped(NamedTuple):
    """What the unfolded network and the tape say of the samples: features, logits, CAM of the predicted class."""

    features: Floats
    logits: Floats
    cam: Floats


@cache
def taped() -> Taped:
    classifier = keras.saving.load_model(shipped().path / "model.keras", compile=False)
    backbone = classifier.get_layer(BACKBONE)
    cut = backbone.get_layer(CAM_LAYER).output
    trunk, rest = keras.Model(backbone.input, cut), keras.Model(cut, backbone.output)
    features = tf.concat([trunk(scaled(batch), training=False) for batch in np.split(sample_pixels(), 6)], axis=0)
    with tf.GradientTape() as tape:
        tape.watch(features)
        scores = classifier.get_layer("logits")(classifier.get_layer("pool")(rest(features, training=False)))
        highest = tf.reduce_sum(tf.reduce_max(scores, axis=1))
    weights = tf.reduce_mean(tape.gradient(highest, features), axis=(1, 2), keepdims=True)
    cam = tf.nn.relu(tf.reduce_sum(features * weights, axis=-1))
    return Taped(features.numpy(), scores.numpy(), cam.numpy())


def scaled(images: NDArray[np.uint8]) -> Floats:
    return images.astype(np.float32) / np.float32(127.5) - 1


def tail() -> Tail:
    return load_tail(shipped().path / "tail.npz")


def test_the_folded_tail_gives_the_logits_of_the_network() -> None:
    folded = logits(preactivations(taped().features, tail()), tail())

    assert np.abs(folded - taped().logits).max() <= 1e-4


def test_the_closed_form_is_the_gradient_of_the_tape() -> None:
    differences = np.abs(grad_cam(taped().features, tail()) - taped().cam).max(axis=(1, 2))

    z = preactivations(taped().features, tail())
    to_a_kink = np.minimum(np.abs(z), np.abs(z - 6)).min(axis=(1, 2, 3))
    far = differences > 1e-4
    assert np.median(differences) <= 1e-5
    assert far.mean() <= 0.005
    assert (to_a_kink[far] <= ROUNDING).all()


def test_the_cam_of_any_class_can_be_had() -> None:
    features = taped().features[:20]
    predicted = taped().logits[:20].argmax(axis=1)

    own, other = (grad_cam(features, tail(), classes=classes) for classes in (predicted, (predicted + 1) % 10))

    assert np.array_equal(own, grad_cam(features, tail()))
    assert not np.allclose(own, other)


def test_a_cam_without_evidence_is_zero_and_not_nan() -> None:
    no_slope = Tail(
        kernel=np.ones((4, 2), np.float32),
        bias=np.full(2, 100, np.float32),
        dense=np.ones((2, 3), np.float32),
        dense_bias=np.zeros(3, np.float32),
    )

    cam = grad_cam(np.ones((1, 3, 3, 4), np.float32), no_slope)

    assert np.array_equal(cam, np.zeros((1, 3, 3)))
