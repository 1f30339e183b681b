"""Insertion and deletion of maps whose worth is known, and on the shipped model."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model.engines.interface import load_engine
from model.explanation.enlarge import enlarge
from model.explanation.faithfulness import IMAGES_AT_ONCE, faithfulness
from tests.model.samples import sample_pixels, shipped

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]

SIDE = 32
PATCH = np.s_[:, 4:12, 20:28]


def planted(count: int = 3) -> Images:
    """Black pictures with a white patch."""
    images = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    images[PATCH] = 255
    return images


def whiteness_of_the_patch(images: Images) -> Floats:
    """Two classes; the second's probability is the share of white in the patch."""
    white = (images[PATCH] > 200).mean(axis=(1, 2, 3), dtype=np.float32)
    return np.stack([1 - white, white], axis=1)


def zeros_with(value: float, *, count: int = 3) -> Floats:
    """Maps that hold the value on the patch and 0 elsewhere."""
    maps = np.zeros((count, SIDE, SIDE), np.float32)
    maps[PATCH] = value
    return maps


def ones(count: int) -> NDArray[np.int64]:
    return np.ones(count, np.int64)


def test_a_map_of_what_counts_scores_high_and_its_opposite_low() -> None:
    right = faithfulness(whiteness_of_the_patch, planted(), zeros_with(1), ones(3))
    wrong = faithfulness(whiteness_of_the_patch, planted(), zeros_with(-1), ones(3))

    # The patch is a sixteenth of the picture: after the first of eight steps all of it is there, or gone.
    assert np.allclose(right, [[15 / 16] * 3, [1 / 16] * 3])
    assert np.allclose(wrong.insertion, right.deletion)
    assert np.allclose(wrong.score, -right.score)


def test_a_map_of_the_same_value_everywhere_tells_nothing() -> None:
    scores = [faithfulness(whiteness_of_the_patch, planted(1), zeros_with(0, count=1), ones(1), seed=s) for s in (0, 1)]

    assert np.abs(scores[0].score) < 0.2
    assert scores[0].insertion != scores[1].insertion


def test_an_image_gets_the_same_score_in_any_company() -> None:
    count = IMAGES_AT_ONCE + 5
    maps = np.random.default_rng(3).integers(0, 2, (count, 3, 3)).astype(np.float32)
    whole = faithfulness(whiteness_of_the_patch, planted(count), maps, ones(count))

    for part in (slice(0), slice(1), slice(60, None)):
        company = faithfulness(whiteness_of_the_patch, planted(count)[part], maps[part], ones(count)[part])
        assert np.array_equal(company.score, whole.score[part])


def test_what_is_handed_in_stays_as_it_was() -> None:
    images, maps = planted(), zeros_with(1)

    faithfulness(whiteness_of_the_patch, images, maps, ones(3))

    assert np.array_equal(images, planted())
    assert np.array_equal(maps, zeros_with(1))


@pytest.mark.parametrize("cells", [(1, 1), (3, 3), (2, 5), (40, 30)])
def test_a_grid_is_enlarged_as_pillow_does(cells: tuple[int, int]) -> None:
    grid = np.random.default_rng(4).random(cells, np.float32)

    expected = np.asarray(Image.fromarray(grid).resize((30, 40), Image.Resampling.BILINEAR))

    assert np.allclose(enlarge(grid[None], height=40, width=30)[0], expected, atol=1e-6)


def test_on_the_shipped_model_both_areas_are_shares() -> None:
    engine, images = load_engine(shipped(), engine="onnx"), sample_pixels()[:20]
    probabilities, cam = engine.infer(images)

    judged = faithfulness(lambda part: engine.infer(part).probabilities, images, cam, probabilities.argmax(axis=1))

    assert judged.insertion.shape == judged.score.shape == (20,)
    assert judged.score.dtype == np.float32
    assert min(judged.insertion.min(), judged.deletion.min()) >= 0
    assert max(judged.insertion.max(), judged.deletion.max()) <= 1
