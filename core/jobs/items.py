"""Reading items: one, or a list by keyset cursor, each with its shard."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager

from core.db.tables import Item, Job, Shard
from core.errors import NotFound
from core.states import ItemState


def get_item(session: Session, job: Job, index: int) -> Item:
    """Return the item of this image with its shard; raises NotFound, whose code says whether one can still come."""
    item = find_item(session, job, index)
    if item is not None:
        return item
    if not 0 <= index < job.total:
        detail = f"There is no image {index}: this job has {job.total} images, numbered from 0 to {job.total - 1}."
        raise NotFound(detail, code="item_not_found")
    if job.state.ended:
        detail = f"Image {index} was cancelled before it was classified; it has no result."
        raise NotFound(detail, code="item_cancelled")
    raise NotFound(f"Image {index} has no result yet. Ask again later.", code="item_pending")


def find_item(session: Session, job: Job, index: int) -> Item | None:
    """Return the item of this image with its shard, or None while it has none."""
    return session.scalar(_with_shard(job.id).where(Item.index == index))


def list_items(session: Session, job: Job, *, state: ItemState | None, after: int, limit: int) -> list[Item]:
    """Return up to `limit` items with an index above `after`, ascending, each with its shard."""
    items = _with_shard(job.id).where(Item.index > after)
    if state is not None:
        items = items.where(Item.state == state)
    return list(session.scalars(items.order_by(Item.index).limit(limit)))


def find_item_with_cam(session: Session, job_id: str, index: int) -> Item | None:
    """Return the item with its shard if it has a CAM, which an overlay shows."""
    return session.scalar(_with_shard(job_id).where(Item.index == index, Item.cam.is_not(None)))


def _with_shard(job_id: str) -> Select[Item]:
    """The job's items and their shards, without the positions: parsing those in every row doubled the time."""
    shard = contains_eager(Item.shard).defer(Shard.positions, raiseload=True)
    return select(Item).join(Item.shard).options(shard).where(Item.job_id == job_id)
