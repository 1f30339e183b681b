"""Makes Pillow decode every JPEG in full, in every process of the stack that shows the gain of scaled decoding."""

from PIL.JpegImagePlugin import JpegImageFile


def no_draft(self: JpegImageFile, mode: str | None, size: tuple[int, int] | None) -> None:
    """Leave the image at its full size."""


JpegImageFile.draft = no_draft  # type: ignore[method-assign]
