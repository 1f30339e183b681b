"""What the first and the last bytes of a file say about it, before anything is decoded."""

import re
from typing import Literal

import numpy as np

Format = Literal["JPEG", "PNG", "WEBP", "GIF", "BMP"]

_OTHERS = {
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"8BPS": "PSD",
    b"\0\0\1\0": "ICO",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xffO\xffQ": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"<svg": "SVG",
}
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF", b"msf1": "HEIF"}

_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd8]")  # not a stuffed byte, a fill byte or a restart within a scan


def detect_format(data: bytes) -> Format | None:
    """The format the file claims to be, of those that are decoded."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    # "BM" alone begins many texts; a bitmap has two reserved words of zero behind its length.
    if data.startswith(b"BM") and data[6:10] == bytes(4):
        return "BMP"
    return None


def names_other_format(data: bytes) -> str | None:
    """The name of an image format that is known but not decoded."""
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12])
    return next((name for start, name in _OTHERS.items() if data.startswith(start)), None)


def is_cut_short(data: bytes, kind: Format) -> bool:
    """Whether the file's end is missing: it lacks its end mark, or is shorter than its header says."""
    match kind:
        case "JPEG":
            return not data.rstrip(b"\0").endswith(b"\xff\xd9")
        case "PNG":
            return b"IEND" not in data[-32:]
        case "GIF":
            return not data.rstrip(b"\0").endswith(b";")
        case "WEBP":
            return len(data) < int.from_bytes(data[4:8], "little") + 8
        case "BMP":
            return len(data) < int.from_bytes(data[2:6], "little")


def has_more_scans(data: bytes, limit: int) -> bool:
    """Whether this JPEG's picture comes in more scans than that; what follows the picture does not count.

    Each scan costs a pass over the whole picture, whatever its own size (ITU-T T.81, annex B).
    """
    if _count(data, _START_OF_SCAN) <= limit:
        return False
    position, scans = 2, 0
    while scans <= limit and (marker := _MARKER.search(data, position)) and marker[0] != _END_OF_IMAGE:
        scans += marker[0] == _START_OF_SCAN
        position = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return scans > limit


def _count(data: bytes, pair: bytes) -> int:
    """`data.count(pair)` of two different bytes and data of 3 or more, in a tenth of the time: 16 bits are compared."""
    even, odd = (np.frombuffer(data, np.uint16, (len(data) - start) // 2, start) for start in (0, 1))
    word = np.frombuffer(pair, np.uint16)
    return int(np.count_nonzero(even == word) + np.count_nonzero(odd == word))
