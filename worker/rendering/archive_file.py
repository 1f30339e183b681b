"""A ZIP file with a manifest at its end that lists every file with its SHA-256."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import BinaryIO, TextIO

COPY_CHARS = 1024 * 1024
MANIFEST = "manifest.json"


class ArchiveFile:
    """Adds files to a ZIP as they come. The list of files lies in a temporary file, not in memory."""

    def __init__(self, target: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_STORED)
        self._listed = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  # closed by `close`

    def add(self, name: str, data: bytes, *, sha256: str | None = None) -> None:
        """Add a file that is compressed already, such as an image; its SHA-256 is computed unless it is known."""
        self._zip.writestr(name, data)
        self._list(name, sha256 or hashlib.sha256(data).hexdigest(), len(data))

    def add_text(self, name: str, source: TextIO) -> None:
        """Add a text file from its beginning, deflated as it is copied."""
        source.seek(0)
        digest, size_bytes = hashlib.sha256(), 0
        with self._zip.open(_deflated(name), "w", force_zip64=True) as target:
            while text := source.read(COPY_CHARS):
                block = text.encode()
                digest.update(block)
                size_bytes += len(block)
                target.write(block)
        self._list(name, digest.hexdigest(), size_bytes)

    def close(self, provenance: Mapping[str, object]) -> None:
        """Write the manifest, which is `provenance` and the list of `files`, then the ZIP's directory."""
        self._listed.seek(0)
        with self._zip.open(_deflated(MANIFEST), "w", force_zip64=True) as target, self._listed:
            target.write(b"{\n")
            for name, value in provenance.items():
                target.write(f" {json.dumps(name)}: {json.dumps(value)},\n".encode())
            target.write(b' "files": [')
            separator = b"\n  "
            for line in self._listed:
                target.write(separator + line.rstrip("\n").encode())
                separator = b",\n  "
            target.write(b"\n ]\n}\n")
        self._zip.close()

    def _list(self, name: str, sha256: str, size_bytes: int) -> None:
        self._listed.write(json.dumps({"name": name, "sha256": sha256, "bytes": size_bytes}) + "\n")


def _deflated(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
