"""Evaluating explanations: ROAD, weight randomization, and every method on the shipped model."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.model.samples import sample_grays, sample_labels, shipped
from training.data.dataset import Dataset
from training.data.examples import Examples
from training.data.fashion_mnist import LABELS
from training.explanation.baselines import center_blobs, edges
from training.explanation.cam_metrics import cam_metrics
from training.explanation.explain import SampleSizes, explain, methods_table
from training.explanation.findings import ExplanationFindings
from training.explanation.road import impute, road_accuracy
from training.explanation.sanity import rank_correlation

# Keras 3.15 turns its variables into arrays in a way that NumPy 2 warns of.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.timeout(300),
]


def examples(count: int) -> Examples:
    return Examples(sample_grays()[:count], sample_labels()[:count])


def test_a_gradient_is_imputed_from_its_border() -> None:
    slope = np.broadcast_to(np.arange(50, 200, 5, dtype=np.uint8)[:, None, None], (1, 30, 30, 3))
    kept = np.zeros((1, 30, 30), bool)
    kept[:, [0, -1]] = kept[:, :, [0, -1]] = True

    filled = impute(slope, kept, noise=0)

    assert np.abs(filled.astype(int) - slope).max() <= 4
    assert np.array_equal(filled[kept], slope[kept])


def test_imputing_solves_the_equations_of_the_paper() -> None:
    rng = np.random.default_rng(7)
    image, kept = rng.integers(0, 256, (1, 20, 20, 3), np.uint8), rng.random((1, 20, 20)) < 0.2

    filled = impute(image, kept, noise=0)[0].astype(float)

    padded = np.pad(filled, ((1, 1), (1, 1), (0, 0)))
    there = np.pad(np.ones((20, 20, 1)), ((1, 1), (1, 1), (0, 0)))
    weights = {(r, c): 2 - (r != 1 and c != 1) for r in range(3) for c in range(3) if (r, c) != (1, 1)}
    means, total = (sum(w * each[r : r + 20, c : c + 20] for (r, c), w in weights.items()) for each in (padded, there))
    assert np.abs(means / total - filled)[~kept[0]].max() <= 2


def test_accuracy_falls_at_once_when_the_most_relevant_pixels_are_imputed() -> None:
    image = np.zeros((2, 32, 32, 3), np.uint8)
    image[:, 8:16, 8:16] = 255
    maps = np.zeros((2, 4, 4), np.float32)
    maps[:, 1, 1] = 1

    def classify(images: np.ndarray) -> np.ndarray:
        light = images[:, 8:16, 8:16].mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - light, light], axis=1).astype(np.float32)

    most_first = road_accuracy(classify, image, maps, np.ones(2, int))
    least_first = road_accuracy(classify, image, maps, np.ones(2, int), least_relevant_first=True)
    assert most_first[0] == 0
    assert least_first[:3] == [1, 1, 1]


def test_rank_correlation_of_equal_opposite_and_constant_maps() -> None:
    maps = np.arange(9, dtype=np.float32).reshape(1, 3, 3)

    assert rank_correlation(maps, maps**2) == pytest.approx(1)
    assert rank_correlation(maps, -maps) == pytest.approx(-1)
    assert rank_correlation(maps, np.zeros_like(maps)) == 0


def test_a_blob_is_highest_in_the_center_and_a_flat_image_has_no_edges() -> None:
    images = np.full((2, 20, 20, 3), 7, np.uint8)

    assert np.unravel_index(center_blobs(images)[1].argmax(), (20, 20)) in {(9, 9), (9, 10), (10, 9), (10, 10)}
    assert not edges(images).any()


def test_the_cam_metrics_of_the_shipped_model_are_in_range() -> None:
    faithfulness, margin_low, sanity = cam_metrics(shipped(), examples(24))

    assert -1 <= faithfulness <= 1
    assert -2 <= margin_low < faithfulness + 1
    assert sanity < 0.9


def test_every_method_is_evaluated_and_saved(tmp_path: Path) -> None:
    dataset = Dataset("fashion-mnist", LABELS, examples(6))
    sizes = SampleSizes(expensive=2, road=3, sanity=4)

    written = explain(shipped(), dataset, split="test", sizes=sizes, out=tmp_path, command="python -m …")

    found: ExplanationFindings = json.loads(written.read_text("utf-8"))
    assert {"Grad-CAM", "Score-CAM", "occlusion", "random", "center"} <= set(found["methods"])
    assert found["methods"]["Score-CAM"]["images"] == 2
    assert found["methods"]["Grad-CAM"]["over_random"]["low"] <= found["methods"]["Grad-CAM"]["over_random"]["high"]
    assert set(found["road"]["most_relevant_first"]) == set(found["methods"]) == set(found["overlays"])
    assert found["sanity"]["layers"][0] == "logits"
    assert found["sanity"]["rank_correlation"][-1] < 0.9
    assert "Score-CAM" in methods_table(found["methods"])
    assert (tmp_path / "explanations.png").stat().st_size < 500_000
