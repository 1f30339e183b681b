"""The one image decoder: what serving, training and tests make of the bytes of a picture.

UndecodableImage
  code  empty_file        no bytes at all
        not_an_image      no image format we know
        unsupported_image an image of another format, or one that is damaged or of an odd kind
        truncated_image   the file ends before the picture does
        animated_image    more than one frame
        too_many_pixels   over MAX_PIXELS
"""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from model.signatures import Format, detect_format, has_more_scans, is_cut_short, names_other_format

MAX_PIXELS = 50_000_000
MAX_SIDE = 65_535
MAX_SCANS = 100

# The plugins are called directly, not through Image.open: whole formats stay unreachable, sizes are
# judged by our limit alone, and a stereo JPEG (MPO) is simply the JPEG it starts with.
_READERS: dict[Format, Callable[[BinaryIO], ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
}
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PILLOW = r"PIL\."
_FILTERS = [("error", None, Image.DecompressionBombWarning, None, 0), ("ignore", None, Warning, re.compile(_PILLOW), 0)]


class UndecodableImage(Exception):
    """The bytes are no image that can be classified; `code` is stable, the message is for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Decoded:
    """Pixels uint8 `[height, width, 3]` at the network's size, and the size of the upright original."""

    pixels: NDArray[np.uint8]
    width: int
    height: int


def decode(data: bytes, *, height: int, width: int) -> Decoded:
    """The picture as the network sees it: upright, alpha on black, RGB, stretched with BILINEAR.

    Raises UndecodableImage, and nothing else whatever the bytes are.
    """
    with _refusals(data):
        # libjpeg decodes a photograph at 1/2, 1/4 or 1/8 for a fraction of the cost; twice the target stays sharp.
        image, size = _read(data, at_least=2 * max(height, width))
        # Stretched first, gray takes a third of the time, and comes out the same.
        return Decoded(np.asarray(_stretched(image, height=height, width=width).convert("RGB")), *size)


def open_upright(data: bytes) -> Image.Image:
    """The whole picture, RGB and upright, under the same checks as `decode`."""
    with _refusals(data):
        picture, _ = _read(data, at_least=None)
        return picture if picture.mode == "RGB" else picture.convert("RGB")


def stretch(image: Image.Image, *, height: int, width: int) -> NDArray[np.uint8]:
    """The picture at the network's size, channels as they were; the aspect ratio is not kept."""
    return np.asarray(_stretched(image, height=height, width=width))


def _stretched(image: Image.Image, *, height: int, width: int) -> Image.Image:
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _read(data: bytes, *, at_least: int | None) -> tuple[Image.Image, tuple[int, int]]:
    """(the picture, RGB or L, the upright original's width and height); a JPEG may come smaller, down to `at_least`."""
    image = _READERS[detect_format(data) or _refuse_foreign(data)](BytesIO(data))
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UndecodableImage(
            "too_many_pixels", f"{width}×{height} pixels; at most {MAX_PIXELS // 1_000_000} megapixels are taken"
        )
    if max(width, height) > MAX_SIDE:
        raise UndecodableImage("too_many_pixels", f"{width}×{height} pixels; at most {MAX_SIDE} a side are taken")
    if isinstance(image, JpegImageFile) and has_more_scans(data, MAX_SCANS):
        raise UndecodableImage("unsupported_image", f"the JPEG has more than {MAX_SCANS} scans; save it anew")
    if not isinstance(image, JpegImageFile) and getattr(image, "is_animated", False):
        raise UndecodableImage("animated_image", "the image is animated; send the frame to classify")
    if at_least is not None:
        image.draft(None, (at_least, at_least))
    image.load()
    orientation = _orientation(image)
    picture = _on_black(image)
    if orientation in _UPRIGHT:
        picture = picture.transpose(_UPRIGHT[orientation])
    return picture, (height, width) if orientation >= 5 else (width, height)


def _orientation(image: ImageFile) -> int:
    """EXIF's orientation, 1 to 8; 1 where there is none or the EXIF data is damaged."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - damaged metadata (any of six exception types) is no reason to refuse a picture
        return 1
    return value if value in _UPRIGHT else 1


def _on_black(image: Image.Image) -> Image.Image:
    """The picture as RGB or L, with black where it is transparent; 16-bit gray is scaled, not clipped."""
    if image.mode.startswith("I"):
        return Image.fromarray(((np.asarray(image, np.uint32) + 128) // 257).astype(np.uint8))
    if not image.has_transparency_data:
        return image if image.mode in ("L", "RGB") else image.convert("RGB")  # which would copy it even so
    layered = image.convert("RGBA")
    black = Image.new("RGB", layered.size)
    black.paste(layered, mask=layered.getchannel("A"))
    return black


@contextmanager
def _refusals(data: bytes) -> Iterator[None]:
    """Turn every way in which Pillow fails into an UndecodableImage."""
    _quiet_pillow()
    try:
        yield
    except UndecodableImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise UndecodableImage("too_many_pixels", "the image needs too much memory to decode") from error
    except Exception as error:  # Pillow leaks ValueError, SyntaxError, struct.error, … for bad files
        raise _reason(data, error) from error


def _quiet_pillow() -> None:
    """Pillow's warnings about odd files are not for the log, except the bomb warning, which is a refusal.

    The filters concern Pillow alone and stay: setting them anew for each image took 6 % of decoding a small one.
    """
    if warnings.filters[: len(_FILTERS)] != _FILTERS:
        warnings.filterwarnings("ignore", module=_PILLOW)
        warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def _refuse_foreign(data: bytes) -> Format:
    if not data:
        raise UndecodableImage("empty_file", "the file has no bytes")
    known = ", ".join(_READERS)
    if other := names_other_format(data):
        raise UndecodableImage("unsupported_image", f"{other} images are not taken; send one of {known}")
    raise UndecodableImage("not_an_image", f"the file is no {known} image")


def _reason(data: bytes, error: Exception) -> UndecodableImage:
    kind = detect_format(data)
    if kind is not None and is_cut_short(data, kind):
        return UndecodableImage("truncated_image", f"the {kind} file ends before the picture does")
    return UndecodableImage("unsupported_image", f"the {kind} image is damaged or of an unsupported kind: {error}")
