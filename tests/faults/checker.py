"""What must hold for a job after any fault, recomputed from shards, items and files."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.engines import Database
from core.db.tables import Archive, Item, Job, Shard
from core.objects.storage import Storage
from core.states import ItemState, JobState, ShardState

TOLERANCE = 1e-4
"""Of probabilities and CAM values: a shard that was split runs in other batches, whose sums round differently."""

COUNTERS = ("queued", "running", "succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image."""

    label: str
    confidence: float
    cam: tuple[float, ...]

    @staticmethod
    def of(item: Item) -> "Prediction":
        """Return the prediction that an item stores."""
        assert item.label is not None
        assert item.confidence is not None
        assert item.cam is not None
        return Prediction(item.label, item.confidence, tuple(np.frombuffer(item.cam, "<f4").tolist()))

    def agrees(self, other: "Prediction") -> bool:
        """Return whether both have the same label, and numbers within TOLERANCE."""
        numbers = (self.confidence, *self.cam), (other.confidence, *other.cam)
        return self.label == other.label and np.allclose(*numbers, atol=TOLERANCE)


def recount(session: Session, job_id: str) -> dict[str, int]:
    """Return the job's counters, recomputed from its shards and items."""
    of_shards = select(Shard.state, func.sum(Shard.count)).where(Shard.job_id == job_id).group_by(Shard.state)
    of_items = select(Item.state, func.count()).where(Item.job_id == job_id).group_by(Item.state)
    images = {state: int(count) for state, count in session.execute(of_shards)}
    items = {state: int(count) for state, count in session.execute(of_items)}
    ended = {state: items.get(state, 0) for state in ItemState}
    total = session.scalars(select(Job.total).where(Job.id == job_id)).one()
    waiting = {state: images.get(state, 0) for state in (ShardState.QUEUED, ShardState.RUNNING)}
    return {
        "queued": waiting[ShardState.QUEUED],
        "running": waiting[ShardState.RUNNING],
        "succeeded": ended[ItemState.SUCCEEDED],
        "failed": ended[ItemState.FAILED],
        "cancelled": total - sum(waiting.values()) - sum(ended.values()),
    }


def counters(job: Job) -> dict[str, int]:
    """Return the job's counters as its row has them."""
    return {name: getattr(job, name) for name in COUNTERS}


def check(
    database: Database,
    storage: Storage,
    job_id: str,
    *,
    expected: Mapping[str, Prediction],
    total: int,
    expected_failures: int = 0,
) -> None:
    """Assert that this ended job lost nothing and doubled nothing.

    `expected` holds the fault-free predictions by SHA-256; exactly `expected_failures` images must have failed.
    """
    with database.read.begin() as session:
        job = session.scalars(select(Job).where(Job.id == job_id)).one()
        items = list(session.scalars(select(Item).where(Item.job_id == job_id).order_by(Item.index)))
        assert counters(job) == recount(session, job_id), "the counters differ from the recount of shards and items"
        shards = list(session.scalars(select(Shard).where(Shard.job_id == job_id)))
        archives = list(session.scalars(select(Archive).where(Archive.job_id == job_id)))
    assert (job.total, job.queued, job.running) == (total, 0, 0)
    assert job.succeeded + job.failed + job.cancelled == total
    assert job.failed == expected_failures, [item.error_code for item in items if item.error_code]
    assert job.ended_at is not None
    assert job.state == _expected_state(job)
    _check_items(job, items, shards)
    _check_predictions(items, expected)
    _check_files(storage, job_id, shards, archives)


def _expected_state(job: Job) -> JobState:
    if job.cancelled:
        return JobState.CANCELLED
    if not job.failed:
        return JobState.SUCCEEDED
    return JobState.PARTIALLY_SUCCEEDED if job.succeeded else JobState.FAILED


def _check_items(job: Job, items: list[Item], shards: list[Shard]) -> None:
    indexes = [item.index for item in items]
    assert len(set(indexes)) == len(indexes) == job.total - job.cancelled, "not one item per image"
    assert all(0 <= index < job.total for index in indexes)
    indexes_of = {shard.id: {shard.first_index + position for position in shard.positions} for shard in shards}
    assert all(item.index in indexes_of[item.shard_id] for item in items), "an item is outside its shard"
    assert {shard.state for shard in shards} <= {ShardState.DONE, ShardState.CANCELLED}


def _check_predictions(items: list[Item], expected: Mapping[str, Prediction]) -> None:
    wrong = [
        item.name
        for item in items
        if item.state == ItemState.SUCCEEDED and not expected[item.sha256].agrees(Prediction.of(item))
    ]
    assert not wrong, "predictions differ from the fault-free run's"


def _check_files(storage: Storage, job_id: str, shards: list[Shard], archives: list[Archive]) -> None:
    """Assert that files and rows correspond; overlays have no rows and may come and go."""
    root = storage.path("")
    folder = storage.path(f"jobs/{job_id}")
    files = {str(file.relative_to(root)) for file in folder.rglob("*") if file.is_file()}
    rows = {shard.object_key for shard in shards} | {kept.object_key for kept in archives if kept.object_key}
    assert {key for key in files if "/overlays/" not in key} == rows
