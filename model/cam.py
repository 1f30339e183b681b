"""Grad-CAM (Selvaraju et al., 2017, arXiv:1610.02391) in closed form, as NumPy over the network's tail.

Behind the layer whose output is `a` come batch-norm, 1×1 convolution, batch-norm, ReLU6, average pooling and
dense. With both batch-norms folded into `kernel` and `bias` this is piecewise linear:

    z = a·kernel + bias      logits = mean(clip(z, 0, 6))·dense + dense_bias

so that the gradient of a logit, averaged over positions, needs no tape.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Tail(NamedTuple):
    """W `[C, K]`, b `[K]` of the folded convolution, D `[K, classes]`, d `[classes]` of the dense layer."""

    kernel: Floats
    bias: Floats
    dense: Floats
    dense_bias: Floats


def load_tail(file: Path) -> Tail:
    """The tail in an artefact's `tail.npz`."""
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


def grad_cam(features: Floats, tail: Tail, *, classes: NDArray[np.integer] | None = None) -> Floats:
    """CAM ≥ 0 `[N, h, w]` for one class per image, not normalised; for the predicted class by default.

    A CAM that is zero everywhere means that nothing at this layer speaks for the class.
    """
    z = preactivations(features, tail)
    chosen = logits(z, tail).argmax(axis=1) if classes is None else classes
    positions = z.shape[1] * z.shape[2]
    active = ((z > 0) & (z < 6)).mean(axis=(1, 2), dtype=np.float32)
    weights = (active * tail.dense.T[chosen]) @ tail.kernel.T / np.float32(positions)
    cam: Floats = np.maximum(np.einsum("nhwc,nc->nhw", features, weights), 0)
    return cam
