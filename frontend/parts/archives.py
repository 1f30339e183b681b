"""Archives on their way to the browser: fetched from the API to a file, handed out under a ticket.

A ticket is a random name that lives as long as the tab's session holds the archive; the key is never in an address.
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
GONE = "This archive is no longer here. Go back to the page, open the job and prepare the archive again."


class Archive:
    """One job's archive in a folder of its own, which goes when nobody holds the archive any more."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.ticket = secrets.token_urlsafe(24)
        self._folder = Path(tempfile.mkdtemp(prefix="batchlight-archive-"))
        self._cleaner = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    @property
    def file(self) -> Path:
        return self._folder / f"batchlight-{self.job_id}.zip"

    def discard(self) -> None:
        self._cleaner()

    @property
    def address(self) -> str:
        """Relative to the page, wherever that is mounted."""
        return f"{PATH}/{self.ticket}"


_handed_out: weakref.WeakValueDictionary[str, Archive] = weakref.WeakValueDictionary()


@asynccontextmanager
async def archives_until_shutdown(_app: object) -> AsyncIterator[None]:
    """While the server lives; what it still holds at its end goes, since a signal ends Python without clean-up."""
    yield
    for archive in list(_handed_out.values()):
        archive.discard()


def fetch_archive(client: Client, job_id: str, *, progress: Progress) -> Archive:
    """Waits until the server has built the archive, and fetches it to a file; raises BatchlightError."""
    archive = Archive(job_id)
    client.download(job_id, archive.file, progress=progress)
    _handed_out[archive.ticket] = archive
    return archive


def serve_archive(request: Request) -> Response:
    """The file behind a ticket."""
    archive = _handed_out.get(request.path_params["ticket"])
    if archive is None or not archive.file.exists():
        return PlainTextResponse(GONE, status_code=410)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return FileResponse(archive.file, media_type="application/zip", filename=archive.file.name, headers=headers)
