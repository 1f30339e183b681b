"""The graph that the keras engine runs, and the choice between it and its XLA form."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.engines.tensorflow_graph import OUTPUTS, Graph, compile_with_xla, freeze, select_faster
from model.head import serving_model
from tests.model.samples import sample_pixels, shipped

IMAGES = tf.constant(np.arange(8, dtype=np.uint8).reshape(2, 4))


def softmax_after(steps: int) -> Graph:
    """A graph without a CAM or features whose run time grows with the number of steps."""

    def run(images: tf.Tensor) -> list[tf.Tensor]:
        logits = tf.cast(images, tf.float32)
        for _ in tf.range(steps):
            logits = logits + 0.0 * tf.reduce_sum(tf.random.stateless_normal((100, 100), (1, 2)))
        return [logits, logits, tf.nn.softmax(logits)]

    graph: Graph = tf.function(run)
    return graph


def test_a_frozen_model_gives_the_same_outputs() -> None:
    classifier = keras.saving.load_model(shipped().path / "model.keras", compile=False)
    model, images = serving_model(classifier, size=96, temperature=1.0), tf.constant(sample_pixels()[:4])

    found = dict(zip(OUTPUTS, freeze(model, images.shape)(images), strict=True))

    expected = model(images, training=False)
    for name in OUTPUTS:
        assert np.allclose(found[name], expected[name], atol=1e-4), name


def test_the_faster_graph_is_selected() -> None:
    slow, quick = softmax_after(300), softmax_after(1)

    assert select_faster(slow, quick, IMAGES) is quick
    assert select_faster(quick, slow, IMAGES) is quick


def test_a_graph_with_other_probabilities_is_not_selected() -> None:
    slow, quick = softmax_after(300), softmax_after(1)

    def wrong(images: tf.Tensor) -> list[tf.Tensor]:
        return [output + 0.001 for output in quick(images)]

    assert select_faster(slow, wrong, IMAGES) is slow


def test_a_graph_that_xla_cannot_compile_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    plain = softmax_after(1)

    def of_strings(images: tf.Tensor) -> list[tf.Tensor]:
        return [tf.strings.to_number(tf.strings.as_string(output)) for output in plain(images)]

    assert select_faster(of_strings, compile_with_xla(of_strings), IMAGES) is of_strings
    assert "does not run on this device" in caplog.text


def test_the_xla_graph_gives_the_same_outputs() -> None:
    graph = softmax_after(1)

    assert np.allclose(compile_with_xla(graph)(IMAGES)[2], graph(IMAGES)[2])
