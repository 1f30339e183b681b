"""Score-CAM and occlusion find the pixels that decide, for any classifier."""

import numpy as np
from numpy.typing import NDArray

from model.explanation.masking import occlusion, score_cam

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]

SIDE = 48
PATCH = np.s_[:, 32:48, 0:16]
ONES = np.ones(2, np.int64)


def images_with_patch() -> Images:
    """Noise with a white patch in the lower left ninth."""
    images = np.random.default_rng(6).integers(0, 100, (2, SIDE, SIDE, 3), np.uint8)
    images[PATCH] = 255
    return images


def whiteness_of_the_patch(images: Images) -> Floats:
    """Probabilities of two classes; the second is the brightness of the patch."""
    light = images[PATCH].mean(axis=(1, 2, 3), dtype=np.float32) / np.float32(255)
    return np.stack([1 - light, light], axis=1)


def one_channel_per_cell() -> Floats:
    """Features of a 3×3 grid in which each channel is active in one cell."""
    return np.broadcast_to(np.eye(9, dtype=np.float32).reshape(3, 3, 9), (2, 3, 3, 9)).copy()


def test_score_cam_is_highest_on_the_patch() -> None:
    cam = score_cam(whiteness_of_the_patch, images_with_patch(), one_channel_per_cell(), ONES)

    assert cam.shape == (2, 3, 3)
    assert (cam.reshape(2, 9).argmax(axis=1) == 6).all()
    assert (cam >= 0).all()


def test_score_cam_of_the_other_class_is_zero() -> None:
    cam = score_cam(whiteness_of_the_patch, images_with_patch(), one_channel_per_cell(), 1 - ONES)

    assert np.allclose(cam, 0, atol=1e-6)


def test_score_cam_of_zero_features_is_zero_and_not_nan() -> None:
    cam = score_cam(whiteness_of_the_patch, images_with_patch(), np.zeros((2, 3, 3, 100), np.float32), ONES)

    assert np.array_equal(cam, np.zeros((2, 3, 3)))


def test_occlusion_is_high_on_the_patch_and_zero_elsewhere() -> None:
    lost = occlusion(whiteness_of_the_patch, images_with_patch(), ONES, cells=6)

    # The patch is the two lower rows and two left columns of cells; a square two cells wide reaches one cell further.
    assert lost.shape == (2, 6, 6)
    assert (lost[:, 4:, :2] > 0.1).all()
    assert np.allclose(lost[:, :3], 0, atol=1e-6)
    assert np.allclose(lost[:, :, 3:], 0, atol=1e-6)


def test_no_images_give_no_maps() -> None:
    none = images_with_patch()[:0]

    assert score_cam(whiteness_of_the_patch, none, one_channel_per_cell()[:0], ONES[:0]).shape == (0, 3, 3)
    assert occlusion(whiteness_of_the_patch, none, ONES[:0]).shape == (0, 8, 8)
