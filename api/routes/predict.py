"""`POST /predict`: one image in, class and confidence out."""

import asyncio
import time
from contextlib import suppress
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.context import Context, Ctx, Writer
from api.schemas import JobOut, PredictionOut, job_path
from api.submission import Chosen, accept
from api.uploads.receive import receive_image
from core.db.tables import Item, Job
from core.errors import Broken, NotAnImage
from core.jobs import items, lookup
from core.states import ItemState, JobKind

LOOK_EVERY_S = 0.5
"""How late an answer is whose message was lost."""

OURS = frozenset({"crashed_worker", "object_missing", "object_corrupt"})

OPENAPI_IMAGE: dict[str, object] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
            },
            "image/*": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}

router = APIRouter(tags=["predict"])


@router.post("/predict", response_model=PredictionOut, openapi_extra=OPENAPI_IMAGE, responses={202: {"model": JobOut}})
async def predict(request: Request, context: Ctx, key: Writer, options: Chosen) -> object:
    """Classifies one image and says where it looked; 202 with the job's address if that takes too long."""
    job_id = uuid4().hex
    with context.endings.awaited(job_id) as ended:
        job = await accept(
            request, context, key, kind=JobKind.PREDICT, options=options, receive=receive_image, job_id=job_id
        )
        job, item = await _outcome(context, job, ended)
    if item is None:
        headers = {"Location": job_path(job.id), "Retry-After": "5"}
        return JSONResponse(JobOut.of(job).model_dump(mode="json"), 202, headers)
    if item.state == ItemState.FAILED:
        refusal = Broken if item.error_code in OURS else NotAnImage
        raise refusal(item.error_message or "The image failed.", code=item.error_code)
    return PredictionOut.of(item, job)


async def _outcome(context: Context, job: Job, ended: asyncio.Event) -> tuple[Job, Item | None]:
    """The job and its item as soon as it has ended, or the job as it is after the longest wait."""
    deadline = time.monotonic() + context.settings.predict_wait_s
    item = None
    while item is None and (left_s := deadline - time.monotonic()) > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), min(LOOK_EVERY_S, left_s))
            ended.clear()
        job, item = await run_in_threadpool(_read, context, job)
    return job, item


def _read(context: Context, job: Job) -> tuple[Job, Item | None]:
    """An item says enough: it was committed together with the end of its job."""
    with context.database.read.begin() as session:
        item = items.find_item(session, job, 0)
        if item is None:
            job = lookup.find_job(session, job.id, owner=job.owner)
            item = items.get_item(session, job, 0) if job.state.ended else None
        return job, item
