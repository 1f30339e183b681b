"""The overlay shows where the CAM is high and leaves the rest of the image alone."""

import numpy as np
import pytest
from PIL import Image

from worker.overlay import draw_overlay
from worker.results import safe_cell

GREY = Image.new("RGB", (300, 200), (100, 100, 100))


def test_the_hot_corner_is_coloured_and_the_cold_one_is_the_image() -> None:
    cam = np.zeros((3, 3), np.float32)
    cam[0, 0] = 7.5

    overlay = np.asarray(draw_overlay(GREY, cam))

    assert overlay.shape == (200, 300, 3)
    assert abs(overlay[5, 5].astype(int) - 100).max() > 50
    assert (overlay[-5:, -5:] == 100).all()


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_a_cam_that_is_the_same_everywhere_leaves_the_image_as_it_is(value: float) -> None:
    overlay = draw_overlay(GREY, np.full((3, 3), value, np.float32))

    assert (np.asarray(overlay) == np.asarray(GREY)).all()


def test_small_images_are_enlarged_and_large_ones_reduced() -> None:
    cam = np.ones((3, 3), np.float32)

    assert draw_overlay(Image.new("RGB", (28, 14)), cam).size == (112, 56)
    assert draw_overlay(Image.new("RGB", (4000, 3000)), cam).size == (1024, 768)
    assert draw_overlay(Image.new("RGB", (5000, 1)), cam).size == (1024, 1)


def test_only_text_that_looks_like_a_formula_is_changed_in_a_cell() -> None:
    assert [safe_cell(value) for value in ("=1+1", "@x", "a=b", -1.5, None)] == ["'=1+1", "'@x", "a=b", -1.5, None]
