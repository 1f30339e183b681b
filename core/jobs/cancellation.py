"""Cancelling and deleting jobs: queued images are cancelled at once, running ones at their next batch."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.db.clock import db_now
from core.db.tables import Job, Shard
from core.errors import Conflict
from core.jobs.counters import end_if_done
from core.jobs.lookup import lock_job, lock_job_with_shards
from core.jobs.retention import purge
from core.states import JobState, ShardState


def cancel(session: Session, job: Job) -> Job:
    """Cancel what is left of a job and return it; cancelling it again changes nothing.

    Raises Conflict if the job ended in another way, Gone if its results were deleted.
    """
    job = lock_job(session, job)
    if job.state == JobState.CANCELLED or job.cancel_requested_at:
        return job
    if job.state.ended:
        raise Conflict(f"The job has ended ({job.state}); there is nothing to cancel.", code="job_ended")
    images = sum(_close_queued(session, job))
    session.execute(
        update(Job)
        .where(Job.id == job.id)
        .values(
            queued=Job.queued - images,
            cancelled=Job.cancelled + images,
            cancel_requested_at=db_now(),
            revision=Job.revision + 1,
        )
        .execution_options(synchronize_session=False)
    )
    return end_if_done(session, job.id)


def is_cancelled(session: Session, job_id: str) -> bool:
    """Return whether a client cancelled or deleted this job."""
    active = select(Job.id).where(Job.id == job_id, Job.cancel_requested_at.is_(None), Job.purged_at.is_(None))
    return session.scalar(active) is None


def delete(session: Session, job: Job) -> None:
    """End a job and delete its results; the caller deletes its objects after the commit. Raises Gone."""
    job = lock_job_with_shards(session, job)
    session.execute(
        update(Job)
        .where(Job.id == job.id, Job.ended_at.is_(None))
        .values(
            state=JobState.CANCELLED,
            cancelled=Job.cancelled + Job.queued + Job.running,
            queued=0,
            running=0,
            cancel_requested_at=func.coalesce(Job.cancel_requested_at, db_now()),
            ended_at=db_now(),
        )
        .execution_options(synchronize_session=False)
    )
    purge(session, job)


def _close_queued(session: Session, job: Job) -> list[int]:
    """Cancel the job's queued shards and return their sizes in images.

    A shard that a worker is claiming at this moment stays: that worker sees the cancellation and stops.
    """
    queued = select(Shard.id).where(Shard.job_id == job.id, Shard.state == ShardState.QUEUED)
    closed = (
        update(Shard)
        .where(Shard.id.in_(queued.with_for_update(skip_locked=True)), Shard.state == ShardState.QUEUED)
        .values(state=ShardState.CANCELLED, ended_at=db_now())
        .returning(Shard.count)
        .execution_options(synchronize_session=False)
    )
    return list(session.scalars(closed))
