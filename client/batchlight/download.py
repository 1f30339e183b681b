"""Fetching an archive into a file, going on where an earlier attempt was cut off."""

import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx

from batchlight.answers import retry_after_s
from batchlight.errors import ConnectionLost, UnexpectedAnswer
from batchlight.sending import Progress
from batchlight.transport import Transport

PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Part:
    """What has arrived so far, in `FILE.part`, and in `FILE.part.etag` the version it is part of."""

    to: Path

    @property
    def path(self) -> Path:
        return self.to.with_name(f"{self.to.name}.part")

    @property
    def etag_path(self) -> Path:
        return self.to.with_name(f"{self.to.name}.part.etag")

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def range_headers(self) -> dict[str, str]:
        """Ask for the rest, and for the whole if the archive is no longer the one we have a part of."""
        whole = {"Accept-Encoding": "identity"}
        if not self.bytes or not self.etag_path.exists():
            return whole
        return {**whole, "Range": f"bytes={self.bytes}-", "If-Range": self.etag_path.read_text("latin-1")}

    def restart(self, etag: str) -> None:
        """Empty the part. Only a strong ETag promises the same bytes, so only that is kept to resume by."""
        self.discard()
        if etag and not etag.startswith("W/"):
            self.etag_path.write_text(etag, "latin-1")

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.etag_path.unlink(missing_ok=True)

    def finish(self) -> None:
        self.path.replace(self.to)
        self.etag_path.unlink(missing_ok=True)


def download(transport: Transport, path: str, to: Path, *, progress: Progress | None = None) -> Path:
    """Write what `path` serves to the file `to`, which appears only when it is complete.

    Waits while the server builds it (202). A connection cut off is taken up again as long as bytes keep
    coming; what has arrived stays in `FILE.part`, also over restarts of this program.
    """
    part = Part(to)
    while True:
        had_bytes = part.bytes
        try:
            if _receive(transport, path, part, progress):
                part.finish()
                return to
        except httpx.TransportError as error:
            if part.bytes <= had_bytes:
                raise ConnectionLost(
                    f"The download stopped at {part.bytes:,} bytes. Download again: it goes on from there."
                ) from error


def _receive(transport: Transport, path: str, part: Part, progress: Progress | None) -> bool:
    """One request; True when the part is whole."""
    with transport.stream(path, headers=part.range_headers(), patience_s=PATIENCE_S) as answer:
        if answer.status_code == HTTPStatus.ACCEPTED:
            time.sleep(retry_after_s(answer, default=1.0))
            return False
        total_bytes = _total_bytes(answer)
        if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _whole_or_discarded(part, total_bytes)
        if answer.status_code != HTTPStatus.PARTIAL_CONTENT:
            part.restart(answer.headers.get("etag", ""))
        with part.path.open("ab") as file:
            for block in answer.iter_raw():
                file.write(block)
                if progress is not None:
                    progress(file.tell(), total_bytes)
    return part.bytes == total_bytes


def _whole_or_discarded(part: Part, total_bytes: int) -> bool:
    """A part that is already whole leaves no range to ask for; one that is longer belongs to nothing."""
    if part.bytes == total_bytes:
        return True
    part.discard()
    return False


def _total_bytes(answer: httpx.Response) -> int:
    """Length of the whole archive, whichever part of it this answer carries."""
    stated = re.search(r"/(\d+)$", answer.headers.get("content-range", ""))
    length = stated[1] if stated else answer.headers.get("content-length", "")
    if not length.isdigit():
        raise UnexpectedAnswer("The server does not say how long the archive is, so it cannot be checked.")
    return int(length)
