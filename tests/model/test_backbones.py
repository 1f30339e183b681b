"""Backbones other than MobileNetV2: their CAM is Grad-CAM at the last layer."""

from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from model.head import cam_layer, serving_model
from model.network import BACKBONE, LOGITS, SCALE, build_classifier
from training.publish.onnx_graph import write_onnx

# Keras 3.15 turns its variables into arrays in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIZE = 64
IMAGES = np.random.default_rng(8).integers(0, 256, (6, SIZE, SIZE, 3), np.uint8)


@pytest.fixture(scope="module")
def classifier() -> keras.Model:
    keras.utils.set_random_seed(8)
    return build_classifier(4, backbone="MobileNetV3Small", size=SIZE)


def test_the_cam_equals_that_of_the_gradient_tape(classifier: keras.Model) -> None:
    features = classifier.get_layer(BACKBONE)(classifier.get_layer(SCALE)(IMAGES), training=False)
    with tf.GradientTape() as tape:
        tape.watch(features)
        logits = classifier.get_layer(LOGITS)(tf.reduce_mean(features, axis=(1, 2)))
        best = tf.reduce_max(logits, axis=1)
    weights = tf.reduce_mean(tape.gradient(best, features), axis=(1, 2), keepdims=True)
    expected = tf.nn.relu(tf.reduce_sum(features * weights, axis=-1))

    served = serving_model(classifier, size=SIZE, temperature=1.0)(IMAGES)

    assert cam_layer(classifier) == classifier.get_layer(BACKBONE).layers[-1].name
    assert np.allclose(served["cam"], expected, atol=1e-6)
    assert np.allclose(served["probabilities"], tf.nn.softmax(logits), atol=1e-6)


def test_the_onnx_graph_gives_the_same_outputs(classifier: keras.Model, tmp_path: Path) -> None:
    model = serving_model(classifier, size=SIZE, temperature=2.0)

    write_onnx(model, tmp_path / "model.onnx")

    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    probabilities, cam = session.run(("probabilities", "cam"), {"images": IMAGES})
    expected = model(IMAGES)
    assert np.allclose(probabilities, expected["probabilities"], atol=1e-4)
    assert np.allclose(cam, expected["cam"], atol=1e-4)
