"""`POST /predict`: one image in, its class and confidence out."""

import asyncio
import time
from contextlib import suppress
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.authentication import Writer
from api.context import Context, Ctx
from api.job_options import Options
from api.reference.bodies import IMAGE_BODY
from api.reference.codes import CODES, ITEM_ERRORS
from api.reference.headers import LOCATION, RETRY_AFTER
from api.reference.responses import RECEIVES_UPLOAD, Codes, Responses, errors
from api.schemas.items import PredictionOut
from api.schemas.jobs import JobOut, job_path
from api.submission import new_submission
from api.uploads.receive import receive_image
from api.uploads.writer import UploadWriter
from core.db.tables import Item, Job
from core.errors import BatchlightError, Broken, NotAnImage
from core.jobs import items, lookup
from core.states import ItemErrorCode, ItemState, JobKind

POLL_INTERVAL_S = 0.5
"""How late the answer is if its completion event was lost."""

RETRY_AFTER_S = "5"

LATE: Responses = {
    202: {
        "model": JobOut,
        "description": "The prediction takes longer than the server waits. Poll the job at `Location`.",
        "headers": LOCATION | RETRY_AFTER,
    }
}
IMAGE_FAILS: Codes = {
    415: list(CODES[415]),
    422: ["not_one_image"],
    500: [code for code in ITEM_ERRORS if code.is_server_fault],
}

router = APIRouter(tags=["predict"])


@router.post(
    "/predict",
    response_model=PredictionOut,
    summary="Classify one image",
    response_description="The prediction.",
    responses=LATE | errors(RECEIVES_UPLOAD, IMAGE_FAILS),
    openapi_extra=IMAGE_BODY,
)
async def predict(request: Request, context: Ctx, key: Writer, options: Options) -> object:
    """Classify one image, and return its class, its confidence and its Grad-CAM in the response."""
    model = context.models.pin(options.model)
    with UploadWriter(context.storage, context.settings, job_id=uuid4().hex) as upload:
        await receive_image(request, upload, settings=context.settings)
    submission = new_submission(
        upload, options, kind=JobKind.PREDICT, owner=key.owner, model=model, settings=context.settings
    )
    with context.completions.expect(upload.job_id) as completed:
        job = await context.group_commit.commit_and_notify(submission)
        job, item = await _wait_for_item(context, job, completed)
    if item is None:
        headers = {"Location": job_path(job.id), "Retry-After": RETRY_AFTER_S}
        return JSONResponse(JobOut.of(job).model_dump(mode="json"), 202, headers)
    if item.state == ItemState.FAILED:
        raise _failure(item)
    return PredictionOut.of(item, job)


async def _wait_for_item(context: Context, job: Job, completed: asyncio.Event) -> tuple[Job, Item | None]:
    """Return the job and its item as soon as it has ended, or the job alone after `predict_wait_s`."""
    deadline = time.monotonic() + context.settings.predict_wait_s
    item = None
    while item is None and (left_s := deadline - time.monotonic()) > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(completed.wait(), min(POLL_INTERVAL_S, left_s))
            completed.clear()
        job, item = await run_in_threadpool(_read_item, context, job)
    return job, item


def _read_item(context: Context, job: Job) -> tuple[Job, Item | None]:
    """Read the job's item; the job is read only if there is none, because an item is committed with its job's end."""
    with context.database.read.begin() as session:
        item = items.find_item(session, job, 0)
        if item is None:
            job = lookup.find_job(session, job.id, owner=job.owner)
            item = items.get_item(session, job, 0) if job.state.ended else None
        return job, item


def _failure(item: Item) -> BatchlightError:
    code = ItemErrorCode(item.error_code or "")
    detail = item.error_message or ITEM_ERRORS[code]
    return Broken(detail, code=code) if code.is_server_fault else NotAnImage(detail, code=code)
