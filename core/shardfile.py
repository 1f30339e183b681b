"""A shard's object: a ZIP with stored entries named by position, and an index of what the client called them."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import BinaryIO

from core.errors import Broken

INDEX = "index.json"


@dataclass(frozen=True)
class Entry:
    """What is known of an image without decoding it; `refused` is an error code found on arrival."""

    name: str
    sha256: str
    size_bytes: int
    refused: str | None = None


class ShardWriter:
    """Writes one shard object; no client's name ever becomes an entry's name."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self.entries: list[Entry] = []
        self.size_bytes = 0
        self.digest = ""

    def add(self, name: str, data: bytes, *, refused: str | None = None, size_bytes: int | None = None) -> None:
        """Appends an image; a refused one keeps its place, without its bytes."""
        entry = Entry(name, _sha256(data), len(data) if size_bytes is None else size_bytes, refused)
        self._zip.writestr(_entry_name(len(self.entries)), b"" if refused else data)
        self.entries.append(entry)
        self.size_bytes += len(data)

    def abandon(self) -> None:
        """Lets go of a file that is to be thrown away, on a full disk too."""
        with suppress(OSError):
            self._zip.close()

    def close(self) -> None:
        """Completes the object; `digest` is then the SHA-256 of its index, which holds that of every image."""
        index = json.dumps([asdict(entry) for entry in self.entries])
        self.digest = _sha256(index.encode())
        self._zip.writestr(INDEX, index)
        self._zip.close()


class UnreadableShard(Broken):
    """A shard's object, or an image in it, is not what was written."""

    code = "object_corrupt"


class ShardReader:
    """Reads images of a shard object by position, one range each; raises UnreadableShard."""

    def __init__(self, file: BinaryIO, *, digest: str | None) -> None:
        """`digest` is what the writer said; None, of rows that are older than digests, is not compared."""
        with _reading():
            self._zip = zipfile.ZipFile(file)
            index = self._zip.read(INDEX)
            if digest not in (None, _sha256(index)):
                raise UnreadableShard("The stored upload is not the one that was accepted.")
            self._entries = [Entry(**fields) for fields in json.loads(index)]

    def entry(self, position: int) -> Entry:
        return self._entries[position]

    def read(self, position: int) -> bytes:
        """The image's bytes as they came, compared with its SHA-256; none of an image that was refused on arrival."""
        entry = self.entry(position)
        with _reading():
            data = self._zip.read(_entry_name(position))
        if entry.refused is None and _sha256(data) != entry.sha256:
            raise UnreadableShard(f"The stored image {entry.name} is not the one that was accepted.")
        return data

    def close(self) -> None:
        self._zip.close()


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError) as damage:
        raise UnreadableShard(f"The stored upload is damaged ({damage}).") from damage


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _entry_name(position: int) -> str:
    return f"{position:06d}"
