"""Loaded by every process of a stack that is to show what scaled decoding gains: every JPEG is decoded in full."""

from PIL.JpegImagePlugin import JpegImageFile


def no_draft(self: JpegImageFile, mode: str | None, size: tuple[int, int] | None) -> None:
    """Leaves the picture as large as it is."""


JpegImageFile.draft = no_draft  # type: ignore[method-assign]
