"""Retrying a job: queue its failed images again as a new run; succeeded items stay as they are."""

from itertools import groupby

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from core.db.tables import Item, Job, Shard
from core.errors import Conflict
from core.jobs.counters import FRESH
from core.jobs.fair_queue import VirtualTimes
from core.jobs.lookup import lock_job
from core.jobs.sharding import StoredImages, new_shards
from core.states import ItemState, JobState


def retry_failed(session: Session, job: Job, *, shard_images: int) -> Job:
    """Queue the failed images again as run + 1 and return the job; notify the workers after the commit.

    Raises Conflict while the job runs or if no image failed, Gone if its results were deleted.
    """
    job = lock_job(session, job)
    if not job.state.ended:
        raise Conflict(
            f"The job is {job.state}; only a job that has ended can be retried. Wait for its end, or cancel it first.",
            code="job_not_finished",
        )
    if not job.failed:
        raise Conflict("No image of this job failed; there is nothing to retry.", code="nothing_to_retry")
    times = VirtualTimes(session, [(job.queue, job.owner)])
    shards = new_shards(
        job, _failed_images(session, job), run=job.run + 1, after=times.last(job.queue, job.owner), ready_at=times.now,
        shard_images=shard_images,
    )  # fmt: skip
    failed = delete(Item).where(Item.job_id == job.id, Item.state == ItemState.FAILED)
    session.execute(failed.execution_options(synchronize_session=False))
    session.execute(insert(Shard), shards)
    return session.scalars(
        update(Job)
        .where(Job.id == job.id)
        .values(
            state=JobState.QUEUED, run=Job.run + 1, shards=len(shards), queued=Job.failed, failed=0,
            cancel_requested_at=None, ended_at=None, revision=Job.revision + 1,
        )
        .returning(Job)
        .execution_options(**FRESH)
    ).one()  # fmt: skip


def _failed_images(session: Session, job: Job) -> list[StoredImages]:
    """The job's failed images by stored object, in the order of their indexes."""
    of_object = Shard.object_key, Shard.object_digest, Shard.first_index
    failed = select(Item.index, *of_object).join(Item.shard)
    failed = failed.where(Item.job_id == job.id, Item.state == ItemState.FAILED).order_by(Item.index)
    return [
        StoredImages(key, digest, first_index, [index - first_index for index, *_ in rows])
        for (key, digest, first_index), rows in groupby(
            session.execute(failed), key=lambda row: (row[1], row[2], row[3])
        )
    ]
