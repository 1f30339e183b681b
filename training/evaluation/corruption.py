"""Damage as pictures suffer it before they are uploaded (after Hendrycks and Dietterich, 2019, arXiv:1903.12261)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Images = NDArray[np.uint8]


class Corruption(StrEnum):
    """The kinds of damage."""

    NOISE = "noise"
    BLUR = "blur"
    SHIFT = "shift"
    INVERSION = "inversion"
    JPEG = "jpeg"


# Noise: deviation in levels of 255. Blur: radius, and shift: distance, in % of the image's shorter side. JPEG: quality.
AMOUNTS: dict[Corruption, tuple[int, ...]] = {
    Corruption.NOISE: (8, 16, 32, 64),
    Corruption.BLUR: (2, 4, 6, 8),
    Corruption.SHIFT: (4, 8, 12, 16),
    Corruption.INVERSION: (100,),
    Corruption.JPEG: (75, 50, 25, 10),
}
UNITS = {
    Corruption.NOISE: "deviation {} of 255",
    Corruption.BLUR: "radius {} % of the side",
    Corruption.SHIFT: "by {} % of the side",
    Corruption.INVERSION: "negative",
    Corruption.JPEG: "quality {}",
}


@dataclass(frozen=True)
class Damage:
    """A corruption at a severity, counted from 1."""

    corruption: Corruption
    severity: int

    @property
    def amount(self) -> int:
        return AMOUNTS[self.corruption][self.severity - 1]

    def __str__(self) -> str:
        return UNITS[self.corruption].format(self.amount)


def damages() -> Iterator[Damage]:
    """Every corruption at every severity it has."""
    for corruption, amounts in AMOUNTS.items():
        yield from (Damage(corruption, severity) for severity in range(1, len(amounts) + 1))


def corrupt(images: Images, damage: Damage, *, seed: int = 0) -> Images:
    """Damaged copies of gray `[N, h, w]` or RGB `[N, h, w, 3]` images, the same ones for one seed."""
    dice = np.random.default_rng([seed, list(Corruption).index(damage.corruption), damage.severity])
    return np.stack([_corrupt(image, damage, dice) for image in images])


def _corrupt(image: Images, damage: Damage, dice: np.random.Generator) -> Images:
    side = min(image.shape[:2])
    match damage.corruption:
        case Corruption.NOISE:
            return _noise(image, damage.amount, dice)
        case Corruption.BLUR:
            blur = ImageFilter.GaussianBlur(side * damage.amount / 100)
            return np.asarray(Image.fromarray(image).filter(blur))
        case Corruption.SHIFT:
            return _shift(image, max(1, round(side * damage.amount / 100)), dice)
        case Corruption.INVERSION:
            return 255 - image
        case Corruption.JPEG:
            return _jpeg(image, damage.amount)


def _noise(image: Images, deviation: int, dice: np.random.Generator) -> Images:
    noisy = image + dice.normal(scale=deviation, size=image.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _shift(image: Images, distance: int, dice: np.random.Generator) -> Images:
    """Moved by this many pixels along both axes, each way by chance; what comes in is black."""
    down, right = (int(way) * distance for way in dice.choice((-1, 1), size=2))
    height, width = image.shape[:2]
    moved = np.zeros_like(image)
    moved[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = image[
        max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return moved


def _jpeg(image: Images, quality: int) -> Images:
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
