"""ZIP uploads: the whole directory is checked before one entry is read, then the entries are cut into shards."""

import stat
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import BinaryIO

from api.intake import Intake
from core.errors import BadZip, TooLarge
from core.settings import Settings

DIRECTORY_BYTES_PER_ENTRY = 256
BOMB_RATIO = 100
LOCAL_HEADER_BYTES = 30
ENCRYPTED = 0x1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


def unpack(file: BinaryIO, intake: Intake, *, settings: Settings) -> None:
    """Feeds the ZIP's images to the intake; raises BadZip or TooLarge, naming the entry that is at fault."""
    with _opened(file, max_entries=settings.max_images_per_request) as archive:
        entries = archive.infolist()
        _check_names(entries)
        _check_overlaps(entries)
        _check_sizes(entries, settings)
        for entry in entries:
            if intake.skip(entry.filename):
                continue
            if entry.file_size > settings.max_image_bytes:
                intake.refuse(entry.filename, code="image_too_large", size_bytes=entry.file_size)
            else:
                intake.add(entry.filename, _read(archive, entry))


def _opened(file: BinaryIO, *, max_entries: int) -> zipfile.ZipFile:
    """Refuses a directory that would not fit in memory before it is read."""
    try:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # noqa: SLF001  # as ZipFile itself reads it
        if end and end[5] > max_entries * DIRECTORY_BYTES_PER_ENTRY:
            raise TooLarge(f"The ZIP lists more than {max_entries} files. Split it.", code="too_many_images")
        return zipfile.ZipFile(file)
    except BROKEN as reason:
        raise BadZip(f"The file is no readable ZIP ({reason}). Was it cut off on the way?") from reason


def _check_names(entries: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for entry in entries:
        name = entry.orig_filename.replace("\\", "/")
        if fault := _fault(entry, name):
            raise BadZip(f"The ZIP's entry {name[:200]!r} {fault}. Nothing was stored.", entry=name[:200])
        if name in seen:
            raise BadZip(f"The ZIP holds the name {name[:200]!r} twice. Nothing was stored.", entry=name[:200])
        seen.add(name)


def _fault(entry: zipfile.ZipInfo, name: str) -> str | None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        return "has an absolute name"
    if ".." in PurePosixPath(name).parts:
        return "points outside with '..'"
    if not name or "\0" in name:
        return "has no usable name"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or device, not a file"
    if entry.flag_bits & ENCRYPTED:
        return "is encrypted; send it without a password"
    if entry.compress_type not in METHODS:
        return f"is compressed by method {entry.compress_type}; only 'stored' and 'deflate' are read"
    return None


def _check_overlaps(entries: list[zipfile.ZipInfo]) -> None:
    """Entries that share bytes make a small ZIP expand without end (D. Fifield, "A better zip bomb", 2019)."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise BadZip(
                f"The ZIP's entry {entry.filename[:200]!r} overlaps another. Nothing was stored.",
                entry=entry.filename[:200],
            )
        end = entry.header_offset + LOCAL_HEADER_BYTES + entry.compress_size


def _check_sizes(entries: list[zipfile.ZipInfo], settings: Settings) -> None:
    expanded = 0
    for entry in entries:
        expanded += entry.file_size
        inflated = entry.file_size > BOMB_RATIO * max(entry.compress_size, 1)
        if (inflated and entry.file_size > settings.max_image_bytes) or expanded > settings.max_expanded_bytes:
            raise TooLarge(
                f"The ZIP expands too far at its entry {entry.filename[:200]!r} ({expanded} bytes by then, "
                f"{settings.max_expanded_bytes} allowed). Nothing was stored.",
                code="zip_expands_too_far",
                entry=entry.filename[:200],
            )


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The entry's bytes; inflates no further than its directory states, and refuses a wrong size or CRC."""
    name = entry.filename[:200]
    try:
        with archive.open(entry) as stream:
            data = stream.read(entry.file_size + 1)
    except BROKEN as reason:
        raise BadZip(f"The ZIP's entry {name!r} is damaged ({reason}). Nothing was stored.", entry=name) from reason
    if len(data) != entry.file_size:
        raise BadZip(f"The ZIP's entry {name!r} is not of the size it states. Nothing was stored.", entry=name)
    return data
