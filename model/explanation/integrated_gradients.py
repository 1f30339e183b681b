"""Integrated Gradients (Sundararajan et al., 2017, arXiv:1703.01365) of a Keras classifier on TensorFlow or JAX."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from model.engines.interface import Floats, Images
from model.explanation.faithfulness import mean_colors
from model.network import SCALE

IMAGES_AT_ONCE = 32
STEPS = 64

Gradients = Callable[[Floats, NDArray[np.integer]], Floats]


class IntegratedGradients:
    """Of one classifier of `model.network`, whose gradient is traced once, when it is first called.

    Raises NotImplementedError on a Keras backend without a gradient here.
    """

    def __init__(self, classifier: keras.Model) -> None:
        self._scale = classifier.get_layer(SCALE)
        self._gradient = gradients_of(keras.Model(self._scale.output, classifier.output))

    def __call__(self, images: Images, classes: NDArray[np.integer], *, steps: int = STEPS) -> Floats:
        """What each pixel adds `[N, height, width]` to the class' logit over that of the image's own mean color.

        Signed, summed over colors; their sum is the difference of the two logits but for the error of `steps`
        midpoints (with 64, 3 to 5 % of it in the mean). Costs a gradient a step.
        """
        maps = np.zeros(images.shape[:3], np.float32)
        for start in range(0, len(images), IMAGES_AT_ONCE):
            part = slice(start, start + IMAGES_AT_ONCE)
            maps[part] = self._attributions(images[part], classes[part], steps=steps)
        return maps

    def _attributions(self, images: Images, classes: NDArray[np.integer], *, steps: int) -> Floats:
        baseline = self._scaled(mean_colors(images))
        way = self._scaled(images) - baseline
        total = np.zeros_like(way)
        for step in range(steps):
            total += self._gradient(baseline + np.float32((step + 0.5) / steps) * way, classes)
        attributions: Floats = (way * total).sum(axis=-1) / np.float32(steps)
        return attributions

    def _scaled(self, images: Images) -> Floats:
        scaled: Floats = keras.ops.convert_to_numpy(self._scale(images.astype(np.float32)))
        return scaled


def gradients_of(network: keras.Model) -> Gradients:
    """A function from inputs `[N, …]` and one class each to the gradients of those classes' outputs."""
    backends = {"tensorflow": _on_tensorflow, "jax": _on_jax}
    backend = keras.backend.backend()
    if backend not in backends:
        raise NotImplementedError(f"gradients are taken on {' or '.join(backends)}, not on {backend}")
    return backends[backend](network)


def _on_tensorflow(network: keras.Model) -> Gradients:
    import tensorflow as tf

    def gradient(inputs: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            chosen = tf.gather(network(inputs, training=False), classes, axis=1, batch_dims=1)
        return tape.gradient(chosen, inputs)

    signature = [tf.TensorSpec(network.input_shape, tf.float32), tf.TensorSpec([None], tf.int64)]
    traced = tf.function(gradient, input_signature=signature)
    return lambda inputs, classes: np.asarray(traced(inputs, classes.astype(np.int64)))


def _on_jax(network: keras.Model) -> Gradients:
    import jax

    state = [
        [variable.value for variable in part] for part in (network.trainable_variables, network.non_trainable_variables)
    ]

    def chosen(inputs: Any, classes: Any) -> Any:
        outputs, _ = network.stateless_call(*state, inputs, training=False)
        return outputs[jax.numpy.arange(len(classes)), classes].sum()

    gradient = jax.jit(jax.grad(chosen))
    return lambda inputs, classes: np.asarray(gradient(inputs, classes))
