"""The format of a shard object."""

import hashlib
import io
import json
import random
import zipfile
from contextlib import suppress

import pytest

from core.objects.shard_format import FOOTER, MAGIC, ShardReader, ShardWriter, UnreadableShard
from core.states import ItemErrorCode


def written() -> io.BytesIO:
    buffer = io.BytesIO()
    writer = ShardWriter(buffer)
    writer.add("../../etc/passwd", b"first")
    writer.refuse("big.jpg", code=ItemErrorCode.IMAGE_TOO_LARGE, size_bytes=10**9)
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


def test_an_object_is_the_images_one_after_the_other_then_index_and_footer() -> None:
    content = written().getvalue()

    size, magic = FOOTER.unpack(content[-FOOTER.size :])
    index = json.loads(content[-FOOTER.size - size : -FOOTER.size])

    assert magic == MAGIC
    assert content.startswith(b"firstthird")
    assert [entry["name"] for entry in index] == ["../../etc/passwd", "big.jpg", "ä/b.png"]
    assert len(content) == len(b"firstthird") + size + FOOTER.size


def test_an_object_of_another_format_is_corrupt() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("000000", b"first")

    with pytest.raises(UnreadableShard, match="no footer"):
        ShardReader(buffer, digest=None)


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_object_is_corrupt(keep: float) -> None:
    content = written().getvalue()

    with pytest.raises(UnreadableShard):
        ShardReader(io.BytesIO(content[: int(len(content) * keep)]), digest=None)


def test_an_object_with_another_digest_is_corrupt() -> None:
    with pytest.raises(UnreadableShard, match="differs"):
        ShardReader(written(), digest=hashlib.sha256(b"another").hexdigest())


def test_no_changed_byte_makes_the_reader_return_another_image() -> None:
    whole, seed = written().getvalue(), random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)

    for place in range(len(whole)):
        content = bytearray(whole)
        content[place] ^= chance.randrange(1, 256)
        with suppress(UnreadableShard):
            reader = ShardReader(io.BytesIO(content), digest=None)
            assert [reader.read(position) for position in range(3)] == [b"first", b"", b"third"]
