"""Classification metrics on cases that are small enough to compute by hand."""

import numpy as np
import pytest
from scipy.special import softmax

from training.evaluation.metrics import (
    accuracy_and_f1,
    calibration_error,
    classification_metrics,
    fit_temperature,
    log_loss,
    reliability,
    top_2_accuracy,
    without_temperature,
)

LABELS = np.array([0, 0, 1, 2])
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]])


def test_accuracy_precision_recall_and_f1_are_those_of_the_confusion_matrix() -> None:
    metrics = classification_metrics(PROBABILITIES, LABELS)

    assert metrics.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert metrics.accuracy == 0.75
    assert metrics.precision.tolist() == [1, 0.5, 1]
    assert metrics.recall.tolist() == [0.5, 1, 1]
    assert metrics.f1 == pytest.approx([2 / 3, 2 / 3, 1])


def test_a_class_that_never_occurs_gets_zero_and_not_nan() -> None:
    metrics = classification_metrics(PROBABILITIES[:1], LABELS[:1])

    assert metrics.precision.tolist() == metrics.recall.tolist() == [1, 0, 0]
    assert np.isfinite(metrics.f1).all()


def test_log_loss_is_that_of_the_true_class() -> None:
    assert log_loss(PROBABILITIES[:2], LABELS[:2]) == pytest.approx(-np.log([0.8, 0.2]).mean())


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    sure_and_half_wrong = np.tile([1.0, 0.0], (10, 1))

    assert calibration_error(sure_and_half_wrong, np.array([0, 1] * 5)) == pytest.approx(0.5)
    assert calibration_error(sure_and_half_wrong, np.zeros(10, np.int64)) == 0


def test_the_fitted_temperature_corrects_an_overconfident_scale() -> None:
    rng = np.random.default_rng(7)
    logits = rng.normal(size=(20_000, 4))
    labels = (softmax(logits, axis=1).cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)

    assert fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.05)


def test_top_2_accuracy_counts_the_two_most_probable_classes() -> None:
    assert top_2_accuracy(PROBABILITIES, LABELS) == 1
    assert top_2_accuracy(PROBABILITIES, np.array([0, 0, 1, 0])) == 0.75
    assert top_2_accuracy(PROBABILITIES[:, :2], np.array([0, 1, 1, 0])) == 1


def test_the_reliability_diagram_has_confidence_and_accuracy_by_bin() -> None:
    images, confidence, accuracy = reliability(PROBABILITIES, LABELS)

    assert images.tolist() == [0] * 10 + [2, 0, 2, 0, 0]
    assert confidence[[10, 12]] == pytest.approx([0.7, 0.8])
    assert accuracy[[10, 12]].tolist() == [0.5, 1]


def test_temperature_scaling_is_reversed() -> None:
    logits = np.random.default_rng(3).normal(scale=4, size=(50, 4))

    assert np.allclose(without_temperature(softmax(logits / 1.7, axis=1), 1.7), softmax(logits, axis=1))


def test_accuracy_and_f1_for_the_bootstrap_equal_those_of_scikit_learn() -> None:
    metrics = classification_metrics(PROBABILITIES, LABELS)

    accuracy, *f1 = accuracy_and_f1(PROBABILITIES.argmax(axis=1), LABELS, classes=3)

    assert accuracy == metrics.accuracy
    assert f1 == pytest.approx(metrics.f1)
