"""Downloading an archive into a file, continuing where an earlier attempt was cut off."""

import os
import re
import shlex
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx

from batchlight.errors import ConnectionLost, InvalidDestination, UnexpectedResponse
from batchlight.http.responses import retry_after_s
from batchlight.http.sending import Progress
from batchlight.http.transport import Transport

RETRY_FOR_S = 30.0
BUILDING_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class PartialFile:
    """The bytes that have arrived, in `FILE.part`, and in `FILE.part.etag` the version that they belong to."""

    destination: Path

    @property
    def path(self) -> Path:
        return self.destination.with_name(f"{self.destination.name}.part")

    @property
    def etag_path(self) -> Path:
        return self.destination.with_name(f"{self.destination.name}.part.etag")

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def range_headers(self) -> dict[str, str]:
        """Headers that ask for the rest, or for the whole archive if its version has changed."""
        whole = {"Accept-Encoding": "identity"}
        if not self.bytes or not self.etag_path.exists():
            return whole
        return {**whole, "Range": f"bytes={self.bytes}-", "If-Range": self.etag_path.read_text("latin-1")}

    def restart(self, etag: str) -> None:
        """Empty the partial file. Only a strong ETag promises the same bytes, so only that is kept to resume by."""
        self.discard()
        if etag and not etag.startswith("W/"):
            self.etag_path.write_text(etag, "latin-1")

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.etag_path.unlink(missing_ok=True)

    def finish(self) -> None:
        self.path.replace(self.destination)
        self.etag_path.unlink(missing_ok=True)


def require_writable(destination: Path) -> None:
    """Raise InvalidDestination unless a file can be written to this path."""
    folder = destination.parent
    if not folder.exists():
        raise InvalidDestination(
            f"{destination} cannot be written: its folder does not exist. Create it: mkdir -p"
            f" {shlex.quote(str(folder))}"
        )
    if not folder.is_dir():
        raise InvalidDestination(f"{destination} cannot be written: {folder} is not a folder. Choose another path.")
    if destination.is_dir():
        raise InvalidDestination(f"{destination} cannot be written: it is a folder. Choose another path.")
    if not os.access(folder, os.W_OK):
        raise InvalidDestination(
            f"{destination} cannot be written: permission denied in {folder}. Allow it: chmod u+w"
            f" {shlex.quote(str(folder))}"
        )


def download(transport: Transport, path: str, destination: Path, *, progress: Progress | None = None) -> Path:
    """Write what `path` serves to the file `destination`, which appears only when it is complete.

    Waits while the server builds the archive (202). A lost connection is resumed as long as bytes keep arriving. What
    has arrived stays in `FILE.part`, also when this program ends.
    """
    require_writable(destination)
    partial = PartialFile(destination)
    while True:
        bytes_before = partial.bytes
        try:
            if _receive(transport, path, partial, progress):
                partial.finish()
                return destination
        except httpx.TransportError as error:
            if partial.bytes <= bytes_before:
                raise ConnectionLost(
                    f"The download to {destination} stopped at {partial.bytes:,} bytes. Download again to the same"
                    " file; the download continues from there."
                ) from error


def _receive(transport: Transport, path: str, partial: PartialFile, progress: Progress | None) -> bool:
    """Make one request and append its body. True when the file is complete."""
    with transport.stream(path, headers=partial.range_headers(), retry_for_s=RETRY_FOR_S) as response:
        if response.status_code == HTTPStatus.ACCEPTED:
            time.sleep(retry_after_s(response, default_s=BUILDING_PAUSE_S))
            return False
        total_bytes = _total_bytes(response)
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _complete_or_discarded(partial, total_bytes)
        if response.status_code != HTTPStatus.PARTIAL_CONTENT:
            partial.restart(response.headers.get("etag", ""))
        with partial.path.open("ab") as file:
            for block in response.iter_raw():
                file.write(block)
                if progress is not None:
                    progress(file.tell(), total_bytes)
    return partial.bytes == total_bytes


def _complete_or_discarded(partial: PartialFile, total_bytes: int) -> bool:
    """True if the partial file is complete, so that no range is left; discards it if it is longer than the archive."""
    if partial.bytes == total_bytes:
        return True
    partial.discard()
    return False


def _total_bytes(response: httpx.Response) -> int:
    """Length of the whole archive, whichever range of it this response carries."""
    stated = re.search(r"/(\d+)$", response.headers.get("content-range", ""))
    length = stated[1] if stated else response.headers.get("content-length", "")
    if not length.isdigit():
        raise UnexpectedResponse(
            f"{response.url} does not state the archive's length, so the download cannot be checked. Check whether a"
            " proxy between this machine and the server removes the Content-Length header."
        )
    return int(length)
