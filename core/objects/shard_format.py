"""The format of a shard object: the images' bytes one after the other, then an index, then a footer.

    image 0 | image 1 | … | index | footer

The index is JSON: a list with the name, SHA-256 and size of every image, from which the place of each follows. The
footer is the size of the index in bytes (uint64, little-endian) and eight bytes that name the format.
"""

import io
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import accumulate
from typing import BinaryIO, NamedTuple

from core.errors import Broken
from core.states import ItemErrorCode

MAGIC = b"BLSHARD1"
FOOTER = struct.Struct("<Q8s")
"""Size of the index in bytes, MAGIC."""


class Entry(NamedTuple):
    """What is known of an image without decoding it; `refused` is the error code of one that the API did not keep."""

    name: str
    sha256: str
    size_bytes: int
    refused: ItemErrorCode | None = None

    @property
    def stored_bytes(self) -> int:
        return self.size_bytes if self.refused is None else 0


class ShardWriter:
    """Writes one shard object into an empty file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.entries: list[Entry] = []
        self.size_bytes = 0
        self.digest = ""

    def add(self, name: str, data: bytes) -> None:
        """Append an image."""
        self.entries.append(Entry(name, _sha256(data), len(data)))
        self.size_bytes += len(data)
        self._file.write(data)

    def refuse(self, name: str, *, code: ItemErrorCode, size_bytes: int) -> None:
        """Append an entry without bytes for an image that is not kept: its item will fail with `code`."""
        self.entries.append(Entry(name, _sha256(b""), size_bytes, code))

    def close(self) -> None:
        """Complete the object. `digest` is then the SHA-256 of its index, which holds that of every image."""
        index = json.dumps([entry._asdict() for entry in self.entries]).encode()
        self.digest = _sha256(index)
        self._file.write(index + FOOTER.pack(len(index), MAGIC))


class UnreadableShard(Broken):
    """A shard object, or an image in it, differs from what was written."""

    code = ItemErrorCode.OBJECT_CORRUPT


class ShardReader:
    """Reads images of a shard object by position; raises UnreadableShard."""

    def __init__(self, file: BinaryIO, *, digest: str | None) -> None:
        """`digest` is the writer's `ShardWriter.digest`; None, in rows from before digests, skips the comparison."""
        self._file = file
        with _damage_raised():
            index = _read_index(file)
            if digest not in (None, _sha256(index)):
                raise UnreadableShard("The stored upload differs from the one that was accepted.")
            self._entries = [_entry(**fields) for fields in json.loads(index)]
            self._starts = list(accumulate((entry.stored_bytes for entry in self._entries), initial=0))

    def entry(self, position: int) -> Entry:
        """Return what is known of the image at this position."""
        return self._entries[position]

    def read(self, position: int) -> bytes:
        """Return the image's bytes as uploaded, compared with its SHA-256; empty if the image was not kept."""
        entry = self._entries[position]
        self._file.seek(self._starts[position])
        data = self._file.read(entry.stored_bytes)
        if entry.refused is None and _sha256(data) != entry.sha256:
            raise UnreadableShard(f"The stored image {entry.name} differs from the one that was accepted.")
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _entry(*, name: str, sha256: str, size_bytes: int, refused: str | None) -> Entry:
    return Entry(name, sha256, size_bytes, None if refused is None else ItemErrorCode(refused))


def _read_index(file: BinaryIO) -> bytes:
    """Return the index; raises ValueError where the object does not end as ShardWriter leaves it."""
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - FOOTER.size))
    footer = file.read(FOOTER.size)
    if len(footer) < FOOTER.size or not footer.endswith(MAGIC):
        raise ValueError("it has no footer")
    size, _ = FOOTER.unpack(footer)
    if size > end - FOOTER.size:
        raise ValueError("its index is larger than the object")
    file.seek(end - FOOTER.size - size)
    return file.read(size)


@contextmanager
def _damage_raised() -> Iterator[None]:
    """Raise UnreadableShard where an index cannot be parsed."""
    try:
        yield
    except (TypeError, ValueError) as damage:
        raise UnreadableShard(f"The stored upload is damaged ({damage}).") from damage


def _sha256(data: bytes) -> str:
    return sha256(data).hexdigest()
