"""The serving graph: uint8 images to probabilities, CAM and features, the CAM in closed form.

MobileNetV2 is cut at the layer of the ancestor's Grad-CAM, in front of a tail that `model.cam` folds. Every other
backbone is cut at its end, where pooling is all that follows and the gradient is the dense layer's column.
"""

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from model.cam import Head, Pooled, Tail
from model.network import BACKBONE, LOGITS, SCALE

Float64s = NDArray[np.float64]

CAM_LAYER = "block_16_project"


def serving_model(classifier: keras.Model, *, size: int, temperature: float) -> keras.Model:
    """The graph whose outputs are `probabilities` `[N, classes]`, `cam` `[N, h, w]`, `features` `[N, h, w, C]`."""
    backbone = classifier.get_layer(BACKBONE)
    trunk = keras.Model(backbone.input, backbone.get_layer(cam_layer(classifier)).output, name="trunk")
    images = keras.Input((size, size, 3), dtype="uint8", name="images")
    features = trunk(classifier.get_layer(SCALE)(images))
    if has_tail(classifier):
        return keras.Model(images, ServingHead(fold_tail(classifier), temperature, name="head")(features))
    dense = classifier.get_layer(LOGITS)
    head = PooledHead(np.asarray(dense.kernel.numpy()), np.asarray(dense.bias.numpy()), temperature, name="head")
    return keras.Model(images, head(features))


def has_tail(classifier: keras.Model) -> bool:
    """Whether there is a layer in front of a tail that `fold_tail` folds: so it is in MobileNetV2."""
    return any(layer.name == CAM_LAYER for layer in classifier.get_layer(BACKBONE).layers)


def cam_layer(classifier: keras.Model) -> str:
    """The layer of the backbone where the CAM is taken."""
    return CAM_LAYER if has_tail(classifier) else str(classifier.get_layer(BACKBONE).layers[-1].name)


def head_of(classifier: keras.Model) -> Head:
    """What follows the CAM layer, for the formulas of `model.cam`."""
    if has_tail(classifier):
        return fold_tail(classifier)
    dense = classifier.get_layer(LOGITS)
    return Pooled(np.asarray(dense.kernel.numpy()), np.asarray(dense.bias.numpy()))


def fold_tail(classifier: keras.Model) -> Tail:
    """The layers behind the CAM layer, both batch-norms folded into the 1×1 convolution between them."""
    backbone = classifier.get_layer(BACKBONE)
    scale_in, shift_in = _affine(backbone.get_layer("block_16_project_BN"))
    scale_out, shift_out = _affine(backbone.get_layer("Conv_1_bn"))
    convolution = _float64(backbone.get_layer("Conv_1").kernel)[0, 0]
    dense = classifier.get_layer(LOGITS)
    arrays = (
        scale_in[:, None] * convolution * scale_out,
        (shift_in @ convolution) * scale_out + shift_out,
        _float64(dense.kernel),
        _float64(dense.bias),
    )
    return Tail(*(array.astype(np.float32) for array in arrays))


def _affine(norm: keras.layers.BatchNormalization) -> tuple[Float64s, Float64s]:
    """(scale, shift) `[C]` that the batch-norm applies at inference."""
    scale = _float64(norm.gamma) / np.sqrt(_float64(norm.moving_variance) + norm.epsilon)
    return scale, _float64(norm.beta) - _float64(norm.moving_mean) * scale


def _float64(variable: keras.Variable) -> Float64s:
    return np.asarray(variable.numpy(), np.float64)


class ServingHead(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """The network behind the CAM layer, with the CAM of the predicted class beside its probabilities.

    Written in `keras.ops` alone, so that every Keras backend and the ONNX export run the same formula.
    """

    def __init__(self, tail: Tail, temperature: float, *, name: str) -> None:
        super().__init__(name=name, trainable=False)
        self._tail = tail
        self._temperature = temperature

    def call(self, features: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
        tail = Tail(*(ops.convert_to_tensor(array) for array in self._tail))
        projected = ops.matmul(features, tail.kernel)
        z = projected + tail.bias
        pooled = ops.mean(ops.clip(z, 0.0, 6.0), axis=(1, 2))
        logits = ops.matmul(pooled, tail.dense) + tail.dense_bias
        inside = ops.cast(ops.logical_and(z > 0.0, z < 6.0), "float32")
        predicted = ops.top_k(logits, k=1)[1][:, 0]  # not argmax, for which keras emits ops that ONNX lacks
        slopes = ops.mean(inside, axis=(1, 2)) * ops.take(ops.transpose(tail.dense), predicted, axis=0)
        # a·α with α = slopes·Wᵀ / positions is (a·W)·slopes / positions, and a·W is there already.
        positions = features.shape[1] * features.shape[2]
        cam = ops.relu(ops.sum(projected * slopes[:, None, None, :], axis=-1)) / positions
        return {
            "probabilities": ops.softmax(logits / self._temperature, axis=-1),
            "cam": cam,
            "features": features,
        }


class PooledHead(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Average pooling and the dense layer, with the CAM of the predicted class: relu(features·D[:, c]) / positions."""

    def __init__(
        self, kernel: NDArray[np.float32], bias: NDArray[np.float32], temperature: float, *, name: str
    ) -> None:
        super().__init__(name=name, trainable=False)
        self._kernel, self._bias = kernel, bias
        self._temperature = temperature

    def call(self, features: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
        kernel = ops.convert_to_tensor(self._kernel)
        logits = ops.matmul(ops.mean(features, axis=(1, 2)), kernel) + ops.convert_to_tensor(self._bias)
        predicted = ops.top_k(logits, k=1)[1][:, 0]  # as above
        slopes = ops.take(ops.transpose(kernel), predicted, axis=0)
        positions = features.shape[1] * features.shape[2]
        cam = ops.relu(ops.sum(features * slopes[:, None, None, :], axis=-1)) / positions
        return {
            "probabilities": ops.softmax(logits / self._temperature, axis=-1),
            "cam": cam,
            "features": features,
        }
