"""Reading items: one, or a page by keyset cursor; with their shards, but for those' positions."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager

from core.db.tables import Item, Job, Shard
from core.errors import NotFound
from core.states import ItemState


def one(session: Session, job: Job, index: int) -> Item:
    """The item of this image, its shard loaded; raises NotFound, whose code says whether one can still come."""
    item = found(session, job, index)
    if item is not None:
        return item
    if not 0 <= index < job.total:
        detail = f"This job has the images 0 to {job.total - 1}; there is no image {index}."
        raise NotFound(detail, code="item_not_found")
    if job.state.ended:
        raise NotFound(
            f"Image {index} was cancelled before it was classified; it has no result.", code="item_cancelled"
        )
    raise NotFound(f"Image {index} has no result yet. Ask again later.", code="item_pending")


def found(session: Session, job: Job, index: int) -> Item | None:
    """The item of this image, its shard loaded, if there is one by now."""
    return session.scalar(_with_shard(job.id).where(Item.index == index))


def page(session: Session, job: Job, *, state: ItemState | None, after: int, limit: int) -> list[Item]:
    """Up to `limit` items with an index above `after`, ascending, their shards loaded."""
    items = _with_shard(job.id).where(Item.index > after)
    if state is not None:
        items = items.where(Item.state == state)
    return list(session.scalars(items.order_by(Item.index).limit(limit)))


def drawable(session: Session, job_id: str, index: int) -> Item | None:
    """The item if it has a CAM to draw, its shard loaded."""
    return session.scalar(_with_shard(job_id).where(Item.index == index, Item.cam.is_not(None)))


def _with_shard(job_id: str) -> Select[Item]:
    """Each row repeats its shard; parsing the positions 256 times over took as long as all else."""
    shard = contains_eager(Item.shard).defer(Shard.positions, raiseload=True)
    return select(Item).join(Item.shard).options(shard).where(Item.job_id == job_id)
