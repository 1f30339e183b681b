"""All that is measured of one precision of a model, on labeled images."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from training.data.fashion_mnist import Examples
from training.evaluation.corruption import corrupt, damages
from training.evaluation.intervals import interval
from training.evaluation.metrics import (
    Classes,
    Evaluation,
    Floats,
    calibration_error,
    confusion_matrix,
    evaluate,
    log_loss,
    reliability,
    top_accuracy,
    untempered,
)
from training.findings import Bin, Calibration, ClassFigures, Cost, Judgement, Mistake, Robustness

Classify = Callable[[NDArray[np.uint8]], Floats]
MISTAKES = 24


def judge_classifier(
    classify: Classify,
    examples: Examples,
    *,
    labels: tuple[str, ...],
    temperature: float,
    robustness_images: int,
    cost: Cost,
    seed: int = 0,
) -> Judgement:
    """Judge a classifier of images as the data set has them, whose probabilities were scaled by the temperature.

    Damage is tried on a sample of `robustness_images`, the same one for one seed.
    """
    probabilities = classify(examples.images)
    figures = evaluate(probabilities, examples.labels)
    low, high = _intervals(probabilities, examples.labels, seed=seed)
    sample = examples.take(np.random.default_rng(seed).permutation(len(examples))[:robustness_images])
    return Judgement(
        accuracy=_round(figures.accuracy),
        low=_round(low[0]),
        high=_round(high[0]),
        top_2=_round(top_accuracy(probabilities, examples.labels, k=2)),
        macro_f1=_round(figures.f1.mean()),
        before=calibration(untempered(probabilities, temperature), examples.labels, temperature=1.0),
        after=calibration(probabilities, examples.labels, temperature=temperature),
        classes=list(_class_figures(figures, labels, low=low[1:], high=high[1:])),
        confusion=figures.confusion.tolist(),
        mistakes=surest_mistakes(probabilities, examples.labels, labels=labels),
        robustness_images=len(sample),
        undamaged=_round((classify(sample.images).argmax(axis=1) == sample.labels).mean()),
        robustness=list(robustness(classify, sample, seed=seed)),
        cost=cost,
    )


def calibration(probabilities: Floats, labels: Classes, *, temperature: float) -> Calibration:
    """How far confidence and accuracy lie apart."""
    bins = zip(*reliability(probabilities, labels), strict=True)
    return Calibration(
        temperature=temperature,
        error=_round(calibration_error(probabilities, labels)),
        log_loss=_round(log_loss(probabilities, labels)),
        bins=[Bin(images=int(count), confidence=_round(sure), accuracy=_round(right)) for count, sure, right in bins],
    )


def surest_mistakes(
    probabilities: Floats, truth: Classes, *, labels: tuple[str, ...], most: int = MISTAKES
) -> list[Mistake]:
    """The wrong predictions of the highest confidence, the surest first."""
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != truth)
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    return [
        Mistake(
            index=int(index),
            truth=labels[truth[index]],
            predicted=labels[predicted[index]],
            confidence=_round(confidence[index]),
        )
        for index in chosen
    ]


def robustness(classify: Classify, sample: Examples, *, seed: int) -> Iterator[Robustness]:
    """Accuracy on the sample under every damage, with its interval."""
    for damage in damages():
        probabilities = classify(corrupt(sample.images, damage, seed=seed))
        correct = probabilities.argmax(axis=1) == sample.labels
        low, high = _share_interval(correct, seed=seed)
        yield Robustness(
            corruption=damage.corruption,
            severity=damage.severity,
            amount=str(damage),
            accuracy=_round(correct.mean()),
            low=_round(low),
            high=_round(high),
        )


def _share_interval(correct: NDArray[np.bool_], *, seed: int) -> tuple[Floats, Floats]:
    return interval(lambda drawn: correct[drawn].mean(), len(correct), seed=seed)


def _intervals(probabilities: Floats, truth: Classes, *, seed: int) -> tuple[Floats, Floats]:
    """The ends of the intervals of accuracy and of every class' F1, `[1 + classes]` each."""
    predicted, classes = probabilities.argmax(axis=1), probabilities.shape[1]

    def figures(drawn: Classes) -> Floats:
        confusion = confusion_matrix(predicted[drawn], truth[drawn], classes=classes)
        hits = confusion.diagonal()
        f1 = 2 * hits / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
        return np.array([hits.sum() / len(drawn), *f1])

    return interval(figures, len(truth), seed=seed)


def _class_figures(
    figures: Evaluation, labels: tuple[str, ...], *, low: Floats, high: Floats
) -> Iterator[ClassFigures]:
    for number, label in enumerate(labels):
        yield ClassFigures(
            label=label,
            images=int(figures.confusion[number].sum()),
            precision=_round(figures.precision[number]),
            recall=_round(figures.recall[number]),
            f1=_round(figures.f1[number]),
            low=_round(low[number]),
            high=_round(high[number]),
        )


def _round(value: float | np.floating | Floats) -> float:
    return round(float(value), 4)
