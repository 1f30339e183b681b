"""The confusion matrix as a picture, drawn with Pillow alone."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

CELL_PX = 48
MARGIN_PX = 112
INK = (20, 24, 40)
FULL = np.array((38, 84, 160))
EMPTY = np.array((250, 250, 252))


def draw_confusion(confusion: NDArray[np.int64], labels: tuple[str, ...]) -> Image.Image:
    """Counts in cells shaded by their share of the true class; rows are true classes, columns predictions."""
    side = MARGIN_PX + CELL_PX * len(labels)
    picture = Image.new("RGB", (side, side), "white")
    pen = ImageDraw.Draw(picture)
    pen.font = ImageFont.load_default(13)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    for row, label in enumerate(labels):
        place = MARGIN_PX + row * CELL_PX + CELL_PX // 2
        pen.text((MARGIN_PX - 8, place), label, INK, anchor="rm")
        _write_upwards(picture, (place, MARGIN_PX - 8), label)
        for column in range(len(labels)):
            _draw_cell(pen, row, column, count=int(confusion[row, column]), share=float(shares[row, column]))
    return picture


def _draw_cell(pen: ImageDraw.ImageDraw, row: int, column: int, *, count: int, share: float) -> None:
    x, y = MARGIN_PX + column * CELL_PX, MARGIN_PX + row * CELL_PX
    shade = EMPTY + (FULL - EMPTY) * share**0.5
    pen.rectangle((x, y, x + CELL_PX - 2, y + CELL_PX - 2), fill=tuple(int(level) for level in shade))
    if count:
        ink = "white" if share > 0.3 else INK
        pen.text((x + CELL_PX // 2, y + CELL_PX // 2), str(count), ink, anchor="mm")


def _write_upwards(picture: Image.Image, foot: tuple[int, int], text: str) -> None:
    strip = Image.new("RGB", (MARGIN_PX, CELL_PX), "white")
    pen = ImageDraw.Draw(strip)
    pen.text((0, CELL_PX // 2), text, INK, font=ImageFont.load_default(13), anchor="lm")
    picture.paste(strip.rotate(90, expand=True), (foot[0] - CELL_PX // 2, foot[1] - MARGIN_PX))
