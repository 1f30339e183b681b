"""Jobs: submit, follow, list, cancel, retry, delete."""

from uuid import uuid4

from fastapi import APIRouter, Request, Response

from api.authentication import Reader, Writer
from api.context import Ctx, ReadSession
from api.cursors import after_job, bounded, read_job
from api.job_options import Options
from api.reference.bodies import JOB_BODY
from api.reference.headers import CACHE_CONTROL, ETAG, LOCATION, RETRY_AFTER, IfNoneMatch
from api.reference.responses import FINDS_JOB, FINDS_RESULTS, RECEIVES_UPLOAD, STORES, VALIDATED, Responses, errors
from api.routes.parameters import After, JobId, Limit
from api.schemas.jobs import JobList, JobOut, job_path
from api.submission import new_submission
from api.uploads.receive import receive_job
from api.uploads.writer import UploadWriter
from core.db.tables import Job
from core.failpoints import Point, failpoint
from core.jobs import cancellation, lookup, retry
from core.states import JobKind, Queue

POLL_AFTER_S = "1"
ACCEPTED: Responses = {202: {"headers": LOCATION | RETRY_AFTER}}
REQUEUED: Responses = {202: {"headers": LOCATION}}
POLLED: Responses = {
    200: {"headers": ETAG | CACHE_CONTROL | RETRY_AFTER},
    304: {"description": "The job is unchanged since the `ETag` in `If-None-Match`.", "headers": ETAG | CACHE_CONTROL},
}

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post(
    "",
    status_code=202,
    summary="Submit a job",
    response_description="The job, accepted. Poll it at `Location`.",
    responses=ACCEPTED | errors(RECEIVES_UPLOAD, {422: ["unknown_media_type"]}),
    openapi_extra=JOB_BODY,
)
async def submit_job(request: Request, response: Response, context: Ctx, key: Writer, options: Options) -> JobOut:
    """Accept images (files, ZIPs among them, or one raw ZIP) as one job, and answer before they are classified.

    A broken image fails alone, as its item. A broken or unsafe ZIP refuses the whole request.
    """
    model = context.models.pin(options.model)
    with UploadWriter(context.storage, context.settings, job_id=uuid4().hex) as upload:
        await receive_job(request, upload, settings=context.settings)
    submission = new_submission(
        upload, options, kind=JobKind.BATCH, owner=key.owner, model=model, settings=context.settings
    )
    job = await context.group_commit.commit_and_notify(submission)
    response.headers["Location"] = job_path(job.id)
    response.headers["Retry-After"] = POLL_AFTER_S
    return JobOut.of(job)


@router.get(
    "",
    summary="List jobs",
    response_description="A page of jobs, the newest first.",
    responses=errors(VALIDATED, {422: ["bad_cursor"]}),
)
def list_jobs(session: ReadSession, key: Reader, limit: Limit = 50, after: After = None) -> JobList:
    """List the jobs of the key's owner, the newest first, without those of `/predict`."""
    limit = bounded(limit)
    found = lookup.list_jobs(session, owner=key.owner, before=read_job(after), limit=limit)
    last = found[-1] if len(found) == limit else None
    return JobList(data=[JobOut.of(job) for job in found], next=last and after_job(last.created_at, last.id))


@router.get(
    "/{job_id}",
    response_model=JobOut,
    summary="Get a job",
    response_description="The job as it is now.",
    responses=POLLED | errors(FINDS_JOB),
)
def get_job(
    response: Response, session: ReadSession, key: Reader, job_id: JobId, if_none_match: IfNoneMatch = None
) -> object:
    """Return a job and its counts. To poll cheaply, send the last response's `ETag` in `If-None-Match`."""
    job = lookup.find_job(session, job_id, owner=key.owner)
    headers = {"ETag": _etag(job), "Cache-Control": "no-cache"}
    if not job.state.ended and job.queue == Queue.BULK:
        headers["Retry-After"] = POLL_AFTER_S
    if headers["ETag"] in (if_none_match or ""):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return JobOut.of(job)


@router.post(
    "/{job_id}/cancel",
    summary="Cancel a job",
    response_description="The job after the cancellation.",
    responses=errors(FINDS_RESULTS, STORES, {409: ["job_ended"]}),
)
def cancel_job(context: Ctx, key: Writer, job_id: JobId) -> JobOut:
    """Cancel the rest of a job: queued images at once, running ones at their next batch. Results stay."""
    with context.database.write.begin() as session:
        job = cancellation.cancel(session, lookup.find_unpurged_job(session, job_id, owner=key.owner))
    failpoint(Point.CANCEL_COMMITTED)
    return JobOut.of(job)


@router.post(
    "/{job_id}/retry",
    status_code=202,
    summary="Retry a job's failed images",
    response_description="The job, queued again.",
    responses=REQUEUED | errors(FINDS_RESULTS, STORES, {409: ["job_not_finished", "nothing_to_retry"]}),
)
def retry_job(response: Response, context: Ctx, key: Writer, job_id: JobId) -> JobOut:
    """Classify the failed images of an ended job once more, as a new run. Images that succeeded stay as they are."""
    with context.database.write.begin() as session:
        failed = lookup.find_unpurged_job(session, job_id, owner=key.owner)
        job = retry.retry_failed(session, failed, shard_images=context.settings.shard_images)
    failpoint(Point.RETRY_COMMITTED)
    context.notifier.notify_job(job)
    response.headers["Location"] = job_path(job.id)
    return JobOut.of(job)


@router.delete(
    "/{job_id}",
    status_code=204,
    summary="Delete a job",
    response_description="The images and results are deleted.",
    responses=errors(FINDS_RESULTS, STORES),
)
def delete_job(context: Ctx, key: Writer, job_id: JobId) -> None:
    """Delete a job's images and results for good, and cancel it first if it runs. Its counts can still be read."""
    with context.database.write.begin() as session:
        cancellation.delete(session, lookup.find_unpurged_job(session, job_id, owner=key.owner))
    failpoint(Point.DELETE_COMMITTED)
    context.storage.delete_job(job_id)


def _etag(job: Job) -> str:
    return f'"{job.id}-{job.revision}"'
