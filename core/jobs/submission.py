"""Jobs: submit, read, list, purge. Everything a client asks is asked as its owner."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Select, delete, insert, literal, select, tuple_, update
from sqlalchemy.orm import Session

from core.db.clock import Instant, db_now
from core.db.tables import Archive, Item, Job, Shard, Skip
from core.errors import Gone, NotFound
from core.jobs.fair_queue import Turns
from core.jobs.sharding import portions
from core.states import Explain, JobKind, JobState, Lane, ShardState

ID = re.compile("[0-9a-f]{32}")

Row = dict[str, object]


@dataclass(frozen=True)
class StoredShard:
    """A shard object that lies in storage, complete; with `explain=full` several shards stand for parts of it."""

    object_key: str
    digest: str
    count: int


@dataclass(frozen=True)
class NewJob:
    """What a client asked for; the model is pinned here for good."""

    id: str
    owner: str
    kind: JobKind
    model_name: str
    model_version: str
    precision: str
    top_k: int
    retention_s: float
    explain: Explain = Explain.CAM
    name: str | None = None
    skipped: Sequence[Skip] = ()
    skipped_total: int = 0


@dataclass(frozen=True)
class Submission:
    """A job that is complete in storage and wants its rows."""

    new: NewJob
    stored: Sequence[StoredShard]

    def lane(self, *, interactive_images: int) -> Lane:
        """Where it queues; a `predict` is always small."""
        small = self.new.kind == JobKind.PREDICT or sum(part.count for part in self.stored) <= interactive_images
        return Lane.INTERACTIVE if small else Lane.BULK


def submit(
    session: Session, new: NewJob, stored: Sequence[StoredShard], *, interactive_images: int, shard_images: int
) -> Job:
    """Writes the job and its shards, queued; ring for them after the commit."""
    given = [Submission(new, stored)]
    (job,) = submit_all(session, given, interactive_images=interactive_images, shard_images=shard_images)
    return job


def submit_all(
    session: Session, submissions: Sequence[Submission], *, interactive_images: int, shard_images: int
) -> list[Job]:
    """The same for several jobs, in three statements however many they are."""
    lanes = [given.lane(interactive_images=interactive_images) for given in submissions]
    turns = Turns(session, {(lane, given.new.owner) for lane, given in zip(lanes, submissions, strict=True)})
    jobs: list[Job] = []
    rows: list[Row] = []
    for given, lane in zip(submissions, lanes, strict=True):
        job = _job(given, lane, created_at=turns.now)
        shards = _shards(job, given.stored, turns=turns, shard_images=shard_images)
        job.shards = len(shards)
        jobs.append(job)
        rows += shards
    session.execute(insert(Job), [_row(job) for job in jobs])
    session.execute(insert(Shard), rows)
    return jobs


def _job(given: Submission, lane: Lane, *, created_at: datetime) -> Job:
    new, total = given.new, sum(part.count for part in given.stored)
    return Job(
        id=new.id, owner=new.owner, kind=new.kind, lane=lane, name=new.name, state=JobState.QUEUED, round=1, revision=1,
        model_name=new.model_name, model_version=new.model_version, precision=new.precision, top_k=new.top_k,
        explain=new.explain, shards=0, total=total,
        queued=total, running=0, succeeded=0, failed=0, cancelled=0,
        skipped=list(new.skipped), skipped_total=new.skipped_total,
        created_at=created_at, expires_at=created_at + timedelta(seconds=new.retention_s),
    )  # fmt: skip


def owned(session: Session, job_id: str, *, owner: str) -> Job:
    """The owner's job; raises NotFound for another's as for none, and for what is no id."""
    job = None
    if ID.fullmatch(job_id):
        job = session.scalar(select(Job).where(Job.id == job_id, Job.owner == owner))
    if job is None:
        raise NotFound(f"There is no job {job_id[:50]!r}.", code="job_not_found")
    return job


def kept(session: Session, job_id: str, *, owner: str) -> Job:
    """The owner's job, its results still there; raises NotFound, or Gone once its retention has passed."""
    job = owned(session, job_id, owner=owner)
    if job.purged_at:
        raise Gone(f"The results of job {job_id} were deleted at {job.purged_at:%Y-%m-%d %H:%M} UTC.")
    return job


def locked(session: Session, job: Job) -> Job:
    """The job as it is now, its row locked until the transaction ends; raises Gone where a purge was faster."""
    found = select(Job).where(Job.id == job.id, Job.purged_at.is_(None)).with_for_update(key_share=True)
    now = session.scalar(found.execution_options(populate_existing=True))
    if now is None:
        raise Gone(f"The results of job {job.id} were deleted.")
    return now


def locked_with_shards(session: Session, job: Job) -> Job:
    """The same for who changes its shards too, which are locked before it (ADR 16)."""
    session.execute(select(Shard.id).where(Shard.job_id == job.id).order_by(Shard.id).with_for_update())
    return locked(session, job)


def page(session: Session, *, owner: str, before: tuple[datetime, str] | None, limit: int) -> list[Job]:
    """Up to `limit` of the owner's batch jobs, newest first, starting after the cursor (created_at, id)."""
    jobs = select(Job).where(Job.owner == owner, Job.kind == JobKind.BATCH)
    if before is not None:
        created_at, job_id = before
        jobs = jobs.where(tuple_(Job.created_at, Job.id) < tuple_(literal(created_at, Instant()), job_id))
    return list(session.scalars(jobs.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit)))


def overdue(session: Session, *, limit: int = 20) -> list[Job]:
    """Ended jobs whose retention has passed."""
    ended = [state for state in JobState if state.ended]
    jobs: Select[Job] = select(Job).where(Job.purged_at.is_(None), Job.expires_at < db_now(), Job.state.in_(ended))
    return list(session.scalars(jobs.order_by(Job.expires_at).limit(limit)))


def stuck(session: Session, *, limit: int = 100) -> list[Job]:
    """Jobs that have nothing left to do and did not end."""
    idle = select(Job).where(Job.ended_at.is_(None), Job.queued == 0, Job.running == 0)
    return list(session.scalars(idle.order_by(Job.created_at).limit(limit)))


def purge(session: Session, job: Job) -> None:
    """Deletes a job's results, keeping its row as a tombstone (a `predict` leaves none). Objects go after."""
    # Shards first: what a worker commits before its shard is gone is there to be deleted, and nothing comes after.
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
    """Those of these ids that have no job row, or one that was purged: their objects may go."""
    living = set(session.scalars(select(Job.id).where(Job.id.in_(job_ids), Job.purged_at.is_(None))))
    return [job_id for job_id in job_ids if job_id not in living]


def _shards(job: Job, stored: Sequence[StoredShard], *, turns: Turns, shard_images: int) -> list[Row]:
    shards: list[Row] = []
    first_index, turn = 0, turns.last(job.lane, job.owner)
    first_turn = None
    for part in stored:
        for positions in portions(range(part.count), explain=job.explain, shard_images=shard_images):
            turn += len(positions) * job.explain.cost
            first_turn = first_turn or turn
            shards.append(
                {
                    "id": uuid4().hex, "job_id": job.id, "owner": job.owner, "lane": job.lane, "round": job.round,
                    "number": len(shards) + 1, "object_key": part.object_key, "object_digest": part.digest,
                    "positions": positions, "first_index": first_index, "count": len(positions),
                    "state": ShardState.QUEUED, "turn": turn, "ready_at": job.created_at,
                    "attempt": 0, "crashes": 0, "expiries": 0,
                }
            )  # fmt: skip
        first_index += part.count
    turns.take(job.lane, job.owner, first=first_turn or turn, last=turn)
    return shards


def _row(job: Job) -> Row:
    """The columns of a job that is not in the database yet."""
    return {column.key: getattr(job, column.key) for column in Job.__table__.columns}
