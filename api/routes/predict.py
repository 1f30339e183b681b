"""`POST /predict`: one image in, class and confidence out."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.context import Context, Ctx, Writer
from api.schemas import JobOut, PredictionOut, job_path
from api.submission import Options, accept
from api.uploads import receive_image
from core import items, jobs
from core.errors import Broken, NotAnImage
from core.states import ItemState, JobKind
from core.tables import Item, Job

FIRST_POLL_S = 0.005
LAST_POLL_S = 0.1
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
async def predict(request: Request, context: Ctx, key: Writer, options: Annotated[Options, Depends()]) -> object:
    """Classifies one image and says where it looked; 202 with the job's address if that takes too long."""
    job = await accept(request, context, key, kind=JobKind.PREDICT, options=options, receive=receive_image)
    job = await _ended(context, job)
    if not job.state.ended:
        headers = {"Location": job_path(job.id), "Retry-After": "5"}
        return JSONResponse(JobOut.of(job).model_dump(mode="json"), 202, headers)
    item = await run_in_threadpool(_item, context, job)
    if item.state == ItemState.FAILED:
        refusal = Broken if item.error_code in OURS else NotAnImage
        raise refusal(item.error_message or "The image failed.", code=item.error_code)
    return PredictionOut.of(item, job)


async def _ended(context: Context, job: Job) -> Job:
    """The job when it has ended, or as it is after the longest wait."""
    deadline = time.monotonic() + context.settings.predict_wait_s
    pause_s = FIRST_POLL_S
    while not job.state.ended and time.monotonic() < deadline:
        await asyncio.sleep(pause_s)
        job = await run_in_threadpool(_read, context, job)
        pause_s = min(pause_s * 1.5, LAST_POLL_S)
    return job


def _read(context: Context, job: Job) -> Job:
    with context.database.read.begin() as session:
        return jobs.owned(session, job.id, owner=job.owner)


def _item(context: Context, job: Job) -> Item:
    with context.database.read.begin() as session:
        return items.one(session, job, 0)
