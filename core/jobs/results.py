"""Results of inference as workers commit them: of one image, and of the images of one shard."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.db.bulk_insert import insert_rows
from core.db.tables import Item, Score, Shard
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


def _row(shard: Shard, result: InferenceResult) -> tuple[object, ...]:
    return (
        shard.job_id, shard.id, result.state, result.index, result.name, result.sha256, result.size_bytes, result.width,
        result.height, result.label, result.confidence, result.top_k, result.cam, result.cam_height, result.cam_width,
        result.faithfulness, result.error_code, result.error_message,
    )  # fmt: skip
