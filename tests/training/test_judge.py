"""What is measured of a classifier, on one whose answers are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.fashion_mnist import Examples
from training.evaluation.measurement import judge_classifier, surest_mistakes
from training.findings import Cost

LABELS = ("dark", "light")
COST = Cost(cpu="", threads=1, batch_size=1, images_per_s=1, single_ms=1, graph_mb=1, artifact_mb=1)


def by_brightness(images: NDArray[np.uint8]) -> NDArray[np.floating]:
    """A classifier that is the surer the further the mean is from gray."""
    light = images.mean(axis=(1, 2)) / 255
    return np.stack([1 - light, light], axis=1)


def brightness(levels: list[int], labels: list[int]) -> Examples:
    images = np.repeat(np.array(levels, np.uint8), 25).reshape(-1, 5, 5)
    return Examples(images, np.array(labels))


def test_the_surest_mistakes_come_first() -> None:
    examples = brightness([10, 200, 240, 250], [0, 0, 0, 1])

    mistakes = surest_mistakes(by_brightness(examples.images), examples.labels, labels=LABELS)

    assert [mistake["index"] for mistake in mistakes] == [2, 1]
    assert (mistakes[0]["truth"], mistakes[0]["predicted"]) == LABELS
    assert mistakes[0]["confidence"] == pytest.approx(240 / 255, abs=1e-4)


def test_a_classifier_is_judged_plain_and_damaged() -> None:
    examples = brightness([10, 20, 30, 200, 210, 220, 230, 40] * 10, [0, 0, 0, 1, 1, 1, 1, 1] * 10)

    judged = judge_classifier(by_brightness, examples, labels=LABELS, temperature=1.0, robustness_images=40, cost=COST)

    damaged = {row["corruption"]: row["accuracy"] for row in judged["robustness"]}
    assert judged["accuracy"] == 0.875
    assert judged["low"] < 0.875 < judged["high"]
    assert judged["confusion"] == [[30, 0], [10, 40]]
    assert judged["classes"][1]["low"] <= judged["classes"][1]["f1"] <= judged["classes"][1]["high"]
    assert judged["robustness_images"] == 40
    assert damaged["inversion"] == pytest.approx(1 - judged["undamaged"])


def test_without_a_temperature_before_and_after_are_one() -> None:
    examples = brightness([10, 200], [0, 1])

    judged = judge_classifier(by_brightness, examples, labels=LABELS, temperature=1.0, robustness_images=2, cost=COST)

    assert judged["before"] == judged["after"]
    assert judged["top_2"] == 1
    assert judged["mistakes"] == []
