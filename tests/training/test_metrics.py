"""The figures of an evaluation on cases small enough to work out by hand."""

import numpy as np
import pytest

from training.evaluation.metrics import (
    calibration_error,
    evaluate,
    fit_temperature,
    log_loss,
    reliability,
    softmax,
    top_accuracy,
    untempered,
)

LABELS = np.array([0, 0, 1, 2])
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]])


def test_accuracy_precision_recall_and_f1_are_those_of_the_confusion_matrix() -> None:
    evaluation = evaluate(PROBABILITIES, LABELS)

    assert evaluation.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert evaluation.accuracy == 0.75
    assert evaluation.precision.tolist() == [1, 0.5, 1]
    assert evaluation.recall.tolist() == [0.5, 1, 1]
    assert evaluation.f1 == pytest.approx([2 / 3, 2 / 3, 1])


def test_a_class_that_never_occurs_counts_zero_and_not_nan() -> None:
    evaluation = evaluate(PROBABILITIES[:1], LABELS[:1])

    assert evaluation.precision.tolist() == evaluation.recall.tolist() == [1, 0, 0]
    assert np.isfinite(evaluation.f1).all()


def test_log_loss_is_that_of_the_true_class() -> None:
    assert log_loss(PROBABILITIES[:2], LABELS[:2]) == pytest.approx(-np.log([0.8, 0.2]).mean())


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    sure_and_half_wrong = np.tile([1.0, 0.0], (10, 1))

    assert calibration_error(sure_and_half_wrong, np.array([0, 1] * 5)) == pytest.approx(0.5)
    assert calibration_error(sure_and_half_wrong, np.zeros(10, np.int64)) == 0


def test_the_temperature_undoes_an_overconfident_scale() -> None:
    dice = np.random.default_rng(7)
    logits = dice.normal(size=(20_000, 4))
    labels = (softmax(logits).cumsum(axis=1) < dice.random((20_000, 1))).sum(axis=1)

    assert fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.05)


def test_the_true_class_counts_as_found_among_the_k_likeliest() -> None:
    assert top_accuracy(PROBABILITIES, LABELS, k=1) == 0.75
    assert top_accuracy(PROBABILITIES, LABELS, k=2) == 1


def test_the_reliability_diagram_tells_confidence_and_accuracy_by_bin() -> None:
    images, confidence, accuracy = reliability(PROBABILITIES, LABELS)

    assert images.tolist() == [0] * 10 + [2, 0, 2, 0, 0]
    assert confidence[[10, 12]] == pytest.approx([0.7, 0.8])
    assert accuracy[[10, 12]].tolist() == [0.5, 1]


def test_the_temperature_in_a_graph_can_be_taken_out_again() -> None:
    logits = np.random.default_rng(3).normal(scale=4, size=(50, 4))

    assert np.allclose(untempered(softmax(logits / 1.7), 1.7), softmax(logits))
