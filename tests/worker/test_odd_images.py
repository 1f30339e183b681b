"""Whatever is sent as an image: it is converted as a person expects, or its own item fails; the rest succeeds."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from core.states import ItemErrorCode
from model.decode import DecodeErrorCode
from tests.http import all_items, archive, ended, submit
from tests.stacks import RunningStack


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def huge() -> bytes:
    """A PNG of 20,000×20,000 pixels, in a few hundred kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(20_000 * (1 + 20_000 // 8)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def frames(*shades: int) -> bytes:
    first, *others = [Image.new("L", (8, 8), shade) for shade in shades]
    return encoded(first, "GIF", save_all=True, append_images=others, duration=50)


def transparent_palette() -> Image.Image:
    image = Image.new("P", (20, 10), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.info["transparency"] = 0
    return image


GOOD = {
    "cmyk.jpg": encoded(Image.new("CMYK", (40, 30), (0, 255, 255, 0)), "JPEG"),
    "deep.png": encoded(Image.new("I;16", (12, 12), 40_000), "PNG"),
    "palette.png": encoded(transparent_palette(), "PNG", transparency=0),
    "still.gif": frames(80),
    "alpha.webp": encoded(Image.new("RGBA", (9, 9), (1, 2, 3, 4)), "WEBP", lossless=True),
    "bits.bmp": encoded(Image.new("1", (9, 9), 1), "BMP"),
}
BAD = {
    "empty.png": (b"", "empty_file"),
    "text.png": (b"I am no image", "not_an_image"),
    "cut.jpg": (encoded(Image.effect_noise((99, 99), 50), "JPEG")[:2000], "truncated_image"),
    "huge.png": (huge(), "too_many_pixels"),
    "moving.gif": (frames(0, 128, 255), "animated_image"),
}


def test_odd_images_succeed_and_bad_ones_fail_alone_with_their_codes(stack: RunningStack, samples: list[Path]) -> None:
    plain = {path.name: path.read_bytes() for path in samples[:10]}
    bad = {name: data for name, (data, _) in BAD.items()}

    with stack.client() as client:
        job = ended(client, submit(client, {**plain, **GOOD, **bad}))
        items = {item["name"]: item for item in all_items(client, job)}
        built = archive(client, job)

    assert (job["counts"]["succeeded"], job["counts"]["failed"]) == (10 + len(GOOD), len(BAD))
    assert {name: items[name]["error"]["code"] for name in BAD} == {name: code for name, (_, code) in BAD.items()}
    assert {name for name in GOOD if items[name]["state"] == "succeeded"} == set(GOOD)
    assert (items["cmyk.jpg"]["width"], items["cmyk.jpg"]["height"]) == (40, 30)
    assert built.status_code == 200


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_image_says_in_words_what_is_wrong_with_it(stack: RunningStack, name: str) -> None:
    data, code = BAD[name]

    with stack.client() as client:
        response = client.post("/predict", content=data)

    assert (response.status_code, response.json()["code"]) == (415, code)
    assert len(response.json()["detail"]) > 15


def test_every_error_of_the_decoder_is_an_error_of_items() -> None:
    assert {code.value for code in DecodeErrorCode} <= {code.value for code in ItemErrorCode}
