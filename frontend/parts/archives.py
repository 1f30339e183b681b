"""Archive downloads: each archive is fetched from the API to a file and served under a random ticket.

A ticket is valid as long as the tab's session holds the archive. The API key is never part of an address.
"""

import secrets
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from batchlight import Client, Progress

PATH = "archives"
GONE = "This archive is no longer available. Open the job in the web UI and choose “Prepare the archive” again."


class Archive:
    """One job's archive in a temporary folder, which is deleted with the last reference to this object."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.ticket = secrets.token_urlsafe(24)
        self._folder = Path(tempfile.mkdtemp(prefix="batchlight-archive-"))
        self._finalizer = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    @property
    def file(self) -> Path:
        return self._folder / f"batchlight-{self.job_id}.zip"

    @property
    def address(self) -> str:
        """Relative to the address of the web UI, which may be served under a prefix."""
        return f"{PATH}/{self.ticket}"

    def delete(self) -> None:
        self._finalizer()


_archives_by_ticket: weakref.WeakValueDictionary[str, Archive] = weakref.WeakValueDictionary()


@asynccontextmanager
async def delete_archives_at_shutdown(_app: object) -> AsyncIterator[None]:
    """Delete the remaining archives when the server stops, since a signal ends Python without finalizers."""
    yield
    for archive in list(_archives_by_ticket.values()):
        archive.delete()


def fetch_archive(client: Client, job_id: str, *, progress: Progress) -> Archive:
    """Wait until the server has built the archive, and download it to a file; raises BatchlightError."""
    archive = Archive(job_id)
    client.download(job_id, archive.file, progress=progress)
    _archives_by_ticket[archive.ticket] = archive
    return archive


def serve_archive(request: Request) -> Response:
    """Answer with the ticket's file; 410 if the ticket is unknown or its session has ended."""
    archive = _archives_by_ticket.get(request.path_params["ticket"])
    if archive is None or not archive.file.exists():
        return PlainTextResponse(GONE, status_code=410)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return FileResponse(archive.file, media_type="application/zip", filename=archive.file.name, headers=headers)
