"""A shard's object: a ZIP with stored entries named by position, and an index of what the client called them.

Any ZIP tool opens it. It has one rigid layout (stored entries in the order of their positions, names of six digits, no
extra fields, no comments, `index.json` last), so that every place in it follows from the sizes in the index. Thus it is
written and read here without `zipfile`, which takes 10 to 20 µs an entry, ten times what storing a small image does.
"""

import io
import json
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import accumulate
from typing import BinaryIO, NamedTuple

from core.errors import Broken

INDEX = b"index.json"
NAME_BYTES = 6

# Headers as in PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.16. The settings' bounds keep lengths in range.
LOCAL_MAGIC, CENTRAL_MAGIC, END_MAGIC = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
SHARED = struct.Struct("<5H3I2H")
"""In both headers: version needed, flags, method, time, date, CRC, size twice, lengths of name and extra field."""
CENTRAL_REST = struct.Struct("<3H2I")
"""Length of the comment, disk, internal attributes, external attributes, offset; then the name."""
END = struct.Struct("<4s4H2IH")
"""Magic, disks, entries here, entries, size and offset of the directory, length of the comment."""
INDEX_AT = struct.Struct("<16xII18xI")
"""CRC, size and offset out of a central header."""

VERSION, STORED, NEW_YEAR_1980 = 20, 0, 1 << 5 | 1
MADE_BY_UNIX = struct.pack("<H", 3 << 8 | VERSION)
OWNER_MAY_READ_AND_WRITE = 0o100600 << 16
LOCAL_BYTES = len(LOCAL_MAGIC) + SHARED.size
CENTRAL_BYTES = len(CENTRAL_MAGIC) + len(MADE_BY_UNIX) + SHARED.size + CENTRAL_REST.size
TAIL_BYTES = CENTRAL_BYTES + len(INDEX) + END.size
"""An object ends in the directory's entry of its index, and the directory's end."""


class Entry(NamedTuple):
    """What is known of an image without decoding it; `refused` is an error code found on arrival."""

    name: str
    sha256: str
    size_bytes: int
    refused: str | None = None

    @property
    def stored_bytes(self) -> int:
        return self.size_bytes if self.refused is None else 0


class ShardWriter:
    """Writes one shard object; no client's name ever becomes an entry's name."""

    def __init__(self, file: BinaryIO) -> None:
        """`file` is empty."""
        self._file = file
        self._end = 0
        self._directory: list[bytes] = []
        self.entries: list[Entry] = []
        self.size_bytes = 0
        self.digest = ""

    def add(self, name: str, data: bytes, *, refused: str | None = None, size_bytes: int | None = None) -> None:
        """Appends an image; a refused one keeps its place, without its bytes."""
        entry = Entry(name, _sha256(data), len(data) if size_bytes is None else size_bytes, refused)
        self._append(b"%06d" % len(self.entries), b"" if refused else data)
        self.entries.append(entry)
        self.size_bytes += len(data)

    def close(self) -> None:
        """Completes the object; `digest` is then the SHA-256 of its index, which holds that of every image."""
        index = json.dumps([entry._asdict() for entry in self.entries]).encode()
        self.digest = _sha256(index)
        self._append(INDEX, index)
        directory, count = b"".join(self._directory), len(self._directory)
        self._file.write(directory + END.pack(END_MAGIC, 0, 0, count, count, len(directory), self._end, 0))

    def _append(self, name: bytes, data: bytes) -> None:
        size = len(data)
        shared = SHARED.pack(VERSION, 0, STORED, 0, NEW_YEAR_1980, zlib.crc32(data), size, size, len(name), 0)
        rest = CENTRAL_REST.pack(0, 0, 0, OWNER_MAY_READ_AND_WRITE, self._end)
        self._directory.append(CENTRAL_MAGIC + MADE_BY_UNIX + shared + rest + name)
        self._file.write(LOCAL_MAGIC + shared + name)
        self._file.write(data)
        self._end += LOCAL_BYTES + len(name) + size


class UnreadableShard(Broken):
    """A shard's object, or an image in it, is not what was written."""

    code = "object_corrupt"


class ShardReader:
    """Reads images of a shard object by position, one range each; raises UnreadableShard."""

    def __init__(self, file: BinaryIO, *, digest: str | None) -> None:
        """`digest` is what the writer said; None, of rows that are older than digests, is not compared."""
        self._file = file
        with _reading():
            index = _read_index(file)
            if digest not in (None, _sha256(index)):
                raise UnreadableShard("The stored upload is not the one that was accepted.")
            self._entries = [Entry(**fields) for fields in json.loads(index)]
            sizes = (LOCAL_BYTES + NAME_BYTES + entry.stored_bytes for entry in self._entries)
            self._starts = list(accumulate(sizes, initial=LOCAL_BYTES + NAME_BYTES))

    def entry(self, position: int) -> Entry:
        return self._entries[position]

    def read(self, position: int) -> bytes:
        """The image's bytes as they came, compared with its SHA-256; none of an image that was refused on arrival."""
        entry = self._entries[position]
        self._file.seek(self._starts[position])
        data = self._file.read(entry.stored_bytes)
        if entry.refused is None and _sha256(data) != entry.sha256:
            raise UnreadableShard(f"The stored image {entry.name} is not the one that was accepted.")
        return data

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _read_index(file: BinaryIO) -> bytes:
    """The index, by way of the object's last bytes; raises ValueError where they are not as ShardWriter leaves them."""
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - TAIL_BYTES))
    tail = file.read(TAIL_BYTES)
    magics = tail[: len(CENTRAL_MAGIC)] + tail[-END.size :][: len(END_MAGIC)]
    if magics != CENTRAL_MAGIC + END_MAGIC or tail[CENTRAL_BYTES : -END.size] != INDEX:
        raise ValueError("it does not end as it was written")
    crc, size, offset = INDEX_AT.unpack_from(tail)
    file.seek(offset + LOCAL_BYTES + len(INDEX))
    index = file.read(min(size, end))
    if zlib.crc32(index) != crc:
        raise ValueError("its index has changed")
    return index


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError) as damage:
        raise UnreadableShard(f"The stored upload is damaged ({damage}).") from damage


def _sha256(data: bytes) -> str:
    return sha256(data).hexdigest()
