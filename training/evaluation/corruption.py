"""Image corruptions that test robustness (after Hendrycks & Dietterich, 2019, arXiv:1903.12261)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter

from model.arrays import Images


class CorruptionKind(StrEnum):
    """The kinds of corruption."""

    NOISE = "noise"
    BLUR = "blur"
    SHIFT = "shift"
    INVERSION = "inversion"
    JPEG = "jpeg"


AMOUNTS: dict[CorruptionKind, tuple[int, ...]] = {
    CorruptionKind.NOISE: (8, 16, 32, 64),
    CorruptionKind.BLUR: (2, 4, 6, 8),
    CorruptionKind.SHIFT: (4, 8, 12, 16),
    CorruptionKind.INVERSION: (100,),
    CorruptionKind.JPEG: (75, 50, 25, 10),
}
"""By severity. Noise: standard deviation in levels of 255. Blur: radius, and shift: distance, in % of the image's
shorter side. JPEG: quality."""

DESCRIPTIONS = {
    CorruptionKind.NOISE: "deviation {} of 255",
    CorruptionKind.BLUR: "radius {} % of the side",
    CorruptionKind.SHIFT: "by {} % of the side",
    CorruptionKind.INVERSION: "negative",
    CorruptionKind.JPEG: "quality {}",
}


@dataclass(frozen=True)
class Corruption:
    """A kind of corruption at a severity, counted from 1."""

    kind: CorruptionKind
    severity: int

    @property
    def amount(self) -> int:
        """Strength in the unit of `AMOUNTS`."""
        return AMOUNTS[self.kind][self.severity - 1]

    def __str__(self) -> str:
        return DESCRIPTIONS[self.kind].format(self.amount)


def corruptions() -> Iterator[Corruption]:
    """Yield every kind of corruption at each of its severities."""
    for kind, amounts in AMOUNTS.items():
        yield from (Corruption(kind, severity) for severity in range(1, len(amounts) + 1))


def corrupt(images: Images, corruption: Corruption, *, seed: int = 0) -> Images:
    """Return corrupted copies of gray `[N, h, w]` or RGB `[N, h, w, 3]` images, the same ones for the same seed."""
    rng = np.random.default_rng([seed, list(CorruptionKind).index(corruption.kind), corruption.severity])
    return np.stack([_corrupt(image, corruption, rng) for image in images])


def _corrupt(image: Images, corruption: Corruption, rng: np.random.Generator) -> Images:
    side = min(image.shape[:2])
    match corruption.kind:
        case CorruptionKind.NOISE:
            return _noise(image, corruption.amount, rng)
        case CorruptionKind.BLUR:
            blur = ImageFilter.GaussianBlur(side * corruption.amount / 100)
            return np.asarray(Image.fromarray(image).filter(blur))
        case CorruptionKind.SHIFT:
            return _shift(image, max(1, round(side * corruption.amount / 100)), rng)
        case CorruptionKind.INVERSION:
            return 255 - image
        case CorruptionKind.JPEG:
            return _jpeg(image, corruption.amount)


def _noise(image: Images, deviation: int, rng: np.random.Generator) -> Images:
    noisy = image + rng.normal(scale=deviation, size=image.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _shift(image: Images, distance: int, rng: np.random.Generator) -> Images:
    """Shift by `distance` pixels along both axes in random directions; the uncovered pixels are black."""
    down, right = (int(direction) * distance for direction in rng.choice((-1, 1), size=2))
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
