"""Bad ZIPs: the problem names the entry at fault, and nothing is left on disk."""

import stat
import struct
import tracemalloc
import zipfile
import zlib
from io import BytesIO

import pytest

from tests.api.conftest import SmallApi, refused
from tests.http import files, submit_zip, zipped

IMAGE = b"\x89PNG not decoded on arrival"


def named(name: str, *, mode: int = stat.S_IFREG | 0o644, flags: int = 0) -> bytes:
    """Return a ZIP of one entry with this name, file mode and flags."""
    entry = zipfile.ZipInfo("placeholder")
    entry.filename = name
    entry.external_attr = mode << 16
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, IMAGE)
    raw = bytearray(buffer.getvalue())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", raw, raw.index(magic) + offset, flags)
    return bytes(raw)


@pytest.mark.parametrize(
    ("content", "entry", "why"),
    [
        (named("../evil.png"), "../evil.png", "'..'"),
        (named("a/../../evil.png"), "a/../../evil.png", "'..'"),
        (named("..\\evil.png"), "../evil.png", "'..'"),
        (named("/etc/passwd"), "/etc/passwd", "absolute"),
        (named("C:\\evil.png"), "C:/evil.png", "absolute"),
        (named("link.png", mode=stat.S_IFLNK | 0o777), "link.png", "link"),
        (named("pipe.png", mode=stat.S_IFIFO | 0o644), "pipe.png", "link or device"),
        (named("secret.png", flags=1), "secret.png", "encrypted"),
        (named("secret.png", flags=0x40), "secret.png", "encrypted"),
        (named("patch.png", flags=0x20), "patch.png", "patch"),
    ],
)
def test_a_zip_with_a_dangerous_entry_is_refused_by_name(small: SmallApi, content: bytes, entry: str, why: str) -> None:
    problem = refused(small, submit_zip(small.client, content), 422, "bad_zip")

    assert why in str(problem["detail"])
    assert problem["errors"] == [{"detail": problem["detail"], "code": "bad_zip", "entry": entry}]


def test_two_equal_names_in_a_zip_are_refused(small: SmallApi) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", IMAGE)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", IMAGE)

    problem = refused(small, submit_zip(small.client, buffer.getvalue()), 422, "bad_zip")

    assert "'a.png' has the same name as another entry" in str(problem["detail"])


@pytest.mark.parametrize("keep", [0.2, 0.7, 0.95])
def test_a_zip_that_was_cut_off_is_refused(small: SmallApi, keep: float) -> None:
    content = zipped({f"{number}.png": IMAGE * 20 for number in range(9)})

    refused(small, submit_zip(small.client, content[: int(len(content) * keep)]), 422, "bad_zip")


def test_a_zip_whose_bytes_were_changed_is_refused_with_the_entry(small: SmallApi) -> None:
    content = bytearray(zipped({f"{number}.png": IMAGE * 20 for number in range(9)}))
    content[content.index(b"8.png") + 50] ^= 0xFF

    problem = refused(small, submit_zip(small.client, bytes(content)), 422, "bad_zip")

    assert "'8.png' is damaged" in str(problem["detail"])


def test_a_zip_that_expands_without_end_is_refused(small: SmallApi) -> None:
    bomb = zipped({"zeros.png": bytes(5_000_000)}, method=zipfile.ZIP_DEFLATED)
    many = zipped({f"{number}.png": bytes(150_000) for number in range(15)}, method=zipfile.ZIP_DEFLATED)

    for content in (bomb, many):
        problem = refused(small, submit_zip(small.client, content), 413, "zip_expands_too_far")
        assert problem["errors"]


@pytest.mark.parametrize("stated", [10, 90_001])
def test_a_zip_that_lies_about_an_entrys_size_is_refused(small: SmallApi, stated: int) -> None:
    content = stating(zipped({"a.png": bytes(90_000)}, method=zipfile.ZIP_DEFLATED), stated)

    refused(small, submit_zip(small.client, content), 422, "bad_zip")


def test_a_lying_zip_is_inflated_no_further_than_it_states(small: SmallApi) -> None:
    content = stating(zipped({"a.png": bytes(200_000_000)}, method=zipfile.ZIP_DEFLATED), 10)

    tracemalloc.start()
    response = submit_zip(small.client, content)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    refused(small, response, 422, "bad_zip")
    assert peak_bytes < 20_000_000


def stating(content: bytes, size_bytes: int) -> bytes:
    """Return the ZIP of one entry with its stated size changed in both headers."""
    changed = bytearray(content)
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", changed, changed.index(magic) + offset, size_bytes)
    return bytes(changed)


def test_entries_that_share_their_bytes_are_refused(small: SmallApi) -> None:
    refused(small, submit_zip(small.client, overlapping()), 422, "bad_zip")


def overlapping() -> bytes:
    """Return a ZIP whose two directory entries point at one local entry."""
    data = IMAGE * 4
    fixed = struct.pack("<HHHHHIIIH", 20, 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), 5) + struct.pack("<H", 0)
    local = b"PK\x03\x04" + fixed + b"a.png" + data
    central = b"".join(
        b"PK\x01\x02\x14\x00" + fixed + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name for name in (b"a.png", b"b.png")
    )
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 2, 2, len(central), len(local), 0)
    return local + central + end


def test_a_bad_zip_among_good_files_refuses_them_all(small: SmallApi) -> None:
    images = {f"{number}.png": IMAGE for number in range(9)}

    response = small.client.post("/v1/jobs", files=files({**images, "bad.zip": b"PK no zip"}))

    refused(small, response, 422, "bad_zip")
