"""A further round of a job: its failed images once more, everything that succeeded untouched."""

from collections.abc import Sequence
from itertools import groupby
from uuid import uuid4

from sqlalchemy import Row, delete, select, update
from sqlalchemy.orm import Session

from core.db.clock import db_now
from core.db.tables import Item, Job, Shard
from core.errors import Conflict
from core.jobs.counters import FRESH
from core.jobs.fair_queue import last_turn
from core.jobs.sharding import portions
from core.jobs.submission import locked
from core.states import ItemState, JobState, ShardState

Failed = Row[int, str, str | None, int]


def retry(session: Session, job: Job, *, shard_images: int) -> Job:
    """Queues the failed images again, as round + 1; ring one bell a shard after the commit.

    Raises Conflict while the job runs or if nothing failed, Gone if its results were deleted.
    """
    job = locked(session, job)
    if not job.state.ended:
        raise Conflict(f"The job is {job.state}; it can be retried when it has ended.", code="job_not_finished")
    if not job.failed:
        raise Conflict("No image of this job failed; there is nothing to retry.", code="nothing_to_retry")
    shards = _shards(session, job, _failed(session, job), shard_images=shard_images)
    failures = delete(Item).where(Item.job_id == job.id, Item.state == ItemState.FAILED)
    session.execute(failures.execution_options(synchronize_session=False))
    session.add_all(shards)
    session.flush()
    return session.scalars(
        update(Job)
        .where(Job.id == job.id)
        .values(
            state=JobState.QUEUED, round=Job.round + 1, shards=len(shards), queued=Job.failed, failed=0,
            cancel_requested_at=None, ended_at=None, revision=Job.revision + 1,
        )
        .returning(Job)
        .execution_options(**FRESH)
    ).one()  # fmt: skip


def _failed(session: Session, job: Job) -> Sequence[Failed]:
    """(index, object, its digest, its first index) of every failed image, by index."""
    rows = select(Item.index, Shard.object_key, Shard.object_digest, Shard.first_index).join(Item.shard)
    return session.execute(rows.where(Item.job_id == job.id, Item.state == ItemState.FAILED).order_by(Item.index)).all()


def _shards(session: Session, job: Job, failed: Sequence[Failed], *, shard_images: int) -> list[Shard]:
    """New shards over the same objects, in the owner's next turns."""
    now, turn = session.scalars(select(db_now())).one(), last_turn(session, job.lane, owner=job.owner)
    shards: list[Shard] = []
    for (object_key, digest, first_index), rows in groupby(failed, key=lambda row: (row[1], row[2], row[3])):
        failures = [row[0] - first_index for row in rows]
        for positions in portions(failures, explain=job.explain, shard_images=shard_images):
            turn += len(positions) * job.explain.cost
            shards.append(
                Shard(
                    id=uuid4().hex, job_id=job.id, owner=job.owner, lane=job.lane, round=job.round + 1,
                    number=len(shards) + 1, object_key=object_key, object_digest=digest, positions=positions,
                    first_index=first_index, count=len(positions), state=ShardState.QUEUED, turn=turn, ready_at=now,
                    attempt=0, crashes=0, expiries=0,
                )
            )  # fmt: skip
    return shards
