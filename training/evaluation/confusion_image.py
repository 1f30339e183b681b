"""Draw a confusion matrix as an image, with Pillow."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

CELL_PX = 48
MARGIN_PX = 112
TEXT_COLOR = (20, 24, 40)
FULL_CELL_COLOR = np.array((38, 84, 160))
EMPTY_CELL_COLOR = np.array((250, 250, 252))


def draw_confusion(confusion: NDArray[np.int64], labels: tuple[str, ...]) -> Image.Image:
    """Draw counts `[classes, classes]`; rows are true classes, columns predicted ones.

    Each cell is shaded by its fraction of the images of the true class.
    """
    side = MARGIN_PX + CELL_PX * len(labels)
    picture = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(picture)
    draw.font = ImageFont.load_default(13)
    fractions = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    for row, label in enumerate(labels):
        center = MARGIN_PX + row * CELL_PX + CELL_PX // 2
        draw.text((MARGIN_PX - 8, center), label, TEXT_COLOR, anchor="rm")
        _draw_vertical_text(picture, (center, MARGIN_PX - 8), label)
        for column in range(len(labels)):
            _draw_cell(draw, row, column, count=int(confusion[row, column]), fraction=float(fractions[row, column]))
    return picture


def _draw_cell(draw: ImageDraw.ImageDraw, row: int, column: int, *, count: int, fraction: float) -> None:
    x, y = MARGIN_PX + column * CELL_PX, MARGIN_PX + row * CELL_PX
    shade = EMPTY_CELL_COLOR + (FULL_CELL_COLOR - EMPTY_CELL_COLOR) * fraction**0.5
    draw.rectangle((x, y, x + CELL_PX - 2, y + CELL_PX - 2), fill=tuple(int(level) for level in shade))
    if count:
        text_color = "white" if fraction > 0.3 else TEXT_COLOR
        draw.text((x + CELL_PX // 2, y + CELL_PX // 2), str(count), text_color, anchor="mm")


def _draw_vertical_text(picture: Image.Image, foot: tuple[int, int], text: str) -> None:
    strip = Image.new("RGB", (MARGIN_PX, CELL_PX), "white")
    draw = ImageDraw.Draw(strip)
    draw.text((0, CELL_PX // 2), text, TEXT_COLOR, font=ImageFont.load_default(13), anchor="lm")
    picture.paste(strip.rotate(90, expand=True), (foot[0] - CELL_PX // 2, foot[1] - MARGIN_PX))
