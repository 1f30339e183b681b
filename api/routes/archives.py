"""Archives: built when first requested, then immutable, downloadable in ranges."""

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse, JSONResponse

from api.authentication import Reader
from api.context import Context, Ctx
from api.reference.bodies import content
from api.reference.headers import (
    ACCEPT_RANGES,
    CONTENT_DISPOSITION,
    CONTENT_RANGE,
    ETAG,
    LOCATION,
    RANGE_PARAMETERS,
    RETRY_AFTER,
    IfNoneMatch,
)
from api.reference.responses import FINDS_RESULTS, STORES, Responses, errors
from api.routes.parameters import JobId
from api.schemas.archives import ArchiveOut
from api.schemas.jobs import job_path
from core.db.tables import Archive
from core.errors import Broken
from core.jobs import archives, lookup
from core.states import ArchiveState

POLL_AFTER_S = "1"

ZIP = content("application/zip", description="The archive.")
ANSWERS: Responses = {
    200: {"content": ZIP, "headers": ETAG | ACCEPT_RANGES | CONTENT_DISPOSITION},
    202: {"model": ArchiveOut, "description": "A worker builds the archive.", "headers": LOCATION | RETRY_AFTER},
    206: {"description": "The bytes in `Range`.", "content": ZIP, "headers": ETAG | CONTENT_RANGE},
    304: {"description": "The client has this archive already: its `ETag` is in `If-None-Match`.", "headers": ETAG},
    416: {"description": "`Range` is outside of the archive.", "headers": CONTENT_RANGE},
}

router = APIRouter(prefix="/v1/jobs/{job_id}/archive", tags=["archives"])


@router.head("", include_in_schema=False)
@router.get(
    "",
    response_class=FileResponse,
    summary="Download a job's archive",
    response_description="The ZIP.",
    responses=ANSWERS | errors(FINDS_RESULTS, STORES, {409: ["job_not_finished"], 500: ["archive_failed"]}),
    openapi_extra={"parameters": RANGE_PARAMETERS},
)
def get_archive(context: Ctx, key: Reader, job_id: JobId, if_none_match: IfNoneMatch = None) -> Response:
    """Return the ZIP of an ended job's images, overlays and results. A worker builds it at the first request.

    An interrupted download can go on with `Range` and `If-Range`: the archive never changes.
    """
    archive = _request_archive(context, owner=key.owner, job_id=job_id)
    if archive.state == ArchiveState.FAILED:
        raise Broken(
            "The archive could not be built; the workers' log says why. Request it again later to try once more.",
            code="archive_failed",
        )
    if archive.state != ArchiveState.READY:
        body = ArchiveOut(state=archive.state, requested_at=archive.requested_at)
        headers = {"Retry-After": POLL_AFTER_S, "Location": f"{job_path(job_id)}/archive"}
        return JSONResponse(body.model_dump(mode="json"), 202, headers)
    etag = f'"{archive.sha256}"'
    if etag in (if_none_match or ""):
        return Response(status_code=304, headers={"ETag": etag})
    return _download(context, archive, etag=etag)


def _request_archive(context: Context, *, owner: str, job_id: str) -> Archive:
    """Return the archive's row; ask a worker to build it if it was never requested, is lost, or failed a while ago."""
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
    """Return whether a ready archive's object is missing or incomplete."""
    return archive.object_key is not None and context.storage.size_bytes(archive.object_key) != archive.size_bytes


def _download(context: Context, archive: Archive, *, etag: str) -> FileResponse:
    assert archive.object_key is not None
    return FileResponse(
        context.storage.path(archive.object_key),
        media_type="application/zip",
        filename=f"batchlight-{archive.job_id}.zip",
        headers={"ETag": etag, "X-Content-Type-Options": "nosniff"},
    )
