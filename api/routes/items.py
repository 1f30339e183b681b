"""Items: a page, one, its image, its overlay, its CAM."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from api.context import Context, Ctx, Reader, ReadSession
from api.cursors import after_index, bounded, read_index
from api.schemas import Cam, ItemOut, Page
from core.errors import NotFound, Unavailable
from core.jobs import items, lookup
from core.names import entry_name
from core.objects.shard_format import ShardReader
from core.objects.storage import overlay_key
from core.states import ItemState

OVERLAY_WAIT_S = 10
OVERLAY_POLL_S = 0.02
IMMUTABLE = {"Cache-Control": "private, max-age=3600, immutable", "X-Content-Type-Options": "nosniff"}

Index = Annotated[int, Path(ge=0, lt=2**31, description="The image's index in its job, from 0")]

router = APIRouter(prefix="/v1/jobs/{job_id}/items", tags=["items"])


@router.get("")
def list_items(
    session: ReadSession,
    key: Reader,
    job_id: str,
    limit: int = 50,
    after: Annotated[str | None, Query()] = None,
    state: ItemState | None = None,
) -> Page[ItemOut]:
    """Items by ascending index, readable as soon as their shard is done, while the job goes on.

    Shards end in any order: to see every item of a running job once, page when it has ended.
    """
    limit = bounded(limit)
    job = lookup.find_unpurged_job(session, job_id, owner=key.owner)
    found = items.list_items(session, job, state=state, after=read_index(after), limit=limit)
    next_page = after_index(found[-1].index) if len(found) == limit else None
    return Page(data=[ItemOut.of(item, job) for item in found], next=next_page)


@router.get("/{index}")
def get_item(session: ReadSession, key: Reader, job_id: str, index: Index) -> ItemOut:
    """One image's prediction, or its error."""
    job = lookup.find_unpurged_job(session, job_id, owner=key.owner)
    return ItemOut.of(items.get_item(session, job, index), job)


@router.get("/{index}/cam")
def get_cam(session: ReadSession, key: Reader, job_id: str, index: Index) -> Cam:
    """The Grad-CAM grid of the predicted class."""
    item = items.get_item(session, lookup.find_unpurged_job(session, job_id, owner=key.owner), index)
    cam = Cam.of(item)
    if cam is None:
        raise NotFound(f"Image {index} failed ({item.error_code}); it has no CAM.", code="no_cam")
    return cam


@router.get("/{index}/image", response_class=Response)
def get_image(session: ReadSession, context: Ctx, key: Reader, job_id: str, index: Index) -> Response:
    """The image's bytes as they were sent, always as a download."""
    item = items.get_item(session, lookup.find_unpurged_job(session, job_id, owner=key.owner), index)
    if item.error_code == "image_too_large":
        raise NotFound(f"Image {index} was over the size limit and not kept.", code="image_not_kept")
    with context.storage.open(item.shard.object_key) as file:
        data = ShardReader(file, digest=item.shard.object_digest).read(index - item.shard.first_index)
    name = entry_name(index, item.name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **IMMUTABLE}
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.get("/{index}/overlay.png", response_class=FileResponse)
async def get_overlay(context: Ctx, key: Reader, job_id: str, index: Index) -> FileResponse:
    """The Grad-CAM drawn over the image, as a PNG; a worker draws it when it is first looked at."""
    await run_in_threadpool(_check_drawable, context, key.owner, job_id, index)
    object_key = overlay_key(job_id, index)
    for pause in range(int(OVERLAY_WAIT_S / OVERLAY_POLL_S)):
        if await run_in_threadpool(context.storage.exists, object_key):
            return FileResponse(context.storage.path(object_key), media_type="image/png", headers=IMMUTABLE)
        if pause == 0:
            await run_in_threadpool(context.notifier.notify_overlay, job_id, index)
        await asyncio.sleep(OVERLAY_POLL_S)
    raise Unavailable("The overlay is not drawn yet; no worker is free. Try again.", code="overlay_pending")


def _check_drawable(context: Context, owner: str, job_id: str, index: int) -> None:
    with context.database.read.begin() as session:
        item = items.get_item(session, lookup.find_unpurged_job(session, job_id, owner=owner), index)
    if item.state != ItemState.SUCCEEDED:
        raise NotFound(f"Image {index} failed ({item.error_code}); it has no overlay.", code="no_overlay")
