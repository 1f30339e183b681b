"""ZIP uploads: the whole directory is checked before any entry is read, then the entries are written to the upload."""

import stat
import struct
import zipfile
import zlib
from operator import attrgetter
from typing import BinaryIO

from api.uploads.writer import UploadWriter
from core.errors import BadZip, TooLarge
from core.settings import Settings
from core.states import ItemErrorCode

MAX_DIRECTORY_BYTES_PER_ENTRY = 256
MAX_EXPANSION_RATIO = 100
MAX_SHOWN_NAME_LENGTH = 200

LOCAL_HEADER_BYTES = 30
"""The fixed part of the header before an entry's data (APPNOTE.TXT 4.3.7)."""

ENCRYPTED, PATCHED, STRONGLY_ENCRYPTED = 0x1, 0x20, 0x40
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OSError)
"""What `zipfile` raises at a file that is not a proper ZIP."""


def unpack(file: BinaryIO, upload: UploadWriter, *, settings: Settings) -> None:
    """Write the ZIP's images to the upload. Raises BadZip or TooLarge, both with the name of the entry at fault."""
    with _open_zip(file, max_entries=settings.max_images_per_request) as archive:
        entries = archive.infolist()
        _check_names(entries)
        _check_overlaps(entries)
        _check_sizes(entries, settings)
        for entry in entries:
            if upload.skip(entry.filename):
                continue
            if entry.file_size > settings.max_image_bytes:
                upload.refuse(entry.filename, code=ItemErrorCode.IMAGE_TOO_LARGE, size_bytes=entry.file_size)
            else:
                upload.add(entry.filename, _read(archive, entry))


def _open_zip(file: BinaryIO, *, max_entries: int) -> zipfile.ZipFile:
    """Read the ZIP's directory, unless it is too large to be held in memory."""
    max_bytes = max_entries * MAX_DIRECTORY_BYTES_PER_ENTRY
    try:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # noqa: SLF001  # as ZipFile itself reads it
        if end and end[5] > max_bytes:
            raise TooLarge(
                f"The ZIP's directory has {end[5]} bytes, more than {max_entries} files need ({max_bytes} bytes). "
                "Split the ZIP.",
                code="too_many_images",
            )
        return zipfile.ZipFile(file)
    except ZIP_ERRORS as reason:
        raise BadZip(
            f"The file is not a readable ZIP ({reason}). Test it with: unzip -t FILE. If it is whole, send it again."
        ) from reason


def _check_names(entries: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for entry in entries:
        name = entry.orig_filename.replace("\\", "/")
        fault = _fault(entry, name) or ("has the same name as another entry" if name in seen else None)
        if fault is not None:
            raise _bad_entry(name, fault)
        seen.add(name)


def _fault(entry: zipfile.ZipInfo, name: str) -> str | None:
    """Return why an entry of this name is refused, or None if it is not."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        return "has an absolute name; entries have names relative to the ZIP"
    if ".." in name.split("/"):
        return "points outside the ZIP with '..'"
    if not name or "\0" in name:
        return "has an empty name, or a zero byte in its name"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or device, not a file"
    if entry.flag_bits & (ENCRYPTED | STRONGLY_ENCRYPTED):
        return "is encrypted; make the ZIP without a password"
    if entry.flag_bits & PATCHED:
        return "is a patch to a file, not a file"
    if entry.compress_type not in METHODS:
        return f"is compressed by method {entry.compress_type}; use 'deflate' (zip FILE.zip FOLDER -r) or 'stored'"
    return None


def _check_overlaps(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse entries that share bytes (D. Fifield, "A better zip bomb", 2019)."""
    end = 0
    for entry in sorted(entries, key=attrgetter("header_offset")):
        if entry.header_offset < end:
            raise _bad_entry(entry.filename, "overlaps another entry")
        end = entry.header_offset + LOCAL_HEADER_BYTES + entry.compress_size


def _check_sizes(entries: list[zipfile.ZipInfo], settings: Settings) -> None:
    """Refuse a ZIP that expands to more than `max_expanded_bytes`, or an image that is nothing but a huge expansion."""
    expanded = 0
    for entry in entries:
        expanded += entry.file_size
        name = entry.filename[:MAX_SHOWN_NAME_LENGTH]
        if expanded > settings.max_expanded_bytes:
            raise _expands_too_far(
                name, f"brings the ZIP to {expanded} bytes; up to {settings.max_expanded_bytes} are allowed"
            )
        is_bomb = entry.file_size > MAX_EXPANSION_RATIO * max(entry.compress_size, 1)
        if is_bomb and entry.file_size > settings.max_image_bytes:
            raise _expands_too_far(
                name,
                f"expands from {entry.compress_size} to {entry.file_size} bytes; an image over "
                f"{settings.max_image_bytes} bytes may expand up to {MAX_EXPANSION_RATIO}-fold",
            )


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return the entry's bytes. Raises BadZip if their number or CRC-32 is not the one in the directory.

    `zipfile` stops at the stated size, and would take the start of an entry that goes on beyond it. So it is given one
    byte more as a limit: it inflates no further, and an entry of the stated size ends before that byte.
    """
    stated_bytes = entry.file_size
    entry.file_size = stated_bytes + 1
    try:
        with archive.open(entry) as file:
            data = file.read(stated_bytes + 1)
    except ZIP_ERRORS as reason:
        raise _bad_entry(entry.filename, f"is damaged ({reason})") from reason
    if len(data) != stated_bytes:
        raise _bad_entry(entry.filename, f"is not of the size it states, {stated_bytes} bytes")
    return data


def _bad_entry(name: str, fault: str) -> BadZip:
    name = name[:MAX_SHOWN_NAME_LENGTH]
    return BadZip(
        f"The ZIP's entry {name!r} {fault}. Nothing was stored. Correct or remove the entry and send the ZIP again.",
        entry=name,
    )


def _expands_too_far(name: str, excess: str) -> TooLarge:
    return TooLarge(
        f"The ZIP's entry {name!r} {excess}. Nothing was stored. Split the ZIP, or send the images uncompressed.",
        code="zip_expands_too_far",
        entry=name,
    )
