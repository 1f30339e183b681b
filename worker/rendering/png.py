"""PNG files of overlays, encoded several times as fast as Pillow does, for a size that differs by a few percent.

Pillow tries five filters on every row. This encoder uses one filter, which NumPy applies to all rows at once. ISA-L
deflates at four times the speed of zlib's fastest level. The rest of the format is a header (PNG, third edition, W3C).
"""

import struct

import numpy as np
from isal import isal_zlib
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BITS, TRUECOLOR = 8, 2
UP = 2
"""The filter that stores the difference of a row to the row above it."""

LEVEL = 1
"""Of ISA-L's levels 0 to 3: 0 makes overlays a fifth larger, 2 and 3 take longer without making them smaller."""


def encode_png(image: Image.Image) -> bytes:
    """Return the PNG file of an RGB image."""
    pixels = np.asarray(image)
    height, width, channels = pixels.shape
    rows = pixels.reshape(height, width * channels)
    filtered = np.empty((height, 1 + width * channels), np.uint8)
    filtered[:, 0] = UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    header = struct.pack(">2I5B", width, height, BITS, TRUECOLOR, 0, 0, 0)
    data = isal_zlib.compress(filtered, LEVEL)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    crc = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", crc)))
