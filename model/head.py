"""The serving graph: uint8 images to probabilities, CAM and features, with the CAM in closed form.

The CAM is Grad-CAM at the backbone's last feature maps. Only average pooling follows, so the gradient is the dense
layer's column. `features` are these maps too, except in MobileNetV2: there they are taken before the last 1×1
convolution, whose tail `model.explanation.cam` folds, so that the methods in that module differ from each other.
"""

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from model.explanation.cam import Head, Pooled, Tail
from model.network import BACKBONE, LOGITS, SCALE

Float64s = NDArray[np.float64]

TAIL_INPUT = "block_16_project"


def serving_model(classifier: keras.Model, *, size: int, temperature: float) -> keras.Model:
    """Build the serving graph of a trained classifier.

    Args:
        classifier: a model of `model.network.build_classifier`.
        size: side of the input images in pixels.
        temperature: the logits are divided by it before the softmax (Guo et al., 2017, arXiv:1706.04599).

    Returns:
        A model from uint8 `[N, size, size, 3]` to a dictionary of float32 arrays: `probabilities` `[N, classes]`,
        `cam` `[N, h, w]` and `features` `[N, h, w, C]`.
    """
    backbone = classifier.get_layer(BACKBONE)
    trunk = keras.Model(backbone.input, backbone.get_layer(features_layer(classifier)).output, name="trunk")
    images = keras.Input((size, size, 3), dtype="uint8", name="images")
    features = trunk(classifier.get_layer(SCALE)(images))
    return keras.Model(images, ServingHead(head_of(classifier), temperature, name="head")(features))


def has_tail(classifier: keras.Model) -> bool:
    """Return whether the backbone ends in layers that `fold_tail` can fold; true for MobileNetV2 alone."""
    return any(layer.name == TAIL_INPUT for layer in classifier.get_layer(BACKBONE).layers)


def cam_layer(classifier: keras.Model) -> str:
    """Return the name of the layer at which the served CAM is taken: the backbone's last layer."""
    return str(classifier.get_layer(BACKBONE).layers[-1].name)


def features_layer(classifier: keras.Model) -> str:
    """Return the name of the backbone's layer whose output is `features`."""
    return TAIL_INPUT if has_tail(classifier) else cam_layer(classifier)


def head_of(classifier: keras.Model) -> Head:
    """Return the layers behind `features` as arrays, for the formulas of `model.explanation.cam`."""
    if has_tail(classifier):
        return fold_tail(classifier)
    dense = classifier.get_layer(LOGITS)
    return Pooled(np.asarray(dense.kernel.numpy()), np.asarray(dense.bias.numpy()))


def fold_tail(classifier: keras.Model) -> Tail:
    """Return the layers behind `features`, with both batch-norms folded into the 1×1 convolution between them."""
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
    """Return (scale, shift), each `[C]`, that the batch-norm applies at inference."""
    scale = _float64(norm.gamma) / np.sqrt(_float64(norm.moving_variance) + norm.epsilon)
    return scale, _float64(norm.beta) - _float64(norm.moving_mean) * scale


def _float64(variable: keras.Variable) -> Float64s:
    return np.asarray(variable.numpy(), np.float64)


class ServingHead(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """The layers behind `features`: class probabilities, and the CAM of the predicted class.

    The layer uses `keras.ops` alone, so that every Keras backend and the ONNX export compute the same formula.
    """

    def __init__(self, head: Head, temperature: float, *, name: str) -> None:
        super().__init__(name=name, trainable=False)
        self._head = head
        self._temperature = temperature

    def call(self, features: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
        head = type(self._head)(*(ops.convert_to_tensor(array) for array in self._head))
        maps = ops.clip(ops.matmul(features, head.kernel) + head.bias, 0.0, 6.0) if isinstance(head, Tail) else features
        logits = ops.matmul(ops.mean(maps, axis=(1, 2)), head.dense) + head.dense_bias
        predicted = ops.top_k(logits, k=1)[1][:, 0]  # argmax would export to operations that ONNX lacks
        class_weights = ops.take(ops.transpose(head.dense), predicted, axis=0)
        positions = maps.shape[1] * maps.shape[2]
        cam = ops.relu(ops.sum(maps * class_weights[:, None, None, :], axis=-1)) / positions
        return {
            "probabilities": ops.softmax(logits / self._temperature, axis=-1),
            "cam": cam,
            "features": features,
        }
