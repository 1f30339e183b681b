"""Previews: small versions of images for the screen, made from bytes of any size and quality."""

import base64
import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 60_000_000
"""A little more than the server accepts by default, so that every classified image has a preview."""

DECODE_ERRORS = (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError)


def preview_uri(data: bytes, *, side_px: int) -> str | None:
    """The image as a data URI, upright and with at most `side_px` on its long side; None if it cannot be decoded."""
    try:
        preview = _reduced(data, side_px)
    except DECODE_ERRORS:
        return None
    out = io.BytesIO()
    preview.save(out, "WEBP", quality=88)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"


def _reduced(data: bytes, side_px: int) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(data))
    with image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"{image.width}×{image.height} pixels are over the limit of {MAX_PIXELS:,}")
        image.draft("RGB", (side_px, side_px))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((side_px, side_px))
    return upright
