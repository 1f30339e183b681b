"""A picture of many results at once: each image beside its overlay, captioned, one row per true class."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from PIL import Image, ImageDraw, ImageFont

TILE = 112
GAP = 6
CARD = (2 * TILE + GAP, TILE + 26)
SPACE = 22
MARGIN = 36
ROW_NAME = 128
HEADER = 104

PAPER, INK, GRAY, RED = "#fbfaf8", "#1d1b20", "#77747c", "#c2352b"


@dataclass(frozen=True)
class Card:
    """One image, what the model says it is, and what it is."""

    truth: str
    label: str
    confidence: float
    original: Image.Image
    overlay: Image.Image


def draw_contact_sheet(cards: Sequence[Card], *, title: str, subtitle: str) -> Image.Image:
    """One row per run of equal true labels; all widths in pixels; wrong labels are red."""
    rows = [(truth, list(row)) for truth, row in groupby(cards, key=lambda card: card.truth)]
    longest = max(len(row) for _, row in rows)
    width = 2 * MARGIN + ROW_NAME + longest * (CARD[0] + SPACE) - SPACE
    height = HEADER + len(rows) * (CARD[1] + SPACE) - SPACE + MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, 30), title, INK, font=ImageFont.load_default(28))
    pen.text((MARGIN, 66), subtitle, GRAY, font=ImageFont.load_default(15))
    for number, (truth, row) in enumerate(rows):
        top = HEADER + number * (CARD[1] + SPACE)
        pen.text((MARGIN, top + TILE // 2), truth, INK, font=ImageFont.load_default(17), anchor="lm")
        for column, card in enumerate(row):
            _draw_card(sheet, card, left=MARGIN + ROW_NAME + column * (CARD[0] + SPACE), top=top)
    return sheet


def _draw_card(sheet: Image.Image, card: Card, *, left: int, top: int) -> None:
    pen = ImageDraw.Draw(sheet)
    for number, picture in enumerate((card.original, card.overlay)):
        tile = picture.convert("RGB").resize((TILE, TILE), Image.Resampling.LANCZOS)
        sheet.paste(tile, (left + number * (TILE + GAP), top))
    color = INK if card.label == card.truth else RED
    baseline = top + TILE + 20
    pen.text((left, baseline), card.label, color, font=ImageFont.load_default(15), anchor="ls")
    percent = f"{card.confidence:.0%}"
    pen.text((left + CARD[0], baseline), percent, GRAY, font=ImageFont.load_default(15), anchor="rs")
