"""Insertion and deletion of maps with known faithfulness, and on the shipped model."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model.engines.load import load_engine
from model.explanation.enlarge import enlarge
from model.explanation.faithfulness import MAX_IMAGES_AT_ONCE, faithfulness
from tests.model.samples import sample_pixels, shipped

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]

SIDE = 32
PATCH = np.s_[:, 4:12, 20:28]


def images_with_patch(count: int = 3) -> Images:
    """Black images with a white patch."""
    images = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    images[PATCH] = 255
    return images


def whiteness_of_the_patch(images: Images) -> Floats:
    """Probabilities of two classes; the second is the fraction of white in the patch."""
    white = (images[PATCH] > 200).mean(axis=(1, 2, 3), dtype=np.float32)
    return np.stack([1 - white, white], axis=1)


def map_with_patch(value: float, *, count: int = 3) -> Floats:
    """Maps with this value in the patch and 0 elsewhere."""
    maps = np.zeros((count, SIDE, SIDE), np.float32)
    maps[PATCH] = value
    return maps


def ones(count: int) -> NDArray[np.int64]:
    return np.ones(count, np.int64)


def test_a_map_of_the_decisive_pixels_scores_high_and_its_negative_low() -> None:
    right = faithfulness(whiteness_of_the_patch, images_with_patch(), map_with_patch(1), ones(3))
    wrong = faithfulness(whiteness_of_the_patch, images_with_patch(), map_with_patch(-1), ones(3))

    # The patch is a sixteenth of the image: the first of eight steps reveals or hides all of it.
    assert np.allclose(right, [[15 / 16] * 3, [1 / 16] * 3])
    assert np.allclose(wrong.insertion, right.deletion)
    assert np.allclose(wrong.score, -right.score)


def test_a_constant_map_scores_near_zero_and_its_order_follows_from_the_seed() -> None:
    scores = [
        faithfulness(whiteness_of_the_patch, images_with_patch(1), map_with_patch(0, count=1), ones(1), seed=s)
        for s in (0, 1)
    ]

    assert np.abs(scores[0].score) < 0.2
    assert scores[0].insertion != scores[1].insertion


def test_the_score_of_an_image_does_not_depend_on_the_other_images() -> None:
    count = MAX_IMAGES_AT_ONCE + 5
    maps = np.random.default_rng(3).integers(0, 2, (count, 3, 3)).astype(np.float32)
    whole = faithfulness(whiteness_of_the_patch, images_with_patch(count), maps, ones(count))

    for part in (slice(0), slice(1), slice(60, None)):
        alone = faithfulness(whiteness_of_the_patch, images_with_patch(count)[part], maps[part], ones(count)[part])
        assert np.array_equal(alone.score, whole.score[part])


def test_the_arguments_are_not_modified() -> None:
    images, maps = images_with_patch(), map_with_patch(1)

    faithfulness(whiteness_of_the_patch, images, maps, ones(3))

    assert np.array_equal(images, images_with_patch())
    assert np.array_equal(maps, map_with_patch(1))


@pytest.mark.parametrize("cells", [(1, 1), (3, 3), (2, 5), (40, 30)])
def test_a_map_is_enlarged_exactly_as_by_pillow(cells: tuple[int, int]) -> None:
    grid = np.random.default_rng(4).random(cells, np.float32)

    expected = np.asarray(Image.fromarray(grid).resize((30, 40), Image.Resampling.BILINEAR))

    assert np.allclose(enlarge(grid[None], height=40, width=30)[0], expected, atol=1e-6)


def test_both_areas_of_the_shipped_model_lie_between_0_and_1() -> None:
    engine, images = load_engine(shipped(), engine="onnx"), sample_pixels()[:20]
    probabilities, cam = engine.infer(images)

    measured = faithfulness(lambda batch: engine.infer(batch).probabilities, images, cam, probabilities.argmax(axis=1))

    assert measured.insertion.shape == measured.score.shape == (20,)
    assert measured.score.dtype == np.float32
    assert min(measured.insertion.min(), measured.deletion.min()) >= 0
    assert max(measured.insertion.max(), measured.deletion.max()) <= 1
