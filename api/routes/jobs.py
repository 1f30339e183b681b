"""Jobs: submit, follow, list."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.context import Ctx, Reader, ReadSession, Writer
from api.cursors import after_job, bounded, read_job
from api.schemas import JobOut, Page, job_path
from api.submission import Options, accept
from api.uploads import OPENAPI_UPLOAD, receive_job
from core import jobs
from core.states import JobKind, Lane
from core.tables import Job

POLL_AFTER_S = "1"

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post("", status_code=202, openapi_extra=OPENAPI_UPLOAD)
async def submit_job(
    request: Request, response: Response, context: Ctx, key: Writer, options: Annotated[Options, Depends()]
) -> JobOut:
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
    found = jobs.page(session, owner=key.owner, before=read_job(after), limit=limit)
    last = found[-1] if len(found) == limit else None
    return Page(data=[JobOut.of(job) for job in found], next=last and after_job(last.created_at, last.id))


@router.get("/{job_id}", response_model=JobOut, responses={304: {"description": "Unchanged"}})
def get_job(request: Request, response: Response, session: ReadSession, key: Reader, job_id: str) -> object:
    """A job and its counters; send the ETag back in `If-None-Match` to poll for next to nothing."""
    job = jobs.owned(session, job_id, owner=key.owner)
    headers = {"ETag": _etag(job), "Cache-Control": "no-cache"}
    if not job.state.ended and job.lane == Lane.BULK:
        headers["Retry-After"] = POLL_AFTER_S
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return JobOut.of(job)


def _etag(job: Job) -> str:
    return f'"{job.id}-{job.revision}"'
