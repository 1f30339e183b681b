"""The parts of an upload: a file is one image, or a ZIP of images."""

from api.uploads.writer import UploadWriter
from api.uploads.zip_entries import unpack
from core.settings import Settings
from core.states import ItemErrorCode

ZIP_TYPES = frozenset({"application/zip", "application/x-zip-compressed"})


class ImagePart:
    """A file that is one image. One over the size limit is not kept: its item will fail as `image_too_large`."""

    def __init__(self, name: str, upload: UploadWriter, *, settings: Settings) -> None:
        self._name = name
        self._upload = upload
        self._max_bytes = settings.max_image_bytes
        self._data = bytearray()
        self._size_bytes = 0

    def write(self, data: memoryview | bytes) -> None:
        """Take the file's next bytes."""
        self._size_bytes += len(data)
        if self._size_bytes <= self._max_bytes:
            self._data += data

    def end(self) -> None:
        """Store the image, or skip it by its name. A browser sends an empty, nameless file for an unused field."""
        is_unused_field = not self._name and not self._size_bytes
        if is_unused_field or self._upload.skip(self._name):
            return
        if self._size_bytes > self._max_bytes:
            self._upload.refuse(self._name, code=ItemErrorCode.IMAGE_TOO_LARGE, size_bytes=self._size_bytes)
        else:
            self._upload.add(self._name, bytes(self._data))

    def close(self) -> None:
        """Release nothing: the bytes are in memory."""


class ZipPart:
    """A file that is a ZIP of images. Its directory is at its end, so the file is spooled to disk first."""

    def __init__(self, upload: UploadWriter, *, settings: Settings) -> None:
        self._upload = upload
        self._settings = settings
        self._file = upload.spool_file()

    def write(self, data: memoryview | bytes) -> None:
        """Take the file's next bytes."""
        self._file.write(data)

    def end(self) -> None:
        """Store the ZIP's images. Raises BadZip or TooLarge."""
        unpack(self._file, self._upload, settings=self._settings)
        self.close()

    def close(self) -> None:
        """Delete the spooled file."""
        self._file.close()


def open_part(name: str, media_type: str, upload: UploadWriter, *, settings: Settings) -> ImagePart | ZipPart:
    """Return the part that takes a file of this name and media type."""
    if media_type in ZIP_TYPES or name.lower().endswith(".zip"):
        return ZipPart(upload, settings=settings)
    return ImagePart(name, upload, settings=settings)
