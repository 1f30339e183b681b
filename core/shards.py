"""A shard's transitions: claim, renew, finish, give back, split. Each is one guarded statement plus its counters.

What gives a leased shard back, and what that counts (ADR 4):

    a lost child, a time limit, an error only an image can cause   give_back   crashes
    a shutdown                                                     give_back   –
    an artefact, database or disk in trouble                       postpone    ready_at moves on
    a lease that ended in silence                                  expire      expiries, later crashes

Lock order: the shard's row, then the job's, which everybody wants and is therefore taken last and held shortest. Who
holds a job's row waits for no shard's: not even for one that a claim merely looked at, and so locked (ADR 16).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from uuid import uuid4

from sqlalchemy import Update, case, delete, func, select, update
from sqlalchemy.orm import Session

from core.bulk_insert import insert_rows
from core.clock import db_now
from core.failpoints import Point, failpoint
from core.states import ItemState, JobState, Lane, ShardState
from core.tables import Item, Job, Score, Shard
from core.turns import next_in_turn

FRESH = {"synchronize_session": False, "populate_existing": True}

CRASHES_BEFORE_SPLIT = 2
EXPIRIES_BEFORE_CRASH = 5
"""After so many leases that ended in silence each further one counts as a crash: something kills whoever takes it."""

LONGEST_DELAY_S = 60


@dataclass(frozen=True)
class Outcome:
    """What a worker found out about one image; `error_code` is set where there is no prediction."""

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
    error_code: str | None = None
    error_message: str | None = None


def claim(session: Session, lane: Lane, *, worker: str, lease_s: float) -> tuple[Shard, Job] | None:
    """Leases this lane's next shard in fair order to this worker; None if there is none to take."""
    shard = session.scalar(
        update(Shard)
        .where(Shard.id == next_in_turn(lane), Shard.state == ShardState.QUEUED)
        .values(
            state=ShardState.RUNNING,
            attempt=Shard.attempt + 1,
            leased_by=worker,
            lease_until=db_now(plus_s=lease_s),
            started_at=db_now(),
        )
        .returning(Shard)
        .execution_options(**FRESH)
    )
    if shard is None:
        return None
    return shard, _move(session, shard.job_id, queued=-shard.count, running=shard.count)


def renew(session: Session, shard: Shard, *, lease_s: float) -> bool:
    """Extends the lease; False if this attempt no longer holds it, and the work must stop."""
    renewed = session.execute(_held(shard).values(lease_until=db_now(plus_s=lease_s)).returning(Shard.id))
    return renewed.first() is not None


def finish(session: Session, shard: Shard, outcomes: Sequence[Outcome], *, engine: str) -> Job | None:
    """Commits the shard's items and counters and ends the job with its last shard; None if the lease was lost.

    Images without an outcome are those that a cancelled job no longer wants: they have no item.
    """
    failed = sum(outcome.error_code is not None for outcome in outcomes)
    cancelled = shard.count - len(outcomes)
    if not _close(session, shard, ShardState.CANCELLED if cancelled else ShardState.DONE, engine=engine):
        return None
    failpoint(Point.SHARD_CLOSED)
    _insert_items(session, shard, outcomes)
    failpoint(Point.ITEMS_WRITTEN)
    succeeded = len(outcomes) - failed
    _move(session, shard.job_id, running=-shard.count, succeeded=succeeded, failed=failed, cancelled=cancelled)
    job = end_if_done(session, shard.job_id)
    failpoint(Point.SHARD_FINISHED)
    return job


def give_back(session: Session, shard: Shard, *, crashed: bool) -> bool:
    """Queues a leased shard again after a shutdown or a lost child; False if this attempt no longer holds it.

    After a second crash the shard is split in halves until one image stands alone; a worker that claims that one
    after too many crashes fails it unread.
    """
    return _requeue(session, shard, _held(shard).values(crashes=Shard.crashes + int(crashed)))


def postpone(session: Session, shard: Shard) -> bool:
    """Queues a shard again that failed by the server's own trouble, for later, so that others get their turn."""
    delay_s = min(2 ** min(shard.attempt, 10), LONGEST_DELAY_S)
    return _requeue(session, shard, _held(shard).values(ready_at=db_now(plus_s=delay_s)))


def expire(session: Session, shard: Shard) -> bool:
    """Queues a shard again whose lease ended without a word; False if it was renewed or finished meanwhile.

    A silent worker is no crash, until too many in a row fall silent over the same shard.
    """
    overdue = _held(shard).where(Shard.lease_until < db_now())
    crashed = shard.expiries >= EXPIRIES_BEFORE_CRASH
    return _requeue(session, shard, overdue.values(expiries=Shard.expiries + 1, crashes=Shard.crashes + int(crashed)))


def expired(session: Session, *, limit: int = 100) -> list[Shard]:
    """Running shards whose lease has ended, oldest first."""
    overdue = select(Shard).where(Shard.state == ShardState.RUNNING, Shard.lease_until < db_now())
    return list(session.scalars(overdue.order_by(Shard.lease_until).limit(limit)))


def leased_by(session: Session, worker: str) -> Shard | None:
    """The shard this worker's task holds, if any."""
    return session.scalar(select(Shard).where(Shard.leased_by == worker, Shard.state == ShardState.RUNNING))


def queued(session: Session, lane: Lane, *, for_s: float = 0) -> int:
    """How many shards of the lane wait for a worker and could have been claimed for so long."""
    waiting = Shard.lane == lane, Shard.state == ShardState.QUEUED, Shard.ready_at <= db_now(plus_s=-for_s)
    return session.scalar(select(func.count()).where(*waiting)) or 0


def _held(shard: Shard) -> Update:
    """The fence: an update that matches only while this attempt holds the shard."""
    return update(Shard).where(Shard.id == shard.id, Shard.state == ShardState.RUNNING, Shard.attempt == shard.attempt)


def _requeue(session: Session, shard: Shard, held: Update) -> bool:
    freed = session.scalar(
        held.values(state=ShardState.QUEUED, leased_by=None, lease_until=None)
        .returning(Shard)
        .execution_options(**FRESH)
    )
    if freed is None:
        return False
    _move(session, freed.job_id, running=-freed.count, queued=freed.count)
    if freed.count > 1 and freed.crashes >= CRASHES_BEFORE_SPLIT:
        _split(session, freed)
    return True


def _close(session: Session, shard: Shard, state: ShardState, *, engine: str) -> bool:
    closed = session.execute(
        _held(shard).values(state=state, engine=engine, lease_until=None, ended_at=db_now()).returning(Shard.id)
    )
    return closed.first() is not None


def _insert_items(session: Session, shard: Shard, outcomes: Sequence[Outcome]) -> None:
    columns = ["job_id", "shard_id", "state", *(field.name for field in fields(Outcome))]
    rows = [(shard.job_id, shard.id, _state(outcome), *vars(outcome).values()) for outcome in outcomes]
    insert_rows(session, Item, columns, rows)


def _state(outcome: Outcome) -> ItemState:
    return ItemState.SUCCEEDED if outcome.error_code is None else ItemState.FAILED


def _move(session: Session, job_id: str, **moves: int) -> Job:
    """Adds to the job's counters; the sum of the moves is zero, so the counters always add up to the total."""
    return session.scalars(
        update(Job)
        .where(Job.id == job_id)
        .values(
            **{counter: getattr(Job, counter) + move for counter, move in moves.items()},
            state=case((Job.state == JobState.QUEUED, JobState.RUNNING), else_=Job.state),
            started_at=func.coalesce(Job.started_at, db_now()),
            revision=Job.revision + 1,
        )
        .returning(Job)
        .execution_options(**FRESH)
    ).one()


def end_if_done(session: Session, job_id: str) -> Job:
    """Ends the job when nothing is queued or running; who closes the last shard does it, once per round."""
    outcome = case(
        (Job.cancelled > 0, JobState.CANCELLED),
        (Job.failed == 0, JobState.SUCCEEDED),
        (Job.succeeded == 0, JobState.FAILED),
        else_=JobState.PARTIALLY_SUCCEEDED,
    )
    session.execute(
        update(Job)
        .where(Job.id == job_id, Job.ended_at.is_(None), Job.queued == 0, Job.running == 0)
        .values(state=outcome, ended_at=db_now(), revision=Job.revision + 1)
        .execution_options(synchronize_session=False)
    )
    return session.scalars(select(Job).where(Job.id == job_id).execution_options(populate_existing=True)).one()


def _split(session: Session, shard: Shard) -> None:
    """Replaces a queued shard by two halves over the same object and number; a poisonous image ends up alone."""
    middle = shard.count // 2
    for positions in (shard.positions[:middle], shard.positions[middle:]):
        session.add(
            Shard(
                id=uuid4().hex, job_id=shard.job_id, owner=shard.owner, lane=shard.lane, round=shard.round,
                number=shard.number, object_key=shard.object_key, object_digest=shard.object_digest,
                first_index=shard.first_index, positions=positions, count=len(positions),
                state=ShardState.QUEUED, turn=shard.turn, ready_at=shard.ready_at,
                attempt=shard.attempt, crashes=0, expiries=shard.expiries,
            )
        )  # fmt: skip
    session.flush()
    failpoint(Point.HALVES_WRITTEN)
    session.execute(delete(Shard).where(Shard.id == shard.id).execution_options(synchronize_session=False))
