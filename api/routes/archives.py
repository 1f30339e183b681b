"""Archives: built when first asked for, then immutable, served by ranges."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from api.context import Context, Ctx, Reader
from api.schemas import ArchiveOut, job_path
from core.db.tables import Archive
from core.errors import Broken
from core.jobs import archives, lookup
from core.states import ArchiveState

BUILT_SOON_S = "1"

router = APIRouter(prefix="/v1/jobs/{job_id}/archive", tags=["archives"])


@router.head("", include_in_schema=False)
@router.get("", response_class=FileResponse, responses={202: {"model": ArchiveOut}})
def get_archive(request: Request, context: Ctx, key: Reader, job_id: str) -> Response:
    """The ZIP of an ended job's images, overlays and results; 202 while a worker builds it.

    Interrupted downloads go on with `Range` and `If-Range`: the archive never changes.
    """
    archive = _requested(context, owner=key.owner, job_id=job_id)
    if archive.state == ArchiveState.READY and f'"{archive.sha256}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"ETag": f'"{archive.sha256}"'})
    if archive.state == ArchiveState.READY:
        return _download(context, archive)
    if archive.state == ArchiveState.FAILED:
        raise Broken("The archive could not be built; the workers' log says why.", code="archive_failed")
    body = ArchiveOut(state=archive.state, requested_at=archive.requested_at)
    headers = {"Retry-After": BUILT_SOON_S, "Location": f"{job_path(job_id)}/archive"}
    return JSONResponse(body.model_dump(mode="json"), 202, headers)


def _requested(context: Context, *, owner: str, job_id: str) -> Archive:
    """The archive's row, asked for now if this is the first time, or some time after it failed."""
    with context.database.read.begin() as session:
        archive = archives.find_archive(session, lookup.find_unpurged_job(session, job_id, owner=owner))
    if archive is not None and archive.state != ArchiveState.FAILED and not _is_lost(context, archive):
        return archive
    with context.database.write.begin() as session:
        archive = archives.request(session, lookup.find_unpurged_job(session, job_id, owner=owner))
        if archive.state == ArchiveState.FAILED:
            archives.retry_failed(session, archive)
        if _is_lost(context, archive):
            archives.requeue_lost(session, archive)
        session.refresh(archive)
    context.notifier.notify_archive(archive.id)
    return archive


def _is_lost(context: Context, archive: Archive) -> bool:
    """Whether a ready archive's object is not there any more, whole."""
    return archive.object_key is not None and context.storage.size_bytes(archive.object_key) != archive.size_bytes


def _download(context: Context, archive: Archive) -> FileResponse:
    assert archive.object_key is not None
    headers = {"ETag": f'"{archive.sha256}"', "X-Content-Type-Options": "nosniff"}
    return FileResponse(
        context.storage.path(archive.object_key),
        media_type="application/zip",
        filename=f"batchlight-{archive.job_id}.zip",
        headers=headers,
    )
