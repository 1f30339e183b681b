"""A multipart body, parsed as it streams in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.uploads.parts import ImagePart, ZipPart, open_part
from api.uploads.writer import UploadWriter
from core.errors import Malformed
from core.settings import Settings

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_SHOWN_NAME_LENGTH = 100

FILE_NAME_ESCAPES = {b"%22": b'"', b"%0D": b"\r", b"%0A": b"\n"}
"""How a form escapes quotes and line ends of a file name (WHATWG HTML, "multipart/form-data encoding algorithm")."""


class MultipartBody:
    """Takes the body's chunks and writes each file to a part of its own."""

    def __init__(self, boundary: bytes, upload: UploadWriter, *, settings: Settings) -> None:
        self._upload = upload
        self._settings = settings
        self._part: ImagePart | ZipPart | None = None
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = b""
        self._is_complete = False
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
        with _parser_errors_as_malformed():
            self._parser = MultipartParser(boundary, callbacks)

    def write(self, chunk: bytes) -> None:
        """Parse the body's next bytes. Raises Malformed if they are not of a multipart body."""
        with _parser_errors_as_malformed():
            self._parser.write(chunk)

    def end(self) -> None:
        """Check that the body is complete. Raises Malformed if it is not."""
        if not self._is_complete:
            raise Malformed(
                "The multipart body ends before its closing boundary. Send the whole request again.",
                code="bad_multipart",
            )

    def close(self) -> None:
        """Release the part that is open, if the body broke off inside it."""
        if self._part is not None:
            self._part.close()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        file_name = options.get(b"filename")
        if file_name is None:
            field = options.get(b"name", b"").decode(errors="replace")[:MAX_SHOWN_NAME_LENGTH]
            raise Malformed(
                f"The form field {field!r} is not a file. Send images as files, and options such as 'model' in the "
                "query string: POST /v1/jobs?model=NAME",
                code="not_a_file",
            )
        for escape, character in FILE_NAME_ESCAPES.items():
            file_name = file_name.replace(escape, character)
        media_type, _ = parse_options_header(self._headers.get(b"content-type"))
        name = file_name.decode(errors="replace")
        self._part = open_part(name, media_type.decode(errors="replace"), self._upload, settings=self._settings)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        assert self._part is not None
        self._part.write(memoryview(data)[start:end])

    def _on_part_end(self) -> None:
        assert self._part is not None
        self._part.end()
        self._part = None

    def _on_end(self) -> None:
        self._is_complete = True


@contextmanager
def _parser_errors_as_malformed() -> Iterator[None]:
    try:
        yield
    except FormParserError as reason:
        raise Malformed(
            f"The multipart body cannot be parsed ({reason}). Let an HTTP library encode the form, for example: "
            "curl -F files=@image.png",
            code="bad_multipart",
        ) from reason
