"""The image decoder of serving and training: bytes of an image file to pixels."""

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from io import BytesIO
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from model.arrays import Images
from model.signatures import Format, detect_format, has_more_scans, is_cut_short, names_other_format

MAX_PIXELS = 50_000_000
MAX_SIDE = 65_535
MAX_SCANS = 100

# The plugins are called directly instead of Image.open: other formats cannot be reached, only the limits above decide
# on sizes, and a stereo JPEG (MPO) is read as the JPEG that it starts with.
_READERS: dict[Format, Callable[[BinaryIO], ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
}
_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's parsers raise for damaged files, beside the errors that it documents.
_PILLOW_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class DecodeErrorCode(StrEnum):
    """Why bytes cannot be decoded. Codes are stable; `core.states.ItemErrorCode` has all of these."""

    EMPTY_FILE = "empty_file"
    """The file has no bytes."""
    NOT_AN_IMAGE = "not_an_image"
    """The bytes are in no image format."""
    UNSUPPORTED_IMAGE = "unsupported_image"
    """Another image format, a damaged file or an unsupported variant."""
    TRUNCATED_IMAGE = "truncated_image"
    """The file ends before the image does."""
    ANIMATED_IMAGE = "animated_image"
    """More than one frame."""
    TOO_MANY_PIXELS = "too_many_pixels"
    """Over MAX_PIXELS or MAX_SIDE."""


class UndecodableImage(Exception):
    """Raised for bytes that cannot be classified as an image; `code` is stable, the message is for a person.

    `code` is a DecodeErrorCode where this module raises it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Decoded:
    """Pixels uint8 `[height, width, 3]` at the network's size, and the size in pixels of the upright original."""

    pixels: Images
    width: int
    height: int


def decode(data: bytes, *, height: int, width: int) -> Decoded:
    """Decode an image file for the network: upright by EXIF, transparency on black, RGB, stretched bilinearly.

    Args:
        data: the bytes of a JPEG, PNG, WebP, GIF or BMP file.
        height: rows of the result; the aspect ratio is not kept.
        width: columns of the result.

    Raises:
        UndecodableImage: for any bytes that are not such an image.
    """
    with _refusals(data):
        # libjpeg decodes a photograph at 1/2, 1/4 or 1/8 for a fraction of the cost; twice the target stays sharp.
        image, size = _read_upright(data, min_side=2 * max(height, width))
        # Stretching a gray image before the conversion to RGB takes a third of the time and gives the same pixels.
        return Decoded(np.asarray(_stretch(image, height=height, width=width).convert("RGB")), *size)


def open_upright(data: bytes) -> Image.Image:
    """Decode an image file at its full size: RGB and upright, with the same checks as `decode`."""
    with _refusals(data):
        picture, _ = _read_upright(data, min_side=None)
        return picture if picture.mode == "RGB" else picture.convert("RGB")


def stretch_images(images: Images, *, side: int) -> Images:
    """Stretch images `[N, h, w]` or `[N, h, w, 3]` to squares of `side` pixels, exactly as `decode` does."""
    return np.stack([np.asarray(_stretch(Image.fromarray(image), height=side, width=side)) for image in images])


def _stretch(image: Image.Image, *, height: int, width: int) -> Image.Image:
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _read_upright(data: bytes, *, min_side: int | None) -> tuple[Image.Image, tuple[int, int]]:
    """Return (the upright image in mode RGB or L, (width, height) of the upright original).

    A JPEG may be decoded at a smaller size, whose sides are at least `min_side` pixels; None decodes at full size.
    """
    image = _READERS[detect_format(data) or _refuse_format(data)](BytesIO(data))
    width, height = image.size
    _check_limits(image, data)
    if min_side is not None:
        image.draft(None, (min_side, min_side))
    image.load()
    orientation = _orientation(image)
    picture = _on_black(image)
    if orientation in _TO_UPRIGHT:
        picture = picture.transpose(_TO_UPRIGHT[orientation])
    return picture, (height, width) if orientation >= 5 else (width, height)


def _check_limits(image: ImageFile, data: bytes) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        limit = f"{MAX_PIXELS // 1_000_000} megapixels"
        raise UndecodableImage(
            DecodeErrorCode.TOO_MANY_PIXELS, f"the image has {width}×{height} pixels; send at most {limit}"
        )
    if max(width, height) > MAX_SIDE:
        limit = f"{MAX_SIDE} pixels a side"
        raise UndecodableImage(
            DecodeErrorCode.TOO_MANY_PIXELS, f"the image has {width}×{height} pixels; send at most {limit}"
        )
    if isinstance(image, JpegImageFile) and has_more_scans(data, MAX_SCANS):
        raise UndecodableImage(
            DecodeErrorCode.UNSUPPORTED_IMAGE, f"the JPEG has more than {MAX_SCANS} scans; save it again"
        )
    if not isinstance(image, JpegImageFile) and getattr(image, "is_animated", False):
        raise UndecodableImage(DecodeErrorCode.ANIMATED_IMAGE, "the image is animated; send the one frame to classify")


def _orientation(image: ImageFile) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if there is none or the EXIF data is damaged."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _PILLOW_ERRORS:
        return 1
    return value if value in _TO_UPRIGHT else 1


def _on_black(image: Image.Image) -> Image.Image:
    """Return the image in mode RGB or L, on black where it is transparent; 16-bit gray is scaled, not clipped."""
    if image.mode.startswith("I"):
        return Image.fromarray(((np.asarray(image, np.uint32) + 128) // 257).astype(np.uint8))
    if not image.has_transparency_data:
        return image if image.mode in ("L", "RGB") else image.convert("RGB")  # convert would copy an RGB image
    layered = image.convert("RGBA")
    black = Image.new("RGB", layered.size)
    black.paste(layered, mask=layered.getchannel("A"))
    return black


@contextmanager
def _refusals(data: bytes) -> Iterator[None]:
    """Turn every error that Pillow raises in the block into an UndecodableImage."""
    _ignore_pillow_warnings()
    try:
        yield
    except UndecodableImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise UndecodableImage(
            DecodeErrorCode.TOO_MANY_PIXELS, "the image needs too much memory to decode; send a smaller one"
        ) from error
    except _PILLOW_ERRORS as error:
        raise _undecodable(data, error) from error


@cache
def _ignore_pillow_warnings() -> None:
    """Keep Pillow's warnings about odd files out of the log, once per process.

    A context manager that sets the filter for each image takes 6 % of the time to decode a small one.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")


def _refuse_format(data: bytes) -> Format:
    if not data:
        raise UndecodableImage(DecodeErrorCode.EMPTY_FILE, "the file has no bytes")
    supported = ", ".join(_READERS)
    if other := names_other_format(data):
        raise UndecodableImage(
            DecodeErrorCode.UNSUPPORTED_IMAGE, f"{other} images are not supported; send one of {supported}"
        )
    raise UndecodableImage(DecodeErrorCode.NOT_AN_IMAGE, f"the file is not an image; send one of {supported}")


def _undecodable(data: bytes, error: Exception) -> UndecodableImage:
    kind = detect_format(data)
    if kind is not None and is_cut_short(data, kind):
        return UndecodableImage(
            DecodeErrorCode.TRUNCATED_IMAGE, f"the {kind} file ends before the image does; send it again"
        )
    return UndecodableImage(
        DecodeErrorCode.UNSUPPORTED_IMAGE, f"the {kind} image is damaged or of an unsupported kind: {error}"
    )
