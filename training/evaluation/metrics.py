"""What predictions are worth, as pure functions of probabilities and true classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Classes = NDArray[np.int64]

TEMPERATURES = np.geomspace(0.25, 4.0, 401)
BINS = 15


@dataclass(frozen=True)
class Evaluation:
    """Accuracy, mean log loss and calibration error over all images; the rest by class.

    `confusion[t, p]` counts the images of class t that were taken for class p.
    """

    images: int
    accuracy: float
    log_loss: float
    calibration_error: float
    precision: Floats
    recall: Floats
    f1: Floats
    confusion: Classes

    def summary(self) -> dict[str, float]:
        """The figures a manifest keeps."""
        return {
            "images": self.images,
            "accuracy": round(self.accuracy, 4),
            "macro_f1": round(float(self.f1.mean()), 4),
            "log_loss": round(self.log_loss, 4),
            "calibration_error": round(self.calibration_error, 4),
        }


def evaluate(probabilities: Floats, labels: Classes) -> Evaluation:
    """Judge probabilities `[N, classes]` by the true classes `[N]`; a class never met or named counts 0."""
    confusion = confusion_matrix(probabilities.argmax(axis=1), labels, classes=probabilities.shape[1])
    hits = confusion.diagonal()
    precision = hits / np.maximum(confusion.sum(axis=0), 1)
    recall = hits / np.maximum(confusion.sum(axis=1), 1)
    return Evaluation(
        images=len(labels),
        accuracy=float(hits.sum() / len(labels)),
        log_loss=log_loss(probabilities, labels),
        calibration_error=calibration_error(probabilities, labels),
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / np.maximum(precision + recall, 1e-12),
        confusion=confusion,
    )


def confusion_matrix(predicted: Classes, labels: Classes, *, classes: int) -> Classes:
    """Counts `[true, predicted]`."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def log_loss(probabilities: Floats, labels: Classes) -> float:
    """Mean of −ln p of the true class."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def calibration_error(probabilities: Floats, labels: Classes) -> float:
    """Expected calibration error (Guo et al., 2017, arXiv:1706.04599): |confidence − accuracy| over equal bins."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=confidence - correct, minlength=BINS)
    return float(np.abs(gaps).sum() / len(labels))


def reliability(probabilities: Floats, labels: Classes) -> tuple[Classes, Floats, Floats]:
    """(images, mean confidence, accuracy) of each of the equal bins of confidence; 0 where a bin has no image."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    images, sure, right = (np.bincount(bins, weights, minlength=BINS) for weights in (None, confidence, correct))
    return images.astype(np.int64), sure / np.maximum(images, 1), right / np.maximum(images, 1)


def top_accuracy(probabilities: Floats, labels: Classes, *, k: int) -> float:
    """The share of images whose true class is among the k likeliest."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(((probabilities > chosen[:, None]).sum(axis=1) < k).mean())


def untempered(probabilities: Floats, temperature: float) -> Floats:
    """What softmax gives without the temperature that a serving graph has inside.

    Log-probabilities times T are the logits up to a constant, which softmax does not see.
    """
    return softmax(np.log(np.maximum(probabilities.astype(np.float64), 1e-38)) * temperature)


def softmax(logits: Floats) -> Floats:
    """Probabilities of logits `[N, classes]`."""
    powers: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Floats = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def fit_temperature(logits: Floats, labels: Classes) -> float:
    """The T for which softmax(logits / T) has the least log loss: to be fitted on validation images only."""
    losses = [log_loss(softmax(logits / temperature), labels) for temperature in TEMPERATURES]
    return round(float(TEMPERATURES[int(np.argmin(losses))]), 4)
