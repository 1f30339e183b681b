"""An archive's transitions: asked for, leased by a builder, ready. The same lease and fence as a shard's."""

from uuid import uuid4

from sqlalchemy import Update, select, update
from sqlalchemy.orm import Session, joinedload

from core.db.clock import db_now
from core.db.tables import Archive, Job
from core.errors import Conflict
from core.jobs.submission import locked
from core.states import ArchiveState

FAILURES = 5
FREE = {"leased_by": None, "lease_until": None}
TRIED_AGAIN_S = 60
"""How long a failed archive stays failed before asking for it starts anew."""


def request(session: Session, job: Job) -> Archive:
    """The archive of the job's round, asked for now unless it was; raises Conflict while the job still runs."""
    job = locked(session, job)
    if not job.state.ended:
        raise Conflict(f"The job is {job.state}; its archive can be built when it has ended.", code="job_not_finished")
    archive = of(session, job)
    if archive is None:
        now = session.scalars(select(db_now())).one()
        archive = Archive(
            id=uuid4().hex, job_id=job.id, round=job.round, state=ArchiveState.QUEUED, attempt=0, failures=0,
            requested_at=now, ready_at=now,
        )  # fmt: skip
        session.add(archive)
        session.flush()
    return archive


def revive(session: Session, archive: Archive) -> None:
    """Queues an archive again that failed some time ago: what kept it from being built may have passed."""
    session.execute(
        update(Archive)
        .where(
            Archive.id == archive.id,
            Archive.state == ArchiveState.FAILED,
            Archive.ended_at < db_now(plus_s=-TRIED_AGAIN_S),
        )
        .values(state=ArchiveState.QUEUED, failures=0, ended_at=None)
    )


def rebuild(session: Session, archive: Archive) -> None:
    """Queues an archive again whose object storage has lost."""
    session.execute(
        update(Archive)
        .where(Archive.id == archive.id, Archive.state == ArchiveState.READY, Archive.attempt == archive.attempt)
        .values(state=ArchiveState.QUEUED, object_key=None, ended_at=None)
    )


def of(session: Session, job: Job) -> Archive | None:
    """The archive of the job's current round, if it was asked for."""
    return session.scalar(select(Archive).where(Archive.job_id == job.id, Archive.round == job.round))


def claim(session: Session, archive_id: str, *, worker: str, lease_s: float) -> Archive | None:
    """Leases a queued archive to this builder, its job loaded; None if somebody else has it or it is done."""
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
    """Extends the lease; False if this attempt no longer holds it."""
    renewed = session.execute(_held(archive).values(lease_until=db_now(plus_s=lease_s)).returning(Archive.id))
    return renewed.first() is not None


def finish(session: Session, archive: Archive, *, object_key: str, size_bytes: int, sha256: str) -> bool:
    """Makes the archive ready; False if the lease was lost, and the object is nobody's."""
    finished = session.execute(
        _held(archive)
        .values(
            state=ArchiveState.READY, object_key=object_key, size_bytes=size_bytes, sha256=sha256, ended_at=db_now(),
            lease_until=None,
        )
        .returning(Archive.id)
    )  # fmt: skip
    return finished.first() is not None


def give_back(session: Session, archive: Archive, *, failed: bool) -> None:
    """Queues a leased archive again; after too many failures it stays failed until it is asked for anew."""
    session.execute(_freed(archive) if failed else _held(archive).values(**FREE, state=ArchiveState.QUEUED))


def expire(session: Session, archive: Archive) -> None:
    """The same for a builder that went silent, unless it spoke again meanwhile."""
    session.execute(_freed(archive).where(Archive.lease_until < db_now()))


def expired(session: Session, *, limit: int = 100) -> list[Archive]:
    """Archives whose builder went silent."""
    silent = select(Archive).where(Archive.state == ArchiveState.RUNNING, Archive.lease_until < db_now())
    return list(session.scalars(silent.limit(limit)))


def leased_by(session: Session, worker: str) -> Archive | None:
    """The archive this worker's task holds, if any."""
    return session.scalar(select(Archive).where(Archive.leased_by == worker, Archive.state == ArchiveState.RUNNING))


def queued(session: Session, *, for_s: float = 0) -> list[str]:
    """Ids of archives that wait for a builder and could have been claimed for so long, the oldest first."""
    ready = Archive.ready_at <= db_now(plus_s=-for_s)
    waiting = select(Archive.id).where(Archive.state == ArchiveState.QUEUED, ready)
    return list(session.scalars(waiting.order_by(Archive.requested_at).limit(100)))


def _held(archive: Archive) -> Update:
    return (
        update(Archive)
        .where(
            Archive.id == archive.id,
            Archive.state == ArchiveState.RUNNING,
            Archive.attempt == archive.attempt,
        )
        .execution_options(synchronize_session=False)
    )


def _freed(archive: Archive) -> Update:
    """Queued for later, or failed after too many tries."""
    failures = archive.failures + 1
    over = failures >= FAILURES
    return _held(archive).values(
        state=ArchiveState.FAILED if over else ArchiveState.QUEUED,
        failures=failures,
        ready_at=db_now(plus_s=2**failures),
        ended_at=db_now() if over else None,
        **FREE,
    )
