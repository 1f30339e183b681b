"""A shard's object: any ZIP tool opens it, no client's name is in its entries."""

import hashlib
import io
import zipfile

from core.shardfile import ShardReader, ShardWriter


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
