"""Class activation maps (CAMs) in closed form: NumPy over a layer's output `a` and the layers behind it.

In MobileNetV2 the layers behind `a` are batch-norm, 1×1 convolution, batch-norm, ReLU6, average pooling and a dense
layer. With both batch-norms folded into `kernel` and `bias` they are piecewise linear:

    z = a·kernel + bias      logits = mean(clip(z, 0, 6))·dense + dense_bias

so the gradient of a logit at every position needs no gradient tape. Where only average pooling and a dense layer
follow, the gradient is the dense layer's column. Each method is one formula of `a` and that gradient `g`.

Maps are float32 `[N, h, w]`, never negative, not normalized and never NaN. A map of zeros means that no activation at
this layer contributes to the class.
"""

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from model.arrays import Floats

Classes = NDArray[np.integer]


class Tail(NamedTuple):
    """The folded convolution (`kernel` `[C, K]`, `bias` `[K]`) and the dense layer (`[K, classes]`, `[classes]`)."""

    kernel: Floats
    bias: Floats
    dense: Floats
    dense_bias: Floats


class Pooled(NamedTuple):
    """A dense layer (`[C, classes]`, `[classes]`) behind average pooling alone."""

    dense: Floats
    dense_bias: Floats


Head = Tail | Pooled


class Formula(Protocol):
    """A CAM method: a map for one class per image, by default the predicted class."""

    def __call__(self, features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
        """Map features `[N, h, w, C]` and classes `[N]` to CAMs `[N, h, w]`."""


def load_tail(file: Path) -> Tail:
    """Read the folded layers in an artifact's `tail.npz`."""
    with np.load(file) as arrays:
        return Tail(**{name: arrays[name] for name in Tail._fields})


def preactivations(features: Floats, tail: Tail) -> Floats:
    """Return z `[N, h, w, K]`, the input of the ReLU6, for features `[N, h, w, C]`."""
    z: Floats = features @ tail.kernel + tail.bias
    return z


def logits(z: Floats, tail: Tail) -> Floats:
    """Return logits `[N, classes]`, before temperature scaling, for z `[N, h, w, K]`."""
    pooled: Floats = np.clip(z, 0, 6).mean(axis=(1, 2))
    return pooled @ tail.dense + tail.dense_bias


def gradients(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """Return the gradient `[N, h, w, C]` of one class' unscaled logit per image, by default the predicted class'."""
    chosen = _predicted(features, head) if classes is None else classes
    class_weights = head.dense.T[chosen][:, None, None, :] / np.float32(features.shape[1] * features.shape[2])
    if isinstance(head, Pooled):
        return np.broadcast_to(class_weights, features.shape)
    z = preactivations(features, head)
    gradient: Floats = (((z > 0) & (z < 6)) * class_weights) @ head.kernel.T
    return gradient


def served_cam(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """Return Grad-CAM at the backbone's last maps, as the serving graph computes it.

    There Grad-CAM equals CAM (Zhou et al., 2016, arXiv:1512.04150): the positive part of each cell's contribution to
    the logit.
    """
    if isinstance(head, Tail):
        maps = np.clip(preactivations(features, head), 0, 6)
        return grad_cam(maps, Pooled(head.dense, head.dense_bias), classes=classes)
    return grad_cam(features, head, classes=classes)


def grad_cam(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """Grad-CAM: channels weighted by their mean gradient (Selvaraju et al., 2017, arXiv:1610.02391)."""
    return _weighted(features, gradients(features, head, classes=classes).mean(axis=(1, 2)))


def grad_cam_plus_plus(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """Grad-CAM++: channels weighted by α times their positive gradients (Chattopadhyay et al., 2018, arXiv:1710.11063).

    The paper's score is exp(logit). Its derivatives along a piecewise linear logit are exp(logit) times g, g² and g³,
    so α = g² / (2g² + g³·Σa) equals 1 / (2 + g·Σa). The factor exp(logit) scales the whole map and is left out. The
    paper assumes a ≥ 0. Where a linear layer makes the divisor 0, 1 is used instead, as in the authors' code.
    """
    gradient = gradients(features, head, classes=classes)
    divisor = 2 + gradient * features.sum(axis=(1, 2), keepdims=True)
    alpha = 1 / np.where(divisor == 0, np.float32(1), divisor)
    return _weighted(features, (alpha * np.maximum(gradient, 0)).sum(axis=(1, 2)))


def hires_cam(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """HiResCAM: gradient times activation at each position (Draelos & Carin, 2020, arXiv:2011.08891)."""
    return _positive(np.einsum("nhwc,nhwc->nhw", features, gradients(features, head, classes=classes)))


def layer_cam(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """LayerCAM: positive gradient times activation by position (Jiang et al., 2021, doi:10.1109/TIP.2021.3089943)."""
    gradient = np.maximum(gradients(features, head, classes=classes), 0)
    return _positive(np.einsum("nhwc,nhwc->nhw", features, gradient))


def _predicted(features: Floats, head: Head) -> Classes:
    if isinstance(head, Pooled):
        scores: Floats = features.mean(axis=(1, 2)) @ head.dense + head.dense_bias
    else:
        scores = logits(preactivations(features, head), head)
    predicted: Classes = scores.argmax(axis=1)
    return predicted


def _weighted(features: Floats, weights: Floats) -> Floats:
    """Return the positive part of the sum over channels, weighted by `weights` `[N, C]`."""
    return _positive(np.einsum("nhwc,nc->nhw", features, weights))


def _positive(values: Floats) -> Floats:
    cam: Floats = np.maximum(values, 0)
    return cam
