"""Small pictures for the screen, made from whatever bytes came, however large."""

import base64
import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 60_000_000
"""A little over what the server accepts by default, so that what was classified can be shown."""

UNSHOWABLE = (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError)


def preview_uri(data: bytes, *, side_px: int) -> str | None:
    """A data URI of the picture, upright and at most `side_px` on its long side; None if it cannot be shown."""
    try:
        picture = _reduced(data, side_px)
    except UNSHOWABLE:
        return None
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=88)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"


def _reduced(data: bytes, side_px: int) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        picture = Image.open(io.BytesIO(data))
    with picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError("more pixels than the page decodes")
        picture.draft("RGB", (side_px, side_px))
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((side_px, side_px))
    return upright
