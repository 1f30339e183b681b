"""A multipart body, parsed as it streams in: each file part is an image, or a ZIP of images."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.uploads.writer import Intake
from api.uploads.zip_entries import unpack
from core.errors import Malformed
from core.settings import Settings
from core.states import ItemErrorCode

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

ZIP_TYPES = frozenset({"application/zip", "application/x-zip-compressed"})


class ImagePart:
    """A file part taken as one image; what exceeds the limit is dropped and the image refused."""

    def __init__(self, name: str, intake: Intake, settings: Settings) -> None:
        self._name = name
        self._intake = intake
        self._max_bytes = settings.max_image_bytes
        self._data = bytearray()
        self._size_bytes = 0

    def write(self, data: memoryview | bytes) -> None:
        self._size_bytes += len(data)
        if self._size_bytes <= self._max_bytes:
            self._data += data

    def end(self) -> None:
        left_empty_in_a_form = not self._name and not self._size_bytes
        if left_empty_in_a_form or self._intake.skip(self._name):
            return
        if self._size_bytes > self._max_bytes:
            self._intake.refuse(self._name, code=ItemErrorCode.IMAGE_TOO_LARGE, size_bytes=self._size_bytes)
        else:
            self._intake.add(self._name, bytes(self._data))


class ZipPart:
    """A file part taken as a ZIP, spooled to this file without a name until its directory can be read."""

    def __init__(self, file: BinaryIO, intake: Intake, settings: Settings) -> None:
        self._file = file
        self._intake = intake
        self._settings = settings

    def write(self, data: memoryview | bytes) -> None:
        self._file.write(data)

    def end(self) -> None:
        with self._file:
            unpack(self._file, self._intake, settings=self._settings)


ESCAPES = {b"%22": b'"', b"%0D": b"\r", b"%0A": b"\n"}
"""What a file name's quotes and line ends become in a form (WHATWG HTML, "multipart/form-data encoding algorithm")."""

OpenPart = Callable[[str, str], ImagePart | ZipPart]


class MultipartBody:
    """Feed it the body's chunks; it opens a part for each file and writes the part's bytes to it."""

    def __init__(self, boundary: bytes, *, open_part: OpenPart) -> None:
        self._open_part = open_part
        self._part: ImagePart | ZipPart | None = None
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = b""
        self._complete = False
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }
        with _readable():
            self._parser = MultipartParser(boundary, callbacks)

    def write(self, chunk: bytes) -> None:
        """Raises Malformed where the body is no multipart body."""
        with _readable():
            self._parser.write(chunk)

    def end(self) -> None:
        if not self._complete:
            raise Malformed("The multipart body ends before its closing boundary.", code="bad_multipart")

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        filename = options.get(b"filename")
        if filename is None:
            field = options.get(b"name", b"").decode(errors="replace")[:100]
            raise Malformed(
                f"The form field {field!r} is no file. Options such as 'model' go in the query string.",
                code="not_a_file",
            )
        for escape, character in ESCAPES.items():
            filename = filename.replace(escape, character)
        media_type, _ = parse_options_header(self._headers.get(b"content-type"))
        self._part = self._open_part(filename.decode(errors="replace"), media_type.decode(errors="replace"))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        assert self._part is not None
        self._part.write(memoryview(data)[start:end])

    def _on_part_end(self) -> None:
        assert self._part is not None
        self._part.end()
        self._part = None

    def _on_end(self) -> None:
        self._complete = True


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except FormParserError as reason:
        raise Malformed(f"The multipart body cannot be read: {reason}.", code="bad_multipart") from reason


def is_zip(name: str, media_type: str) -> bool:
    return media_type in ZIP_TYPES or name.lower().endswith(".zip")
