"""The graph that the Keras engine runs, and its choice between two."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.engines.tensorflow_graph import OUTPUTS, Graph, compiled, faster, frozen
from model.head import serving_model
from tests.model.samples import sample_pixels, shipped

IMAGES = tf.constant(np.arange(8, dtype=np.uint8).reshape(2, 4))


def softmax_after(steps: int) -> Graph:
    """A graph of no CAM and no features that takes the longer the more steps there are."""

    def run(images: tf.Tensor) -> list[tf.Tensor]:
        logits = tf.cast(images, tf.float32)
        for _ in tf.range(steps):
            logits = logits + 0.0 * tf.reduce_sum(tf.random.stateless_normal((100, 100), (1, 2)))
        return [logits, logits, tf.nn.softmax(logits)]

    graph: Graph = tf.function(run)
    return graph


def test_with_its_weights_as_constants_a_model_answers_as_before() -> None:
    classifier = keras.saving.load_model(shipped().path / "model.keras", compile=False)
    model, images = serving_model(classifier, size=96, temperature=1.0), tf.constant(sample_pixels()[:4])

    found = dict(zip(OUTPUTS, frozen(model, images.shape)(images), strict=True))

    expected = model(images, training=False)
    for name in OUTPUTS:
        assert np.allclose(found[name], expected[name], atol=1e-4), name


def test_the_graph_that_takes_less_time_is_chosen() -> None:
    slow, quick = softmax_after(300), softmax_after(1)

    assert faster(slow, quick, IMAGES) is quick
    assert faster(quick, slow, IMAGES) is quick


def test_a_graph_that_gives_other_probabilities_is_not_chosen() -> None:
    slow, quick = softmax_after(300), softmax_after(1)

    def wrong(images: tf.Tensor) -> list[tf.Tensor]:
        return [output + 0.001 for output in quick(images)]

    assert faster(slow, wrong, IMAGES) is slow


def test_what_xla_cannot_compile_stays_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    plain = softmax_after(1)

    def of_strings(images: tf.Tensor) -> list[tf.Tensor]:
        return [tf.strings.to_number(tf.strings.as_string(output)) for output in plain(images)]

    assert faster(of_strings, compiled(of_strings), IMAGES) is of_strings
    assert "does not run here" in caplog.text


def test_what_xla_compiles_gives_the_same() -> None:
    graph = softmax_after(1)

    assert np.allclose(compiled(graph)(IMAGES)[2], graph(IMAGES)[2])
