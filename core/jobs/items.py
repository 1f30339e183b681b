"""Items: the results of inference as workers commit them, and reading them one by one or by keyset cursor."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager

from core.db.bulk_insert import insert_rows
from core.db.tables import Item, Job, Score, Shard
from core.errors import NotFound
from core.states import ItemErrorCode, ItemState, ShardState

COLUMNS = (
    "job_id", "shard_id", "state", "index", "name", "sha256", "size_bytes", "width", "height", "label", "confidence",
    "top_k", "cam", "cam_height", "cam_width", "faithfulness", "error_code", "error_message",
)  # fmt: skip
"""The columns of an item, in the order of `_row`."""


@dataclass(frozen=True)
class InferenceResult:
    """The result of inference for one image: a prediction with its CAM, or an `error_code` and its message.

    `index` is the image's index in its job, `width` and `height` its size in pixels, `confidence` a probability,
    `cam` float32 little-endian [`cam_height`, `cam_width`].
    """

    index: int
    name: str
    sha256: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    label: str | None = None
    confidence: float | None = None
    top_k: list[Score] | None = None
    cam: bytes | None = None
    cam_height: int | None = None
    cam_width: int | None = None
    faithfulness: float | None = None
    error_code: ItemErrorCode | None = None
    error_message: str | None = None

    @property
    def state(self) -> ItemState:
        return ItemState.SUCCEEDED if self.error_code is None else ItemState.FAILED


@dataclass(frozen=True)
class ShardResult:
    """A leased shard and the results of its images; an image of a cancelled job may have none, and gets no item."""

    shard: Shard
    results: Sequence[InferenceResult]

    @property
    def moves(self) -> dict[str, int]:
        """What committing these results adds to each counter of the job."""
        failed = sum(result.error_code is not None for result in self.results)
        inferred, count = len(self.results), self.shard.count
        return {"running": -count, "succeeded": inferred - failed, "failed": failed, "cancelled": count - inferred}

    @property
    def end_state(self) -> ShardState:
        return ShardState.DONE if len(self.results) == self.shard.count else ShardState.CANCELLED


def insert_items(session: Session, shard_results: Sequence[ShardResult]) -> None:
    """Insert the items of these shards."""
    rows = [_row(one.shard, result) for one in shard_results for result in one.results]
    insert_rows(session, Item, COLUMNS, rows)


def get_item(session: Session, job: Job, index: int) -> Item:
    """Return the item of this image with its shard.

    Raises NotFound, whose code says whether a result may still arrive.
    """
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


def _row(shard: Shard, result: InferenceResult) -> tuple[object, ...]:
    return (
        shard.job_id, shard.id, result.state, result.index, result.name, result.sha256, result.size_bytes, result.width,
        result.height, result.label, result.confidence, result.top_k, result.cam, result.cam_height, result.cam_width,
        result.faithfulness, result.error_code, result.error_message,
    )  # fmt: skip


def _with_shard(job_id: str) -> Select[Item]:
    """The job's items and their shards, without the positions: parsing those in every row doubled the time."""
    shard = contains_eager(Item.shard).defer(Shard.positions, raiseload=True)
    return select(Item).join(Item.shard).options(shard).where(Item.job_id == job_id)
