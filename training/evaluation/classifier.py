"""Evaluate one precision of a model on labeled images: metrics, calibration, mistakes and robustness."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from training.data.examples import Examples, Labels
from training.evaluation.corruption import corrupt, corruptions
from training.evaluation.intervals import interval, mean_interval
from training.evaluation.metrics import (
    ClassificationMetrics,
    Floats,
    accuracy_and_f1,
    calibration_error,
    classification_metrics,
    log_loss,
    reliability,
    top_2_accuracy,
    without_temperature,
)
from training.findings import Bin, Calibration, ClassFigures, Cost, Mistake, PrecisionEvaluation, Robustness

Classify = Callable[[NDArray[np.uint8]], Floats]
"""From images as the data set has them to probabilities `[N, classes]`."""

MAX_MISTAKES = 24


def evaluate_classifier(
    classify: Classify,
    examples: Examples,
    *,
    labels: tuple[str, ...],
    temperature: float,
    robustness_images: int,
    cost: Cost,
    seed: int = 0,
) -> PrecisionEvaluation:
    """Evaluate a classifier on labeled images.

    Args:
        classify: the model, with temperature scaling.
        examples: at least 2 labeled images.
        labels: the class names.
        temperature: the softmax temperature inside the model.
        robustness_images: number of sampled images, at least 2, on which corruptions are tried.
        cost: the measured cost, which becomes part of the result.
        seed: decides the sample, the corruptions and the bootstrap resamples.
    """
    probabilities = classify(examples.images)
    metrics = classification_metrics(probabilities, examples.labels)
    low, high = _accuracy_and_f1_intervals(probabilities, examples.labels, seed=seed)
    sample = examples.sample(robustness_images, seed=seed)
    return PrecisionEvaluation(
        accuracy=_rounded(metrics.accuracy),
        low=_rounded(low[0]),
        high=_rounded(high[0]),
        top_2_accuracy=_rounded(top_2_accuracy(probabilities, examples.labels)),
        macro_f1=_rounded(metrics.f1.mean()),
        uncalibrated=calibration(without_temperature(probabilities, temperature), examples.labels, temperature=1.0),
        calibrated=calibration(probabilities, examples.labels, temperature=temperature),
        classes=list(_class_figures(metrics, labels, low=low[1:], high=high[1:])),
        confusion=metrics.confusion.tolist(),
        mistakes=most_confident_mistakes(probabilities, examples.labels, labels=labels),
        robustness_images=len(sample),
        clean_accuracy=_rounded((classify(sample.images).argmax(axis=1) == sample.labels).mean()),
        robustness=list(robustness(classify, sample, seed=seed)),
        cost=cost,
    )


def calibration(probabilities: Floats, labels: Labels, *, temperature: float) -> Calibration:
    """Describe the calibration of probabilities `[N, classes]`, which were scaled with this temperature."""
    bins = zip(*reliability(probabilities, labels), strict=True)
    return Calibration(
        temperature=temperature,
        calibration_error=_rounded(calibration_error(probabilities, labels)),
        log_loss=_rounded(log_loss(probabilities, labels)),
        bins=[
            Bin(images=int(count), confidence=_rounded(confidence), accuracy=_rounded(accuracy))
            for count, confidence, accuracy in bins
        ],
    )


def most_confident_mistakes(
    probabilities: Floats, true_classes: Labels, *, labels: tuple[str, ...], limit: int = MAX_MISTAKES
) -> list[Mistake]:
    """Return at most `limit` misclassified images, in falling order of confidence."""
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != true_classes)
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")][:limit]
    return [
        Mistake(
            index=int(index),
            true_class=labels[true_classes[index]],
            predicted_class=labels[predicted[index]],
            confidence=_rounded(confidence[index]),
        )
        for index in chosen
    ]


def robustness(classify: Classify, sample: Examples, *, seed: int) -> Iterator[Robustness]:
    """Yield the accuracy on the sample, with its 95 % interval, under every corruption."""
    for corruption in corruptions():
        probabilities = classify(corrupt(sample.images, corruption, seed=seed))
        correct = probabilities.argmax(axis=1) == sample.labels
        low, high = mean_interval(correct, seed=seed)
        yield Robustness(
            corruption=corruption.kind,
            severity=corruption.severity,
            amount=str(corruption),
            accuracy=_rounded(correct.mean()),
            low=_rounded(low),
            high=_rounded(high),
        )


def _accuracy_and_f1_intervals(probabilities: Floats, labels: Labels, *, seed: int) -> tuple[Floats, Floats]:
    """Return the ends of the intervals of the accuracy and of every class' F1, `[1 + classes]` each."""
    predicted, classes = probabilities.argmax(axis=1), probabilities.shape[1]
    return interval(
        lambda drawn: accuracy_and_f1(predicted[drawn], labels[drawn], classes=classes), len(labels), seed=seed
    )


def _class_figures(
    metrics: ClassificationMetrics, labels: tuple[str, ...], *, low: Floats, high: Floats
) -> Iterator[ClassFigures]:
    for number, label in enumerate(labels):
        yield ClassFigures(
            label=label,
            images=int(metrics.confusion[number].sum()),
            precision=_rounded(metrics.precision[number]),
            recall=_rounded(metrics.recall[number]),
            f1=_rounded(metrics.f1[number]),
            low=_rounded(low[number]),
            high=_rounded(high[number]),
        )


def _rounded(value: float | np.floating | Floats) -> float:
    return round(float(value), 4)
