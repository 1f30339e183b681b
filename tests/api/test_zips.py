"""ZIPs of every kind that tools write are read; of a damaged one, nothing is stored that zipfile would not read."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.uploads.writer import UploadWriter
from api.uploads.zip_entries import unpack
from core.errors import BadZip, BatchlightError
from core.objects.shard_format import ShardReader
from core.objects.storage import Storage
from core.settings import Settings

IMAGES = {"a.png": b"first" * 30, "b/ä.png": b"", "c.png": bytes(range(256)) * 20}


def unpacked(content: bytes, folder: Path) -> dict[str, bytes]:
    """Return the images that a job of this ZIP holds, by name."""
    settings = Settings(database_url="sqlite://", redis_url=SecretStr("redis://x"), storage_dir=folder, shard_images=2)
    storage = Storage(folder)
    with UploadWriter(storage, settings, job_id=f"{random.getrandbits(128):032x}") as upload:
        unpack(io.BytesIO(content), upload, settings=settings)
        upload.close()
    images: dict[str, bytes] = {}
    for shard in upload.stored:
        with storage.open(shard.object_key) as file:
            reader = ShardReader(file, digest=shard.digest)
            images |= {reader.entry(position).name: reader.read(position) for position in range(shard.count)}
    return images


class Pipe(io.RawIOBase):
    """A file that cannot seek: a ZIP written to it states its sizes behind the data."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.content += bytes(data)  # type: ignore[call-overload]  # any buffer
        return len(bytes(data))  # type: ignore[call-overload]


def streamed(method: int) -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", method) as archive:
        for name, data in IMAGES.items():
            archive.writestr(name, data)
    return pipe.content


def with_extra_fields(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in IMAGES.items():
            entry = zipfile.ZipInfo(name)
            entry.extra = struct.pack("<2H8s", 0xCAFE, 8, b"anything")
            archive.writestr(entry, data, method)
    return buffer.getvalue()


def behind_another_file(method: int) -> bytes:
    return b"#!/bin/sh a self-extracting archive\n" + with_extra_fields(method)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("write", [streamed, with_extra_fields, behind_another_file])
def test_zips_of_every_kind_are_read(tmp_path: Path, write: Callable[[int], bytes], method: int) -> None:
    assert unpacked(write(method), tmp_path) == IMAGES


def test_a_stored_entry_reads_no_byte_of_the_next(tmp_path: Path) -> None:
    content = bytearray(with_extra_fields(zipfile.ZIP_STORED))
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, 300)

    with pytest.raises(BadZip, match=r"'a.png' is not of the size"):
        unpacked(bytes(content), tmp_path)


def test_an_entry_that_goes_on_beyond_its_stated_size_is_refused_even_if_its_start_has_the_right_crc(
    tmp_path: Path,
) -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        content = bytearray(with_extra_fields(method))
        entry = content.index(b"PK\x01\x02")
        struct.pack_into("<I", content, entry + 16, zlib.crc32(IMAGES["a.png"][:100]))
        struct.pack_into("<I", content, entry + 24, 100)

        with pytest.raises(BadZip, match=r"'a.png' is (not of the size|damaged)"):
            unpacked(bytes(content), tmp_path)


def test_an_entry_whose_own_header_names_another_is_refused(tmp_path: Path) -> None:
    content = with_extra_fields(zipfile.ZIP_STORED).replace(b"a.png", b"z.png", 1)

    with pytest.raises(BadZip, match=r"'a.png' is damaged"):
        unpacked(content, tmp_path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_of_a_changed_zip_nothing_is_stored_that_zipfile_would_not_read(tmp_path: Path, method: int) -> None:
    whole, seed = with_extra_fields(method), random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)

    for _ in range(200):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            images = unpacked(bytes(content), tmp_path)
        except BatchlightError:
            continue
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert images == {name: archive.read(name) for name in images}
