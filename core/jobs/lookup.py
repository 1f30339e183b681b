"""Finding, locking and listing jobs. A client's request finds only the jobs of its key's owner."""

import re
from datetime import datetime

from sqlalchemy import literal, select, tuple_
from sqlalchemy.orm import Session

from core.db.clock import Instant
from core.db.tables import Job, Shard
from core.errors import Gone, NotFound
from core.states import JobKind

ID = re.compile("[0-9a-f]{32}")

SHOWN_ID_LENGTH = 50


def find_job(session: Session, job_id: str, *, owner: str) -> Job:
    """Return the owner's job, purged or not.

    Raises NotFound: in the same way for an unknown id, for another owner's job and for text that is no id.
    """
    job = None
    if ID.fullmatch(job_id):
        job = session.scalar(select(Job).where(Job.id == job_id, Job.owner == owner))
    if job is None:
        raise NotFound(
            f"There is no job {job_id[:SHOWN_ID_LENGTH]!r}. GET /v1/jobs lists your jobs.", code="job_not_found"
        )
    return job


def find_unpurged_job(session: Session, job_id: str, *, owner: str) -> Job:
    """Return the owner's job, its results still stored; raises NotFound, or Gone if the results were deleted."""
    job = find_job(session, job_id, owner=owner)
    if job.purged_at:
        raise _purged(job)
    return job


def lock_job(session: Session, job: Job) -> Job:
    """Return the job as it is now, its row locked until the transaction ends; raises Gone if it was purged."""
    unpurged = select(Job).where(Job.id == job.id, Job.purged_at.is_(None)).with_for_update(key_share=True)
    current = session.scalar(unpurged.execution_options(populate_existing=True))
    if current is None:
        raise _purged(job)
    return current


def lock_job_with_shards(session: Session, job: Job) -> Job:
    """Return the job as it is now, locked after its shards, for a change of both (lock order: ADR 16); raises Gone."""
    session.execute(select(Shard.id).where(Shard.job_id == job.id).order_by(Shard.id).with_for_update())
    return lock_job(session, job)


def list_jobs(session: Session, *, owner: str, before: tuple[datetime, str] | None, limit: int) -> list[Job]:
    """Return up to `limit` of the owner's batch jobs, newest first, that follow the cursor (created_at, id)."""
    jobs = select(Job).where(Job.owner == owner, Job.kind == JobKind.BATCH)
    if before is not None:
        created_at, job_id = before
        jobs = jobs.where(tuple_(Job.created_at, Job.id) < tuple_(literal(created_at, Instant()), job_id))
    return list(session.scalars(jobs.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit)))


def _purged(job: Job) -> Gone:
    when = f" at {job.purged_at:%Y-%m-%d %H:%M} UTC" if job.purged_at else ""
    return Gone(f"The results of job {job.id} were deleted{when}. Submit the images again for new results.")
