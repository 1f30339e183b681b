"""Class activation maps in closed form, as NumPy over the output `a` of a layer and what follows it.

In MobileNetV2 come batch-norm, 1×1 convolution, batch-norm, ReLU6, average pooling and dense. With both batch-norms
folded into `kernel` and `bias` this is piecewise linear:

    z = a·kernel + bias      logits = mean(clip(z, 0, 6))·dense + dense_bias

so that the gradient of a logit at every position needs no tape; where pooling and dense are all that follows, it is the
dense layer's column. From `a` and that gradient `g` each method is one formula. Maps are ≥ 0, `[N, h, w]`, not
normalized and never NaN; one that is zero everywhere means that nothing at this layer speaks for the class.
"""

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Classes = NDArray[np.integer]


class Tail(NamedTuple):
    """W `[C, K]`, b `[K]` of the folded convolution, D `[K, classes]`, d `[classes]` of the dense layer."""

    kernel: Floats
    bias: Floats
    dense: Floats
    dense_bias: Floats


class Pooled(NamedTuple):
    """D `[C, classes]` and d `[classes]` of a dense layer that nothing but average pooling parts from the layer."""

    dense: Floats
    dense_bias: Floats


Head = Tail | Pooled


class Formula(Protocol):
    """A method of this module: a map for one class per image, by default the predicted one."""

    def __call__(self, features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
        """From features `[N, h, w, C]` to maps `[N, h, w]`."""


def load_tail(file: Path) -> Tail:
    """The tail in an artifact's `tail.npz`."""
    with np.load(file) as arrays:
        return Tail(**{name: arrays[name] for name in Tail._fields})


def preactivations(features: Floats, tail: Tail) -> Floats:
    """z `[N, h, w, K]` before the ReLU6, of features `[N, h, w, C]`."""
    z: Floats = features @ tail.kernel + tail.bias
    return z


def logits(z: Floats, tail: Tail) -> Floats:
    """Unscaled logits `[N, classes]` of z `[N, h, w, K]`."""
    pooled: Floats = np.clip(z, 0, 6).mean(axis=(1, 2))
    return pooled @ tail.dense + tail.dense_bias


def gradients(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """The gradient `[N, h, w, C]` of one class' unscaled logit per image, by default the predicted one's."""
    chosen = _predicted(features, head) if classes is None else classes
    slopes = head.dense.T[chosen][:, None, None, :] / np.float32(features.shape[1] * features.shape[2])
    if isinstance(head, Pooled):
        return np.broadcast_to(slopes, features.shape)
    z = preactivations(features, head)
    gradient: Floats = (((z > 0) & (z < 6)) * slopes) @ head.kernel.T
    return gradient


def served_cam(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """`grad_cam` at the last maps, whatever lies between: what the serving graph returns.

    There it is CAM itself (Zhou et al., 2016, arXiv:1512.04150): each cell's own share of the logit, where positive.
    """
    if isinstance(head, Tail):
        maps = np.clip(preactivations(features, head), 0, 6)
        return grad_cam(maps, Pooled(head.dense, head.dense_bias), classes=classes)
    return grad_cam(features, head, classes=classes)


def grad_cam(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """Each channel weighted by its mean gradient (Selvaraju et al., 2017, arXiv:1610.02391)."""
    return _weighted(features, gradients(features, head, classes=classes).mean(axis=(1, 2)))


def grad_cam_plus_plus(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """Each channel weighted by its tempered positive gradients (Chattopadhyay et al., 2018, arXiv:1710.11063).

    The score is exp(logit), whose derivatives along a piecewise linear logit are exp(logit)·g, ·g² and ·g³: the paper's
    α = g² / (2g² + g³·Σa) is 1 / (2 + g·Σa), and where g is 0, so is relu(g). The factor exp(logit), which scales the
    whole map, is left out. The paper takes a ≥ 0; where a linear layer makes the divisor zero, it counts as 1, as in
    the authors' code.
    """
    gradient = gradients(features, head, classes=classes)
    divisor = 2 + gradient * features.sum(axis=(1, 2), keepdims=True)
    alpha = 1 / np.where(divisor == 0, np.float32(1), divisor)
    return _weighted(features, (alpha * np.maximum(gradient, 0)).sum(axis=(1, 2)))


def hires_cam(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """Gradient times activation, position by position (Draelos & Carin, 2020, arXiv:2011.08891)."""
    return _positive(np.einsum("nhwc,nhwc->nhw", features, gradients(features, head, classes=classes)))


def layer_cam(features: Floats, head: Head, *, classes: Classes | None = None) -> Floats:
    """As `hires_cam`, with the positive gradients alone (Jiang et al., 2021, doi:10.1109/TIP.2021.3089943)."""
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
    """Positive part of the channels' sum, weighted by `[N, C]`."""
    return _positive(np.einsum("nhwc,nc->nhw", features, weights))


def _positive(values: Floats) -> Floats:
    cam: Floats = np.maximum(values, 0)
    return cam
