"""The transitions of an archive: requested, leased by a builder, ready. Lease and fence work as those of a shard."""

from uuid import uuid4

from sqlalchemy import Update, select, update
from sqlalchemy.orm import Session, joinedload

from core.db.clock import db_now
from core.db.tables import Archive, Job
from core.errors import Conflict
from core.jobs.lookup import lock_job
from core.states import ArchiveState

MAX_FAILURES = 5
UNLEASED = {"leased_by": None, "lease_until": None}
RETRY_AFTER_S = 60
"""How long a failed archive stays failed before a request for it starts anew."""


def request(session: Session, job: Job) -> Archive:
    """Return the archive of the job's current run, queued now unless it exists; raises Conflict while the job runs."""
    job = lock_job(session, job)
    if not job.state.ended:
        raise Conflict(
            f"The job is {job.state}; its archive can be built when it has ended. Ask again then.",
            code="job_not_finished",
        )
    archive = find_archive(session, job)
    if archive is None:
        now = session.scalars(select(db_now())).one()
        archive = Archive(
            id=uuid4().hex, job_id=job.id, run=job.run, state=ArchiveState.QUEUED, attempt=0, failures=0,
            requested_at=now, ready_at=now,
        )  # fmt: skip
        session.add(archive)
        session.flush()
    return archive


def retry_failed(session: Session, archive: Archive) -> None:
    """Queue an archive again that failed at least RETRY_AFTER_S ago: the cause may have passed."""
    session.execute(
        update(Archive)
        .where(
            Archive.id == archive.id,
            Archive.state == ArchiveState.FAILED,
            Archive.ended_at < db_now(plus_s=-RETRY_AFTER_S),
        )
        .values(state=ArchiveState.QUEUED, failures=0, ended_at=None)
    )


def requeue_lost(session: Session, archive: Archive) -> None:
    """Queue a ready archive again whose object is missing in storage."""
    session.execute(
        update(Archive)
        .where(Archive.id == archive.id, Archive.state == ArchiveState.READY, Archive.attempt == archive.attempt)
        .values(state=ArchiveState.QUEUED, object_key=None, ended_at=None)
    )


def find_archive(session: Session, job: Job) -> Archive | None:
    """Return the archive of the job's current run, or None if no client has requested it."""
    return session.scalar(select(Archive).where(Archive.job_id == job.id, Archive.run == job.run))


def claim(session: Session, archive_id: str, *, worker: str, lease_s: float) -> Archive | None:
    """Lease a queued archive to this worker and return it with its job; None if it is leased, done or not ready."""
    claimed = session.scalar(
        update(Archive)
        .where(Archive.id == archive_id, Archive.state == ArchiveState.QUEUED, Archive.ready_at <= db_now())
        .values(
            state=ArchiveState.RUNNING,
            attempt=Archive.attempt + 1,
            leased_by=worker,
            lease_until=db_now(plus_s=lease_s),
        )
        .returning(Archive.id)
    )
    if claimed is None:
        return None
    return session.scalar(select(Archive).where(Archive.id == claimed).options(joinedload(Archive.job)))


def renew(session: Session, archive: Archive, *, lease_s: float) -> bool:
    """Extend the lease; False if this attempt no longer holds it."""
    renewed = session.execute(_held(archive).values(lease_until=db_now(plus_s=lease_s)).returning(Archive.id))
    return renewed.first() is not None


def finish(session: Session, archive: Archive, *, object_key: str, size_bytes: int, sha256: str) -> bool:
    """Make the archive ready; False if the lease was lost, so that the caller deletes the object."""
    finished = session.execute(
        _held(archive)
        .values(
            state=ArchiveState.READY, object_key=object_key, size_bytes=size_bytes, sha256=sha256, ended_at=db_now(),
            lease_until=None,
        )
        .returning(Archive.id)
    )  # fmt: skip
    return finished.first() is not None


def release(session: Session, archive: Archive, *, failed: bool) -> None:
    """Queue a leased archive again; after MAX_FAILURES failures it stays failed until a client requests it again."""
    session.execute(_after_failure(archive) if failed else _held(archive).values(**UNLEASED, state=ArchiveState.QUEUED))


def expire(session: Session, archive: Archive) -> None:
    """Count a failure of an archive whose lease has expired, unless its builder renewed it meanwhile."""
    session.execute(_after_failure(archive).where(Archive.lease_until < db_now()))


def expired_leases(session: Session, *, limit: int = 100) -> list[Archive]:
    """Return archives that are being built and whose lease has expired."""
    expired = select(Archive).where(Archive.state == ArchiveState.RUNNING, Archive.lease_until < db_now())
    return list(session.scalars(expired.limit(limit)))


def leased_by(session: Session, worker: str) -> Archive | None:
    """Return the archive that this worker's task holds, or None."""
    return session.scalar(select(Archive).where(Archive.leased_by == worker, Archive.state == ArchiveState.RUNNING))


def queued(session: Session, *, for_s: float = 0, limit: int = 100) -> list[str]:
    """Return the ids of archives that have been claimable for at least `for_s` seconds, the oldest request first."""
    ready = Archive.ready_at <= db_now(plus_s=-for_s)
    waiting = select(Archive.id).where(Archive.state == ArchiveState.QUEUED, ready)
    return list(session.scalars(waiting.order_by(Archive.requested_at).limit(limit)))


def _held(archive: Archive) -> Update:
    """The fence: an update that matches only while this attempt holds the archive."""
    return (
        update(Archive)
        .where(
            Archive.id == archive.id,
            Archive.state == ArchiveState.RUNNING,
            Archive.attempt == archive.attempt,
        )
        .execution_options(synchronize_session=False)
    )


def _after_failure(archive: Archive) -> Update:
    """Queue it for later, or fail it after too many failures."""
    failures = archive.failures + 1
    has_failed = failures >= MAX_FAILURES
    return _held(archive).values(
        state=ArchiveState.FAILED if has_failed else ArchiveState.QUEUED,
        failures=failures,
        ready_at=db_now(plus_s=2**failures),
        ended_at=db_now() if has_failed else None,
        **UNLEASED,
    )
