"""Deleting the results of jobs whose retention has passed, and of jobs that clients delete."""

from collections.abc import Sequence

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from core.db.clock import db_now
from core.db.tables import Archive, Item, Job, Shard
from core.states import JobKind, JobState


def overdue_jobs(session: Session, *, limit: int = 20) -> list[Job]:
    """Return ended jobs whose retention has passed, the earliest expiry first."""
    ended = [state for state in JobState if state.ended]
    jobs: Select[Job] = select(Job).where(Job.purged_at.is_(None), Job.expires_at < db_now(), Job.state.in_(ended))
    return list(session.scalars(jobs.order_by(Job.expires_at).limit(limit)))


def purge(session: Session, job: Job) -> None:
    """Delete a job's shards, items and archives. Its row stays as a tombstone; of a `predict` job nothing stays.

    The caller deletes the job's objects after the commit.
    """
    # Shards first: a worker that committed before its shard is gone left items that the next statement deletes, and
    # no worker commits items of a shard that is gone.
    for table in (Shard, Item, Archive):
        session.execute(delete(table).where(table.job_id == job.id).execution_options(synchronize_session=False))
    if job.kind == JobKind.PREDICT:
        session.execute(delete(Job).where(Job.id == job.id).execution_options(synchronize_session=False))
        return
    session.execute(
        update(Job)
        .where(Job.id == job.id)
        .values(purged_at=db_now(), revision=Job.revision + 1)
        .execution_options(synchronize_session=False)
    )


def without_results(session: Session, job_ids: Sequence[str]) -> list[str]:
    """Return those of these ids that have no job row, or a purged one: their objects may be deleted."""
    with_results = set(session.scalars(select(Job.id).where(Job.id.in_(job_ids), Job.purged_at.is_(None))))
    return [job_id for job_id in job_ids if job_id not in with_results]
