"""Request bodies that are read from disk while they are sent: one open file at a time, flat memory, known length."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from batchlight.errors import InvalidUpload
from batchlight.files import SourceFile

BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """A request body. `blocks()` yields exactly `content_length` bytes and may be called again for another attempt."""

    content_type: str
    content_length: int
    blocks: Callable[[], Iterator[bytes]]


def body_of(files: Sequence[SourceFile]) -> Body:
    """A body of one ZIP file as it is, or of any other files as multipart/form-data."""
    if len(files) == 1 and files[0].is_zip:
        return zip_body(files[0])
    return multipart_body(files)


def zip_body(file: SourceFile) -> Body:
    """A body that is the ZIP file itself."""
    return Body("application/zip", file.bytes, lambda: _content(file))


def multipart_body(files: Sequence[SourceFile]) -> Body:
    """A multipart/form-data body (RFC 7578) with one part per file, under the file's relative name."""
    boundary = secrets.token_hex(16)
    tail = f"--{boundary}--\r\n".encode()

    def fragments() -> Iterator[bytes]:
        for file in files:
            yield _head(file, boundary)
            yield from _content(file)
            yield b"\r\n"
        yield tail

    length = sum(len(_head(file, boundary)) + file.bytes + 2 for file in files) + len(tail)
    return Body(f"multipart/form-data; boundary={boundary}", length, lambda: _packed(fragments()))


def _head(file: SourceFile, boundary: str) -> bytes:
    kind = "application/zip" if file.is_zip else "application/octet-stream"
    return (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="files"; filename="{_quoted(file.name)}"\r\n'
        f"Content-Type: {kind}\r\n\r\n"
    ).encode("utf-8", "replace")


def _quoted(name: str) -> str:
    """The file name escaped as browsers escape it: https://html.spec.whatwg.org/#multipart-form-data"""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _content(file: SourceFile) -> Iterator[bytes]:
    """The file's bytes; raises InvalidUpload unless their number is the announced one."""
    left_bytes = file.bytes
    try:
        with file.path.open("rb") as source:
            while block := source.read(BLOCK_BYTES):
                left_bytes -= len(block)
                if left_bytes < 0:
                    break
                yield block
    except OSError as error:
        raise InvalidUpload(
            f"{file.path} cannot be read: {error.strerror}. No job was created. Make the file readable or leave it out,"
            " and submit again."
        ) from error
    if left_bytes:
        raise InvalidUpload(
            f"{file.path} changed during the upload: it had {file.bytes:,} bytes before. No job was created."
            " Submit again when the file no longer changes."
        )


def _packed(fragments: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in larger blocks, so that many small images need few system calls."""
    block = bytearray()
    for fragment in fragments:
        block += fragment
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
