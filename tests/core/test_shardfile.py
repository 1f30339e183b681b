"""A shard's object: any ZIP tool opens it, no client's name is in its entries."""

import hashlib
import io
import json
import random
import zipfile
from contextlib import suppress

import pytest

from core.objects.shard_format import ShardReader, ShardWriter, UnreadableShard


def written() -> io.BytesIO:
    buffer = io.BytesIO()
    writer = ShardWriter(buffer)
    writer.add("../../etc/passwd", b"first")
    writer.add("big.jpg", b"", refused="image_too_large", size_bytes=10**9)
    writer.add("ä/b.png", b"third")
    writer.close()
    return buffer


def test_images_are_read_back_by_position_with_their_names_and_digests() -> None:
    reader = ShardReader(written(), digest=None)

    assert [reader.read(position) for position in (0, 2)] == [b"first", b"third"]
    assert reader.entry(2).name == "ä/b.png"
    assert reader.entry(0).sha256 == hashlib.sha256(b"first").hexdigest()


def test_a_refused_image_keeps_its_place_without_its_bytes() -> None:
    reader = ShardReader(written(), digest=None)

    entry = reader.entry(1)

    assert (entry.refused, entry.size_bytes, reader.read(1)) == ("image_too_large", 10**9, b"")


def test_entries_are_named_by_position_and_stored_as_they_came() -> None:
    with zipfile.ZipFile(written()) as archive:
        names = archive.namelist()
        methods = {entry.compress_type for entry in archive.infolist()}

    assert names == ["000000", "000001", "000002", "index.json"]
    assert methods == {zipfile.ZIP_STORED}


def test_any_zip_tool_finds_an_object_whole() -> None:
    with zipfile.ZipFile(written()) as archive:
        damaged = archive.testzip()
        last = archive.read("000002")

    assert (damaged, last) == (None, b"third")


def test_an_object_of_an_older_version_is_read() -> None:
    reader = ShardReader(io.BytesIO(written_by_zipfile()), digest=None)

    assert [reader.read(position) for position in range(3)] == [b"first", b"", b"third"]
    assert reader.entry(1).refused == "image_too_large"


def written_by_zipfile() -> bytes:
    """As objects were made before they were laid out by hand."""
    buffer = io.BytesIO()
    images = (b"first", b"", b"third")
    index = [
        {"name": "a", "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data) or 10**9, "refused": refused}
        for data, refused in zip(images, (None, "image_too_large", None), strict=True)
    ]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for position, data in enumerate(images):
            archive.writestr(f"{position:06d}", data)
        archive.writestr("index.json", json.dumps(index))
    return buffer.getvalue()


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_an_object_that_was_cut_short_is_corrupt(keep: float) -> None:
    content = written().getvalue()

    with pytest.raises(UnreadableShard):
        ShardReader(io.BytesIO(content[: int(len(content) * keep)]), digest=None)


def test_another_objects_bytes_are_corrupt() -> None:
    with pytest.raises(UnreadableShard, match="not the one"):
        ShardReader(written(), digest=hashlib.sha256(b"another").hexdigest())


def test_whatever_byte_changes_no_other_image_is_ever_read() -> None:
    whole, seed = written().getvalue(), random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)

    for place in range(len(whole)):
        content = bytearray(whole)
        content[place] ^= chance.randrange(1, 256)
        with suppress(UnreadableShard):
            reader = ShardReader(io.BytesIO(content), digest=None)
            assert [reader.read(position) for position in range(3)] == [b"first", b"", b"third"]
