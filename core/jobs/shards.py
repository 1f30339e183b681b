"""The transitions of a leased shard: renew, finish, release, snooze, expire, split. `core.jobs.claims` leases it.

Each transition is one guarded statement and the counters that move with it. Why a leased shard is queued again, by
which function, and which counter rises (ADR 4):

    a lost child, a time limit, an error that an image may cause     release   crashes
    a worker that stops                                              release   nothing
    a model, database or disk in trouble                             snooze    nothing; `ready_at` moves on
    a lease that expired                                             expire    expiries, later crashes

Lock order (ADR 16): rows of shards, then rows of jobs, each in the order of their ids. A job's row, which most
transactions need, is locked last and for the shortest time. A transaction that holds one waits for no shard.
"""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Update, delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Session

from core.db.clock import db_now
from core.db.tables import Job, Shard
from core.failpoints import Point, failpoint
from core.jobs.counters import FRESH, move
from core.jobs.items import InferenceResult, ShardResult, insert_items
from core.jobs.sharding import halves
from core.states import Queue, ShardState

CRASHES_BEFORE_SPLIT = 2
EXPIRIES_BEFORE_CRASH = 5
"""After so many expired leases each further one counts as a crash: something kills the workers that take the shard."""

MAX_SNOOZE_S = 60
MAX_SNOOZE_EXPONENT = 10


def renew(session: Session, shard: Shard, *, lease_s: float) -> bool:
    """Extend the lease; False if this attempt no longer holds it, so that its work must stop."""
    renewed = session.execute(_held(shard).values(lease_until=db_now(plus_s=lease_s)).returning(Shard.id))
    return renewed.first() is not None


def finish(session: Session, shard: Shard, results: Sequence[InferenceResult], *, engine: str) -> Job | None:
    """Commit the items of one shard and return its job; see `finish_batch`. None if the lease was lost."""
    return finish_batch(session, [ShardResult(shard, results)], engine=engine).get(shard.id)


def finish_batch(session: Session, results: Sequence[ShardResult], *, engine: str) -> dict[str, Job]:
    """Commit the items and counters of these shards and end each job that has no open shard left.

    Returns the jobs by shard id, without the shards whose lease was lost. An image without a result belongs to a
    cancelled job and gets no item.
    """
    if len(results) > 1:
        ids = Shard.id.in_([result.shard.id for result in results])
        session.execute(select(Shard.id).where(ids).order_by(Shard.id).with_for_update())
    closed = _close(session, results, engine=engine)
    held = [result for result in results if result.shard.id in closed]
    if not held:
        return {}
    failpoint(Point.SHARD_CLOSED)
    insert_items(session, held)
    failpoint(Point.ITEMS_WRITTEN)
    moves: dict[str, Counter[str]] = {}
    for result in held:
        moves.setdefault(result.shard.job_id, Counter()).update(result.moves)
    jobs = move(session, moves)
    failpoint(Point.SHARD_FINISHED)
    return {result.shard.id: jobs[result.shard.job_id] for result in held}


def release(session: Session, shard: Shard, *, crashed: bool) -> bool:
    """Queue a leased shard again after a crash or before a shutdown; False if this attempt no longer holds it.

    After a second crash the shard is split in halves, until one image stands alone. A worker that claims that one
    after too many crashes fails it without decoding it.
    """
    return _requeue(session, shard, _held(shard).values(crashes=Shard.crashes + int(crashed)))


def snooze(session: Session, shard: Shard) -> bool:
    """Queue a leased shard again for later, after trouble of the server's own; False if the lease was lost."""
    delay_s = min(2 ** min(shard.attempt, MAX_SNOOZE_EXPONENT), MAX_SNOOZE_S)
    return _requeue(session, shard, _held(shard).values(ready_at=db_now(plus_s=delay_s)))


def expire(session: Session, shard: Shard) -> bool:
    """Queue a shard again whose lease has expired; False if its worker renewed or finished it meanwhile.

    An expired lease counts as a crash only after EXPIRIES_BEFORE_CRASH leases of the shard have expired.
    """
    expired = _held(shard).where(Shard.lease_until < db_now())
    crashed = shard.expiries >= EXPIRIES_BEFORE_CRASH
    return _requeue(session, shard, expired.values(expiries=Shard.expiries + 1, crashes=Shard.crashes + int(crashed)))


def expired_leases(session: Session, *, limit: int = 100) -> list[Shard]:
    """Return running shards whose lease has expired, the earliest first."""
    expired = select(Shard).where(Shard.state == ShardState.RUNNING, Shard.lease_until < db_now())
    return list(session.scalars(expired.order_by(Shard.lease_until).limit(limit)))


def leased_by(session: Session, worker: str) -> list[Shard]:
    """Return the shards that this worker's task holds."""
    return list(session.scalars(select(Shard).where(Shard.leased_by == worker, Shard.state == ShardState.RUNNING)))


def queued(session: Session, queue: Queue, *, for_s: float = 0) -> int:
    """Return how many shards of the queue have been claimable for at least `for_s` seconds."""
    waiting = Shard.queue == queue, Shard.state == ShardState.QUEUED, Shard.ready_at <= db_now(plus_s=-for_s)
    return session.scalar(select(func.count()).where(*waiting)) or 0


def _held(shard: Shard) -> Update:
    """The fence: an update that matches only while this attempt holds the shard."""
    return update(Shard).where(Shard.id == shard.id, Shard.state == ShardState.RUNNING, Shard.attempt == shard.attempt)


def _requeue(session: Session, shard: Shard, held: Update) -> bool:
    queued_again = session.scalar(
        held.values(state=ShardState.QUEUED, leased_by=None, lease_until=None)
        .returning(Shard)
        .execution_options(**FRESH)
    )
    if queued_again is None:
        return False
    move(session, {queued_again.job_id: {"running": -queued_again.count, "queued": queued_again.count}})
    if queued_again.count > 1 and queued_again.crashes >= CRASHES_BEFORE_SPLIT:
        _split(session, queued_again)
    return True


def _close(session: Session, results: Sequence[ShardResult], *, engine: str) -> set[str]:
    """Close the shards that these attempts still hold and return their ids."""
    closed: set[str] = set()
    for end_state in {result.end_state for result in results}:
        leases = [(result.shard.id, result.shard.attempt) for result in results if result.end_state == end_state]
        closed.update(
            session.scalars(
                update(Shard)
                .where(tuple_(Shard.id, Shard.attempt).in_(leases), Shard.state == ShardState.RUNNING)
                .values(state=end_state, engine=engine, lease_until=None, ended_at=db_now())
                .returning(Shard.id)
                .execution_options(synchronize_session=False)
            )
        )
    return closed


def _split(session: Session, shard: Shard) -> None:
    """Replace a queued shard by its halves, so that an image that crashes workers ends up alone."""
    session.execute(insert(Shard), halves(shard))
    failpoint(Point.HALVES_WRITTEN)
    session.execute(delete(Shard).where(Shard.id == shard.id).execution_options(synchronize_session=False))
