"""Our PNG files hold exactly the pixels that went in, for any decoder."""

import io

import numpy as np
import pytest
from PIL import Image

from worker.rendering.png import encode_png


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (112, 112), (300, 200)])
def test_a_decoder_reads_back_every_pixel(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)

    with Image.open(io.BytesIO(encode_png(Image.fromarray(noise)))) as read:
        read.load()

    assert (read.format, read.mode, read.size) == ("PNG", "RGB", size)
    assert (np.asarray(read) == noise).all()


def test_the_checksums_are_right() -> None:
    file = io.BytesIO(encode_png(Image.new("RGB", (20, 10), (1, 2, 3))))

    with Image.open(file) as image:
        image.verify()


def test_a_picture_takes_hardly_more_room_than_pillows_quickest() -> None:
    gradient = np.linspace(0, 255, 200 * 150 * 3).reshape(150, 200, 3).astype(np.uint8)
    quickest = io.BytesIO()
    Image.fromarray(gradient).save(quickest, "PNG", compress_level=1)

    assert len(encode_png(Image.fromarray(gradient))) < 1.2 * len(quickest.getvalue())
