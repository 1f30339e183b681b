"""The images of the benchmarks: the shipped samples, repeated, and photographs from a seeded generator."""

import io
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from core.settings import ROOT

SAMPLES = ROOT / "samples" / "fashion-mnist" / "images"
PHOTO_SIZE = (4000, 3000)
PHOTO_SEED = 20
DISTINCT_PHOTOS = 2
OCTAVES = (12, 48, 192, 768)
GRAIN = 5.0
JPEG_QUALITY = 90


@cache
def sample_images() -> tuple[bytes, ...]:
    """Return the shipped 28×28 PNGs, whose bytes are the same on every machine."""
    return tuple(file.read_bytes() for file in sorted(SAMPLES.glob("*.png")))


def small_images(count: int) -> list[bytes]:
    """Return `count` PNGs: the samples in order, repeated."""
    samples = sample_images()
    return [samples[number % len(samples)] for number in range(count)]


@cache
def distinct_photos() -> tuple[bytes, ...]:
    """Return 12-megapixel JPEGs of 3 to 5 MB that take as long to decode as a camera's."""
    rng = np.random.default_rng(PHOTO_SEED)
    return tuple(_photo(rng) for _ in range(DISTINCT_PHOTOS))


def photos(count: int) -> list[bytes]:
    """Return `count` 12-megapixel JPEGs: the distinct ones in order, repeated."""
    distinct = distinct_photos()
    return [distinct[number % len(distinct)] for number in range(count)]


def write_zip(images: list[bytes], *, file: Path, suffix: str = ".png") -> Path:
    """Write an uncompressed ZIP of these images, each under its own name, and return the file."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for number, data in enumerate(images):
            archive.writestr(f"images/{number:06d}{suffix}", data)
    return file


def _photo(rng: np.random.Generator) -> bytes:
    """Return a JPEG of shapes at several scales under sensor grain: its detail decides how long decoding takes."""
    width, height = PHOTO_SIZE
    picture = np.zeros((height, width, 3), np.float32)
    for octave in OCTAVES:
        coarse = rng.integers(0, 256, (octave * 3 // 4, octave, 3), np.uint8)
        smooth = Image.fromarray(coarse).resize(PHOTO_SIZE, Image.Resampling.BICUBIC)
        picture += np.asarray(smooth, np.float32) / len(OCTAVES)
    picture += rng.standard_normal((height, width, 1), np.float32) * GRAIN
    jpeg = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(jpeg, "JPEG", quality=JPEG_QUALITY)
    return jpeg.getvalue()
