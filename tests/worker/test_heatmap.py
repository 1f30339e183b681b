"""The overlay shows where the CAM is high and leaves the rest of the image alone."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from worker.rendering.heatmap import COLORS, MAX_OPACITY, STOPS, draw_overlay
from worker.rendering.result_tables import safe_cell

GRAY = Image.new("RGB", (300, 200), (100, 100, 100))


@pytest.mark.parametrize("hottest", [7.5, 1e-40])
def test_the_hot_corner_is_colored_and_the_cold_one_is_the_image(hottest: float) -> None:
    cam = np.zeros((3, 3), np.float32)
    cam[0, 0] = hottest

    overlay = np.asarray(draw_overlay(GRAY, cam))

    assert overlay.shape == (200, 300, 3)
    assert abs(overlay[5, 5].astype(int) - 100).max() > 50
    assert (overlay[-5:, -5:] == 100).all()


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_a_cam_that_is_the_same_everywhere_leaves_the_image_as_it_is(value: float) -> None:
    overlay = draw_overlay(GRAY, np.full((3, 3), value, np.float32))

    assert (np.asarray(overlay) == np.asarray(GRAY)).all()


def blended(image: Image.Image, cam: NDArray[np.float32]) -> NDArray[np.float64]:
    """The overlay by its definition, in floating point."""
    canvas = image.resize((112, 112), Image.Resampling.BICUBIC)
    spread = Image.fromarray((cam - cam.min()) / np.ptp(cam))
    heat = np.clip(np.asarray(spread.resize(canvas.size, Image.Resampling.BICUBIC)), 0, 1)
    color = np.stack([np.interp(heat, STOPS, channel) for channel in COLORS.T], axis=-1)
    opacity = MAX_OPACITY * heat[..., np.newaxis]
    return np.asarray(np.asarray(canvas) * (1 - opacity) + color * opacity, np.float64)


def test_no_pixel_is_further_than_2_levels_from_the_blend_in_floating_point() -> None:
    rng = np.random.default_rng(6)

    for rows, columns in [(1, 2), (3, 3), (2, 5), (7, 7), (12, 4)]:
        image = Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8))
        cam = rng.random((rows, columns), np.float32) ** 3
        difference = np.abs(np.asarray(draw_overlay(image, cam)) - blended(image, cam))

        assert difference.max() < 2
        assert difference.mean() < 0.5


def test_small_images_are_enlarged_and_large_ones_reduced() -> None:
    cam = np.ones((3, 3), np.float32)

    assert draw_overlay(Image.new("RGB", (28, 14)), cam).size == (112, 56)
    assert draw_overlay(Image.new("RGB", (4000, 3000)), cam).size == (1024, 768)
    assert draw_overlay(Image.new("RGB", (5000, 1)), cam).size == (1024, 1)


def test_only_text_that_looks_like_a_formula_is_changed_in_a_cell() -> None:
    assert [safe_cell(value) for value in ("=1+1", "@x", "a=b", -1.5, None)] == ["'=1+1", "'@x", "a=b", -1.5, None]
