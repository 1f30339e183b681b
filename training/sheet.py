"""Contact sheets: many small images in one PNG file, row by row."""

from pathlib import Path

import numpy as np
from PIL import Image

from model.arrays import Images
from model.decode import stretch_images
from training.files import atomic_write


def write_sheet(images: Images, path: Path, *, columns: int, max_side_px: int = 64) -> None:
    """Write gray or RGB images `[N, h, w(, 3)]` row by row; larger ones are shrunk to squares of `max_side_px`."""
    if max(images.shape[1:3]) > max_side_px:
        images = stretch_images(images, side=max_side_px)
    rows = -(-len(images) // columns)
    count, height, width, *channels = images.shape
    padded = np.zeros((rows * columns, height, width, *channels), np.uint8)
    padded[:count] = images
    grid = padded.reshape(rows, columns, height, width, *channels).swapaxes(1, 2)
    with atomic_write(path) as part:
        Image.fromarray(grid.reshape(rows * height, columns * width, *channels)).save(part, "PNG", optimize=True)


def read_sheet(path: Path, *, columns: int, count: int) -> list[Images]:
    """Return the first `count` images of a sheet with this number of columns."""
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet)
    width = pixels.shape[1] // columns
    height = pixels.shape[0] // -(-count // columns)
    cells = (divmod(number, columns) for number in range(count))
    return [pixels[row * height : (row + 1) * height, column * width : (column + 1) * width] for row, column in cells]
