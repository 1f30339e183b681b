"""A picture of many results: each image beside its overlay, with a caption, one row per true class."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from PIL import Image, ImageDraw, ImageFont

# All sizes are pixels.
TILE_SIZE = 112
TILE_GAP = 6
CARD_WIDTH, CARD_HEIGHT = 2 * TILE_SIZE + TILE_GAP, TILE_SIZE + 26
CARD_GAP = 22
MARGIN = 36
ROW_NAME_WIDTH = 128
HEADER_HEIGHT = 128

LEGEND = (
    "Right image of each pair: the regions that raised the score of the label, violet for the least and yellow for the"
    " most. Regions without color did not."
)

BACKGROUND, BLACK, GRAY, RED = "#fbfaf8", "#1d1b20", "#77747c", "#c2352b"


@dataclass(frozen=True)
class Card:
    """An image with its true label, its predicted label and the confidence of that (0 to 1)."""

    true_label: str
    label: str
    confidence: float
    original: Image.Image
    overlay: Image.Image


def draw_contact_sheet(cards: Sequence[Card], *, title: str, subtitle: str) -> Image.Image:
    """Return the picture: one row per group of adjacent cards with equal true labels; wrong labels are red."""
    rows = [(true_label, list(row)) for true_label, row in groupby(cards, key=lambda card: card.true_label)]
    columns = max(len(row) for _, row in rows)
    width = 2 * MARGIN + ROW_NAME_WIDTH + columns * (CARD_WIDTH + CARD_GAP) - CARD_GAP
    height = HEADER_HEIGHT + len(rows) * (CARD_HEIGHT + CARD_GAP) - CARD_GAP + MARGIN
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, 30), title, BLACK, font=ImageFont.load_default(28))
    pen.text((MARGIN, 66), subtitle, GRAY, font=ImageFont.load_default(15))
    pen.text((MARGIN, 90), LEGEND, GRAY, font=ImageFont.load_default(15))
    for number, (true_label, row) in enumerate(rows):
        top = HEADER_HEIGHT + number * (CARD_HEIGHT + CARD_GAP)
        pen.text((MARGIN, top + TILE_SIZE // 2), true_label, BLACK, font=ImageFont.load_default(17), anchor="lm")
        for column, card in enumerate(row):
            _draw_card(sheet, card, left=MARGIN + ROW_NAME_WIDTH + column * (CARD_WIDTH + CARD_GAP), top=top)
    return sheet


def _draw_card(sheet: Image.Image, card: Card, *, left: int, top: int) -> None:
    pen = ImageDraw.Draw(sheet)
    for number, picture in enumerate((card.original, card.overlay)):
        tile = picture.convert("RGB").resize((TILE_SIZE, TILE_SIZE), Image.Resampling.LANCZOS)
        sheet.paste(tile, (left + number * (TILE_SIZE + TILE_GAP), top))
    color = BLACK if card.label == card.true_label else RED
    baseline = top + TILE_SIZE + 20
    pen.text((left, baseline), card.label, color, font=ImageFont.load_default(15), anchor="ls")
    percent = f"{card.confidence:.0%}"
    pen.text((left + CARD_WIDTH, baseline), percent, GRAY, font=ImageFont.load_default(15), anchor="rs")
