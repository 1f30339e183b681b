"""Classification metrics, as pure functions of probabilities and true classes; scikit-learn and SciPy compute them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats
from sklearn import metrics

from training.data.examples import Labels

Floats = NDArray[np.floating]

TEMPERATURE_BOUNDS = (0.25, 4.0)
CALIBRATION_BINS = 15
MIN_PROBABILITY = 1e-38
"""Smallest probability of which a logarithm is taken, near the smallest float32."""


@dataclass(frozen=True)
class ClassificationMetrics:
    """Accuracy, mean log loss and expected calibration error over all images; precision, recall and F1 by class.

    `confusion[t, p]` counts the images of class t that were classified as p.
    """

    images: int
    accuracy: float
    log_loss: float
    calibration_error: float
    precision: Floats
    recall: Floats
    f1: Floats
    confusion: Labels

    def summary(self) -> dict[str, float]:
        """Return the metrics that a manifest keeps, rounded to four digits."""
        return {
            "images": self.images,
            "accuracy": round(self.accuracy, 4),
            "macro_f1": round(float(self.f1.mean()), 4),
            "log_loss": round(self.log_loss, 4),
            "calibration_error": round(self.calibration_error, 4),
        }


def classification_metrics(probabilities: Floats, labels: Labels) -> ClassificationMetrics:
    """Compute the metrics of probabilities `[N, classes]` for true classes `[N]`.

    Precision, recall and F1 are 0 for a class that occurs neither among the labels nor among the predictions.
    """
    predicted, classes = probabilities.argmax(axis=1), range(probabilities.shape[1])
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0
    )
    return ClassificationMetrics(
        images=len(labels),
        accuracy=float(metrics.accuracy_score(labels, predicted)),
        log_loss=log_loss(probabilities, labels),
        calibration_error=calibration_error(probabilities, labels),
        precision=precision,
        recall=recall,
        f1=f1,
        confusion=metrics.confusion_matrix(labels, predicted, labels=classes),
    )


def accuracy_and_f1(predicted: Labels, labels: Labels, *, classes: int) -> Floats:
    """Return the accuracy, then the F1 of every class, `[1 + classes]`, of predicted and true classes `[N]`.

    A bootstrap calls this a thousand times; scikit-learn takes 8 ms per call, this count 0.1 ms.
    """
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
    correct = confusion.diagonal()
    f1 = 2 * correct / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    return np.array([correct.sum() / len(labels), *f1])


def log_loss(probabilities: Floats, labels: Labels) -> float:
    """Return the mean of −ln p of the true class."""
    normalized = probabilities / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)
    return float(metrics.log_loss(labels, normalized, labels=range(probabilities.shape[1])))


def reliability(probabilities: Floats, labels: Labels) -> tuple[Labels, Floats, Floats]:
    """Return (images, mean confidence, accuracy) of each of `CALIBRATION_BINS` equal bins of confidence, `[bins]` each.

    Mean confidence and accuracy of an empty bin are 0.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    sums, edges, _ = stats.binned_statistic(
        confidence, [confidence, correct], "sum", bins=CALIBRATION_BINS, range=(0.0, 1.0)
    )
    images = np.histogram(confidence, edges)[0]
    mean_confidence, accuracy = sums / np.maximum(images, 1)
    return images, mean_confidence, accuracy


def calibration_error(probabilities: Floats, labels: Labels) -> float:
    """Return the expected calibration error: |mean confidence − accuracy| averaged over images by bin.

    Source: Guo et al. (2017), arXiv:1706.04599.
    """
    images, confidence, accuracy = reliability(probabilities, labels)
    return float((np.abs(confidence - accuracy) * images).sum() / len(labels))


def top_2_accuracy(probabilities: Floats, labels: Labels) -> float:
    """Return the fraction of images whose true class is among the two most probable ones; 1 for two classes."""
    classes = probabilities.shape[1]
    if classes == 2:
        return 1.0
    return float(metrics.top_k_accuracy_score(labels, probabilities, k=2, labels=range(classes)))


def without_temperature(probabilities: Floats, temperature: float) -> Floats:
    """Return the softmax probabilities `[N, classes]` before temperature scaling by a serving graph.

    Log-probabilities times the temperature are the logits up to a constant per image, which softmax cancels.
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), MIN_PROBABILITY)) * temperature
    return special.softmax(logits, axis=1)  # type: ignore[no-any-return]  # SciPy ships no types


def fit_temperature(logits: Floats, labels: Labels) -> float:
    """Return the temperature T within `TEMPERATURE_BOUNDS` for which softmax(logits / T) has the least log loss.

    Logits are `[N, classes]`, labels `[N]`. Fit it on validation images only (Guo et al., 2017, arXiv:1706.04599).
    """
    fitted = optimize.minimize_scalar(
        lambda temperature: log_loss(special.softmax(logits / temperature, axis=1), labels),
        bounds=TEMPERATURE_BOUNDS,
        method="bounded",
    )
    return round(float(fitted.x), 4)
