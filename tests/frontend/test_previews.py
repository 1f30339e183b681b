"""Previews from valid, unusual and damaged images."""

import base64
import io

import pytest
from PIL import Image

from frontend.parts.previews import preview_uri


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def decoded(uri: str | None) -> Image.Image:
    assert uri is not None
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_a_large_image_is_reduced_and_keeps_its_proportions() -> None:
    large = encoded(Image.new("RGB", (3000, 1500), "red"), "JPEG")

    assert decoded(preview_uri(large, side_px=240)).size == (240, 120)


def test_an_image_with_an_exif_orientation_is_shown_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6

    rotated = encoded(Image.new("RGB", (80, 40)), "JPEG", exif=exif)

    assert decoded(preview_uri(rotated, side_px=240)).size == (40, 80)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_has_a_preview(mode: str) -> None:
    kind = "TIFF" if mode in ("CMYK", "I;16") else "PNG"

    assert decoded(preview_uri(encoded(Image.new(mode, (8, 8)), kind), side_px=240)).mode == "RGB"


def test_an_undecodable_image_has_no_preview() -> None:
    picture = encoded(Image.new("RGB", (64, 64), "red"), "PNG")
    bomb = encoded(Image.new("1", (12_000, 12_000)), "PNG")

    assert [preview_uri(data, side_px=240) for data in (b"", b"text", picture[:40], bomb)] == [None] * 4
