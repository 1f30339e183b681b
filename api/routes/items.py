"""Items: a page of them, one, its image, its overlay, its CAM."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from api.authentication import Reader
from api.context import Context, Ctx, ReadSession
from api.cursors import after_index, bounded, read_index
from api.reference.bodies import content
from api.reference.headers import CACHE_CONTROL, CONTENT_DISPOSITION, ETAG
from api.reference.responses import FINDS_ITEM, FINDS_RESULTS, VALIDATED, Responses, errors
from api.routes.parameters import After, Index, JobId, Limit
from api.schemas.items import Cam, ItemList, ItemOut
from core.errors import NotFound, Unavailable
from core.jobs import items, lookup
from core.names import entry_name
from core.objects.shard_format import ShardReader
from core.objects.storage import overlay_key
from core.states import ItemErrorCode, ItemState

OVERLAY_TIMEOUT_S = 10
OVERLAY_POLL_INTERVAL_S = 0.02
IMMUTABLE = {"Cache-Control": "private, max-age=3600, immutable", "X-Content-Type-Options": "nosniff"}

IMAGE: Responses = {
    200: {
        "content": content("application/octet-stream", description="The image's bytes."),
        "headers": CONTENT_DISPOSITION | CACHE_CONTROL,
    }
}
OVERLAY: Responses = {
    200: {
        "content": content("image/png", description="The overlay, as large as the image."),
        "headers": ETAG | CACHE_CONTROL,
    }
}

State = Annotated[ItemState | None, Query(description="Only items in this state. Without it, all.")]

router = APIRouter(prefix="/v1/jobs/{job_id}/items", tags=["items"])


@router.get(
    "",
    summary="List items",
    response_description="A page of items, by index.",
    responses=errors(FINDS_RESULTS, VALIDATED, {422: ["bad_cursor"]}),
)
def list_items(
    session: ReadSession, key: Reader, job_id: JobId, limit: Limit = 50, after: After = None, state: State = None
) -> ItemList:
    """List items by ascending index. An item is there as soon as its shard is done, while the job goes on.

    Shards end in any order. To see every item exactly once, list them after the job has ended.
    """
    limit = bounded(limit)
    job = lookup.find_unpurged_job(session, job_id, owner=key.owner)
    found = items.list_items(session, job, state=state, after=read_index(after), limit=limit)
    next_cursor = after_index(found[-1].index) if len(found) == limit else None
    return ItemList(data=[ItemOut.of(item, job) for item in found], next=next_cursor)


@router.get(
    "/{index}",
    summary="Get an item",
    response_description="The item.",
    responses=errors(FINDS_RESULTS, FINDS_ITEM),
)
def get_item(session: ReadSession, key: Reader, job_id: JobId, index: Index) -> ItemOut:
    """Return one image's prediction, or its error."""
    job = lookup.find_unpurged_job(session, job_id, owner=key.owner)
    return ItemOut.of(items.get_item(session, job, index), job)


@router.get(
    "/{index}/cam",
    summary="Get an item's CAM",
    response_description="The Grad-CAM grid.",
    responses=errors(FINDS_RESULTS, FINDS_ITEM, {404: ["no_cam"]}),
)
def get_cam(session: ReadSession, key: Reader, job_id: JobId, index: Index) -> Cam:
    """Return the Grad-CAM grid of the predicted class."""
    item = items.get_item(session, lookup.find_unpurged_job(session, job_id, owner=key.owner), index)
    cam = Cam.of(item)
    if cam is None:
        raise NotFound(f"Image {index} failed ({item.error_code}); it has no CAM.", code="no_cam")
    return cam


@router.get(
    "/{index}/image",
    response_class=Response,
    summary="Download an image",
    response_description="The image as it was uploaded.",
    responses=IMAGE
    | errors(FINDS_RESULTS, FINDS_ITEM, {404: ["image_not_kept", "object_missing"], 500: ["object_corrupt"]}),
)
def get_image(session: ReadSession, context: Ctx, key: Reader, job_id: JobId, index: Index) -> Response:
    """Return the image's bytes as they were uploaded, always as a download."""
    item = items.get_item(session, lookup.find_unpurged_job(session, job_id, owner=key.owner), index)
    if item.error_code == ItemErrorCode.IMAGE_TOO_LARGE:
        raise NotFound(
            f"Image {index} has {item.size_bytes} bytes, more than the limit of one image; it was not stored.",
            code="image_not_kept",
        )
    with context.storage.open(item.shard.object_key) as file:
        data = ShardReader(file, digest=item.shard.object_digest).read(index - item.shard.first_index)
    name = entry_name(index, item.name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **IMMUTABLE}
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.get(
    "/{index}/overlay.png",
    response_class=FileResponse,
    summary="Get an overlay",
    response_description="The Grad-CAM drawn over the image.",
    responses=OVERLAY | errors(FINDS_RESULTS, FINDS_ITEM, {404: ["no_overlay"], 503: ["overlay_pending"]}),
)
async def get_overlay(context: Ctx, key: Reader, job_id: JobId, index: Index) -> FileResponse:
    """Return the Grad-CAM drawn over the image. A worker draws it at the first request, which waits for it."""
    await run_in_threadpool(_check_has_overlay, context, key.owner, job_id, index)
    object_key = overlay_key(job_id, index)
    for attempt in range(int(OVERLAY_TIMEOUT_S / OVERLAY_POLL_INTERVAL_S)):
        if await run_in_threadpool(context.storage.exists, object_key):
            return FileResponse(context.storage.path(object_key), media_type="image/png", headers=IMMUTABLE)
        if attempt == 0:
            await run_in_threadpool(context.notifier.notify_overlay, job_id, index)
        await asyncio.sleep(OVERLAY_POLL_INTERVAL_S)
    raise Unavailable(
        f"No worker drew the overlay within {OVERLAY_TIMEOUT_S} s. Request it again.", code="overlay_pending"
    )


def _check_has_overlay(context: Context, owner: str, job_id: str, index: int) -> None:
    with context.database.read.begin() as session:
        item = items.get_item(session, lookup.find_unpurged_job(session, job_id, owner=owner), index)
    if item.state != ItemState.SUCCEEDED:
        raise NotFound(f"Image {index} failed ({item.error_code}); it has no overlay.", code="no_overlay")
