"""The image decoder on valid, unusual and hostile files, all made by the tests."""

import random
import struct
import sys
import warnings
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from model.decode import UndecodableImage, decode, open_upright
from tests.model.samples import sample_files

NOISE = Image.fromarray(np.random.default_rng(5).integers(0, 256, (40, 60, 3), np.uint8))
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
CODES = {
    "decoded",
    "empty_file",
    "not_an_image",
    "unsupported_image",
    "truncated_image",
    "animated_image",
    "too_many_pixels",
}


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def animated(kind: str) -> bytes:
    return encoded(NOISE, kind, save_all=True, append_images=[NOISE.rotate(90)])


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header states this size, without the pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(100))
    chunks = (struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) for body in (header, data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def refusal(data: bytes) -> str:
    with pytest.raises(UndecodableImage) as caught:
        decode(data, height=96, width=96)
    return caught.value.code


def first_pixel(data: bytes) -> list[int]:
    return [int(level) for level in decode(data, height=8, width=8).pixels[0, 0]]


def test_decoding_equals_pillows_bilinear_stretch_to_rgb() -> None:
    file = sample_files()[0]

    decoded = decode(file.read_bytes(), height=96, width=96)

    expected = Image.open(file).convert("RGB").resize((96, 96), Image.Resampling.BILINEAR)
    assert np.array_equal(decoded.pixels, np.asarray(expected))
    assert (decoded.width, decoded.height) == (28, 28)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_every_mode_is_stretched_as_if_converted_to_rgb_first(mode: str) -> None:
    picture = NOISE.convert(mode)

    decoded = decode(encoded(picture, "PNG"), height=96, width=80)

    expected = picture.convert("RGB").resize((80, 96), Image.Resampling.BILINEAR)
    assert np.array_equal(decoded.pixels, np.asarray(expected))


def test_decoding_adds_its_warning_filter_once() -> None:
    decode(encoded(NOISE, "PNG"), height=8, width=8)
    filters = list(warnings.filters)

    decode(encoded(NOISE, "PNG"), height=8, width=8)

    assert warnings.filters == filters


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_pixels_of_the_requested_size(kind: str) -> None:
    decoded = decode(encoded(NOISE, kind), height=32, width=48)

    assert decoded.pixels.shape == (32, 48, 3)
    assert decoded.pixels.dtype == np.uint8
    assert (decoded.width, decoded.height) == (60, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_image_is_turned_upright_by_its_exif_orientation(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGB", (64, 32), "red")
    picture.paste("blue", (0, 0, 32, 32))
    data = encoded(picture, kind, exif=exif)

    decoded = decode(data, height=8, width=8)

    assert (decoded.width, decoded.height) == open_upright(data).size == (32, 64)
    assert decoded.pixels[0, 4, 2] > 200 > 50 > decoded.pixels[0, 4, 0]


def test_an_image_with_damaged_exif_data_is_decoded() -> None:
    data = encoded(NOISE, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")

    assert decode(data, height=8, width=8).width == 60


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [("RGBA", (200, 100, 50, 0), 0), ("RGBA", (200, 200, 200, 128), 100), ("LA", (200, 0), 0)],
)
def test_transparent_pixels_become_black(mode: str, color: tuple[int, ...], expected: int) -> None:
    assert first_pixel(encoded(Image.new(mode, (8, 8), color), "PNG")) == [expected] * 3


def test_a_transparent_palette_color_becomes_black() -> None:
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 250, 240, 230])

    assert first_pixel(encoded(picture, "PNG")) == [250, 240, 230]
    assert first_pixel(encoded(picture, "PNG", transparency=1)) == [0, 0, 0]
    assert first_pixel(encoded(picture, "GIF", transparency=1)) == [0, 0, 0]


@pytest.mark.parametrize(("level", "expected"), [(0, 0), (128, 0), (129, 1), (0x8080, 128), (0xFFFF, 255)])
def test_sixteen_bit_gray_is_scaled_and_not_clipped(level: int, expected: int) -> None:
    assert first_pixel(encoded(Image.fromarray(np.full((8, 8), level, np.uint16)), "PNG")) == [expected] * 3


def test_a_cmyk_photograph_is_converted() -> None:
    pixel = first_pixel(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))

    assert pixel[0] > 240
    assert max(pixel[1:]) < 15


def test_a_stereo_photograph_is_decoded_as_its_first_frame() -> None:
    data = encoded(NOISE, "MPO", save_all=True, append_images=[NOISE.rotate(180)])

    assert np.array_equal(np.asarray(open_upright(data)), np.asarray(Image.open(BytesIO(data)).convert("RGB")))


def test_a_large_photograph_reports_its_original_size() -> None:
    ramp = np.tile(np.linspace(0, 255, 1600).astype(np.uint8), (1200, 1))
    data = encoded(Image.fromarray(ramp).convert("RGB"), "JPEG")

    decoded = decode(data, height=96, width=96)

    assert (decoded.width, decoded.height) == open_upright(data).size == (1600, 1200)
    whole = np.asarray(Image.fromarray(ramp).resize((96, 96), Image.Resampling.BILINEAR), np.int16)
    assert np.abs(decoded.pixels[..., 0] - whole).max() <= 4


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"hello, I am a text", "not_an_image"),
        (b"BM is how this text begins, too", "not_an_image"),
        (b"PK\x03\x04" + bytes(60), "not_an_image"),
        (encoded(NOISE, "TIFF"), "unsupported_image"),
        (encoded(NOISE, "PDF"), "unsupported_image"),
        (encoded(NOISE, "AVIF"), "unsupported_image"),
        (animated("GIF"), "animated_image"),
        (animated("WEBP"), "animated_image"),
        (animated("PNG"), "animated_image"),
        (png_of_size(20_000, 20_000), "too_many_pixels"),
        (png_of_size(50_000_001, 1), "too_many_pixels"),
        (png_of_size(9_000, 9_000), "too_many_pixels"),
    ],
)
def test_an_undecodable_file_is_refused_with_a_stable_code(data: bytes, code: str) -> None:
    assert refusal(data) == code


@pytest.mark.parametrize("kind", FORMATS)
def test_half_a_file_is_refused_as_truncated(kind: str) -> None:
    data = encoded(NOISE, kind)

    assert refusal(data[: len(data) // 2]) == "truncated_image"


def test_a_png_with_a_wrong_checksum_is_unsupported() -> None:
    data = bytearray(encoded(NOISE, "PNG"))
    data[30] ^= 1

    assert refusal(bytes(data)) == "unsupported_image"


@pytest.mark.parametrize("kind", FORMATS)
def test_random_damage_raises_nothing_but_undecodable_image(kind: str) -> None:
    seed = random.randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    rng = random.Random(seed)
    original = encoded(NOISE, kind)

    codes = {outcome(damaged(original, rng)) for _ in range(400)}

    assert codes <= CODES
    assert len(codes) > 1


def damaged(data: bytes, rng: random.Random) -> bytes:
    """A copy with some bytes changed, most of them in the header."""
    broken = bytearray(data)
    for _ in range(rng.choice((1, 2, 8, 50))):
        broken[rng.randrange(min(len(data), rng.choice((64, 300, len(data)))))] = rng.randrange(256)
    return bytes(broken)


def outcome(data: bytes) -> str:
    try:
        decode(data, height=16, width=16)
    except UndecodableImage as refused:
        return refused.code
    return "decoded"


def scans_of(picture: bytes) -> tuple[bytes, bytes, bytes]:
    """Split a progressive JPEG into (everything before its last scan, that scan, its end marker)."""
    last = picture.rindex(b"\xff\xda")
    return picture[:last], picture[last:-2], picture[-2:]


def progressive() -> bytes:
    buffer = BytesIO()
    Image.effect_noise((64, 64), 40).save(buffer, "JPEG", progressive=True)
    return buffer.getvalue()


def test_a_jpeg_with_too_many_scans_is_refused() -> None:
    head, scan, end = scans_of(progressive())

    with pytest.raises(UndecodableImage) as refusal:
        decode(head + scan * 200 + end, height=96, width=96)

    assert refusal.value.code == "unsupported_image"


def test_bytes_behind_the_end_of_a_jpeg_are_not_counted_as_scans() -> None:
    picture = progressive()

    decoded = decode(picture + b"\xff\xda" * 500 + b"\xff\xd9", height=96, width=96)

    assert (decoded.pixels == decode(picture, height=96, width=96).pixels).all()


def test_an_image_with_a_side_over_the_limit_is_refused() -> None:
    buffer = BytesIO()
    Image.new("1", (1, 70_000)).save(buffer, "PNG")

    with pytest.raises(UndecodableImage) as refusal:
        decode(buffer.getvalue(), height=96, width=96)

    assert refusal.value.code == "too_many_pixels"
