"""Request bodies read from disk while they are sent: one file open at a time, memory flat, length known."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from batchlight.errors import InvalidUpload
from batchlight.files import SourceFile

BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """`blocks()` yields exactly `content_length` bytes, and may be called once more for another attempt."""

    content_type: str
    content_length: int
    blocks: Callable[[], Iterator[bytes]]


def body_of(files: Sequence[SourceFile]) -> Body:
    """A ZIP that comes alone travels as it is, everything else as multipart/form-data."""
    if len(files) == 1 and files[0].is_zip:
        return zip_body(files[0])
    return multipart_body(files)


def zip_body(file: SourceFile) -> Body:
    return Body("application/zip", file.bytes, lambda: _content(file))


def multipart_body(files: Sequence[SourceFile]) -> Body:
    """RFC 7578, one part a file, with the file's relative name."""
    boundary = secrets.token_hex(16)
    tail = f"--{boundary}--\r\n".encode()

    def pieces() -> Iterator[bytes]:
        for file in files:
            yield _head(file, boundary)
            yield from _content(file)
            yield b"\r\n"
        yield tail

    length = sum(len(_head(file, boundary)) + file.bytes + 2 for file in files) + len(tail)
    return Body(f"multipart/form-data; boundary={boundary}", length, lambda: _packed(pieces()))


def _head(file: SourceFile, boundary: str) -> bytes:
    kind = "application/zip" if file.is_zip else "application/octet-stream"
    return (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="files"; filename="{_quoted(file.name)}"\r\n'
        f"Content-Type: {kind}\r\n\r\n"
    ).encode("utf-8", "replace")


def _quoted(name: str) -> str:
    """As browsers do it: https://html.spec.whatwg.org/#multipart-form-data"""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _content(file: SourceFile) -> Iterator[bytes]:
    """The file's bytes; InvalidUpload unless they are as many as when the length was announced."""
    left = file.bytes
    try:
        with file.path.open("rb") as source:
            while block := source.read(BLOCK_BYTES):
                left -= len(block)
                if left < 0:
                    break
                yield block
    except OSError as error:
        raise InvalidUpload(f"{file.path} cannot be read: {error.strerror}. No job was made.") from error
    if left:
        raise InvalidUpload(f"{file.path} changed while it was being sent. No job was made; submit again.")


def _packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks worth a system call each: a small image is three tiny pieces."""
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
