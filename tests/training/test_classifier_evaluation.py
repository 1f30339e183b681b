"""The evaluation of a classifier, on one with known predictions."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.examples import Examples
from training.evaluation.classifier import evaluate_classifier, most_confident_mistakes
from training.findings import Cost

LABELS = ("dark", "light")
COST = Cost(cpu="", threads=1, batch_size=1, images_per_s=1, single_ms=1, graph_mb=1, artifact_mb=1)


def by_brightness(images: NDArray[np.uint8]) -> NDArray[np.floating]:
    """Probabilities of two classes; the second is the mean brightness."""
    light = images.mean(axis=(1, 2)) / 255
    return np.stack([1 - light, light], axis=1)


def brightness(levels: list[int], labels: list[int]) -> Examples:
    images = np.repeat(np.array(levels, np.uint8), 25).reshape(-1, 5, 5)
    return Examples(images, np.array(labels))


def test_mistakes_are_listed_by_falling_confidence() -> None:
    examples = brightness([10, 200, 240, 250], [0, 0, 0, 1])

    mistakes = most_confident_mistakes(by_brightness(examples.images), examples.labels, labels=LABELS)

    assert [mistake["index"] for mistake in mistakes] == [2, 1]
    assert (mistakes[0]["true_class"], mistakes[0]["predicted_class"]) == LABELS
    assert mistakes[0]["confidence"] == pytest.approx(240 / 255, abs=1e-4)


def test_a_classifier_is_evaluated_with_and_without_corruption() -> None:
    examples = brightness([10, 20, 30, 200, 210, 220, 230, 40] * 10, [0, 0, 0, 1, 1, 1, 1, 1] * 10)

    evaluation = evaluate_classifier(
        by_brightness, examples, labels=LABELS, temperature=1.0, robustness_images=40, cost=COST
    )

    accuracies = {row["corruption"]: row["accuracy"] for row in evaluation["robustness"]}
    assert evaluation["accuracy"] == 0.875
    assert evaluation["low"] < 0.875 < evaluation["high"]
    assert evaluation["confusion"] == [[30, 0], [10, 40]]
    assert evaluation["classes"][1]["low"] <= evaluation["classes"][1]["f1"] <= evaluation["classes"][1]["high"]
    assert evaluation["robustness_images"] == 40
    assert accuracies["inversion"] == pytest.approx(1 - evaluation["clean_accuracy"])


def test_with_a_temperature_of_one_calibration_changes_nothing() -> None:
    examples = brightness([10, 200], [0, 1])

    evaluation = evaluate_classifier(
        by_brightness, examples, labels=LABELS, temperature=1.0, robustness_images=2, cost=COST
    )

    assert evaluation["uncalibrated"] == evaluation["calibrated"]
    assert evaluation["top_2_accuracy"] == 1
    assert evaluation["mistakes"] == []
