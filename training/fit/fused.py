"""The same network with TensorFlow's fused batch-norm, which trains 1.5 to 2 times as fast on a CPU."""

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # keras ships no types
    """Keras' layer for `[N, h, w, C]`, computed by one kernel where Keras' own takes a dozen passes over memory."""

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: None = None) -> tf.Tensor:
        learning = bool(training and self.trainable)
        mean, variance = self.moving_mean.value, self.moving_variance.value
        normal, batch_mean, batch_variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            self.gamma.value,
            self.beta.value,
            mean=None if learning else mean,
            variance=None if learning else variance,
            epsilon=self.epsilon,
            is_training=learning,
        )
        if learning:
            self.moving_mean.assign(mean + (1 - self.momentum) * (batch_mean - mean))
            self.moving_variance.assign(variance + (1 - self.momentum) * (batch_variance - variance))
        return normal


def fused(model: keras.Model) -> keras.Model:
    """A model of the same layers and weights that trains faster; on another backend than TensorFlow a plain copy."""
    quick = keras.backend.backend() == "tensorflow"

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if quick and type(layer) is keras.layers.BatchNormalization and layer.scale and layer.center:
            return FusedBatchNormalization.from_config(config)
        return type(layer).from_config(config)

    clone = keras.models.clone_model(model, clone_function=copy, recursive=True)
    clone.set_weights(model.get_weights())
    return clone
