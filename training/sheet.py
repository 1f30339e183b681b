"""Many small pictures in one PNG file, in rows, and out of it again."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.fashion_mnist import resize
from training.files import whole

Images = NDArray[np.uint8]


def write_sheet(images: Images, path: Path, *, columns: int, most_px: int = 64) -> None:
    """Write gray or RGB images `[N, h, w(, 3)]` row by row; larger ones are shrunk to squares of `most_px`."""
    if max(images.shape[1:3]) > most_px:
        images = resize(images, most_px)
    rows = -(-len(images) // columns)
    count, height, width, *channels = images.shape
    padded = np.zeros((rows * columns, height, width, *channels), np.uint8)
    padded[:count] = images
    grid = padded.reshape(rows, columns, height, width, *channels).swapaxes(1, 2)
    with whole(path) as part:
        Image.fromarray(grid.reshape(rows * height, columns * width, *channels)).save(part, "PNG", optimize=True)


def read_sheet(path: Path, *, columns: int, count: int) -> list[Images]:
    """The first `count` pictures of a sheet with so many columns."""
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet)
    width = pixels.shape[1] // columns
    height = pixels.shape[0] // -(-count // columns)
    places = (divmod(number, columns) for number in range(count))
    return [pixels[row * height : (row + 1) * height, column * width : (column + 1) * width] for row, column in places]
