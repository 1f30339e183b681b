"""Jobs: submit, follow, list."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.context import Ctx, Reader, ReadSession, Writer
from api.cursors import after_job, bounded, read_job
from api.schemas import JobOut, Page, job_path
from api.submission import Chosen, accept
from api.uploads.receive import OPENAPI_UPLOAD, receive_job
from core.db.tables import Job
from core.failpoints import Point, failpoint
from core.jobs import cancellation, lookup, retry
from core.states import JobKind, Queue

POLL_AFTER_S = "1"

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post("", status_code=202, openapi_extra=OPENAPI_UPLOAD)
async def submit_job(request: Request, response: Response, context: Ctx, key: Writer, options: Chosen) -> JobOut:
    """Accepts images (many files, ZIPs among them, or one raw ZIP) as one job; answers before they are inferred."""
    job = await accept(request, context, key, kind=JobKind.BATCH, options=options, receive=receive_job)
    response.headers["Location"] = job_path(job.id)
    response.headers["Retry-After"] = POLL_AFTER_S
    return JobOut.of(job)


@router.get("")
def list_jobs(
    session: ReadSession, key: Reader, limit: int = 50, after: Annotated[str | None, Query()] = None
) -> Page[JobOut]:
    """Your jobs, newest first."""
    limit = bounded(limit)
    found = lookup.list_jobs(session, owner=key.owner, before=read_job(after), limit=limit)
    last = found[-1] if len(found) == limit else None
    return Page(data=[JobOut.of(job) for job in found], next=last and after_job(last.created_at, last.id))


@router.get("/{job_id}", response_model=JobOut, responses={304: {"description": "Unchanged"}})
def get_job(request: Request, response: Response, session: ReadSession, key: Reader, job_id: str) -> object:
    """A job and its counters; send the ETag back in `If-None-Match` to poll for next to nothing."""
    job = lookup.find_job(session, job_id, owner=key.owner)
    headers = {"ETag": _etag(job), "Cache-Control": "no-cache"}
    if not job.state.ended and job.queue == Queue.BULK:
        headers["Retry-After"] = POLL_AFTER_S
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return JobOut.of(job)


@router.post("/{job_id}/cancel")
def cancel_job(context: Ctx, key: Writer, job_id: str) -> JobOut:
    """Cancels what is left: queued images at once, running ones at their next batch; what is done stays."""
    with context.database.write.begin() as session:
        job = cancellation.cancel(session, lookup.find_unpurged_job(session, job_id, owner=key.owner))
    failpoint(Point.CANCEL_COMMITTED)
    return JobOut.of(job)


@router.post("/{job_id}/retry", status_code=202)
def retry_job(response: Response, context: Ctx, key: Writer, job_id: str) -> JobOut:
    """Infers the failed images once more, as a new round; what succeeded stays as it is."""
    with context.database.write.begin() as session:
        failed = lookup.find_unpurged_job(session, job_id, owner=key.owner)
        job = retry.retry_failed(session, failed, shard_images=context.settings.shard_images)
    failpoint(Point.RETRY_COMMITTED)
    context.notifier.notify_job(job)
    response.headers["Location"] = job_path(job.id)
    return JobOut.of(job)


@router.delete("/{job_id}", status_code=204)
def delete_job(context: Ctx, key: Writer, job_id: str) -> None:
    """Deletes a job's images and results for good, ending it first if it runs; its row stays, as a tombstone."""
    with context.database.write.begin() as session:
        cancellation.delete(session, lookup.find_unpurged_job(session, job_id, owner=key.owner))
    failpoint(Point.DELETE_COMMITTED)
    context.storage.delete_job(job_id)


def _etag(job: Job) -> str:
    return f'"{job.id}-{job.revision}"'
