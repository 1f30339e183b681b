"""A shard's transitions: claim, renew, finish, give back, split. Each is one guarded statement plus its counters.

What gives a leased shard back, and what that counts (ADR 4):

    a lost child, a time limit, an error only an image can cause   give_back   crashes
    a shutdown                                                     give_back   –
    an artifact, database or disk in trouble                       postpone    ready_at moves on
    a lease that ended in silence                                  expire      expiries, later crashes

Lock order: shards' rows, then jobs', each in the order of their ids. A job's row, which everybody wants, is taken last
and held shortest. Who holds one waits for no shard, not even one that a claim only looked at, and so locked (ADR 16).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from uuid import uuid4

from sqlalchemy import Row, ScalarSelect, Update, delete, func, select, tuple_, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from core.db.bulk_insert import insert_rows
from core.db.clock import db_now
from core.db.tables import Item, Job, Shard
from core.failpoints import Point, failpoint
from core.jobs.counters import FRESH, move
from core.jobs.fair_queue import first_in_turn, next_in_turn
from core.jobs.results import Finished, Outcome
from core.states import Explain, ItemState, Lane, ShardState

CRASHES_BEFORE_SPLIT = 2
EXPIRIES_BEFORE_CRASH = 5
"""After so many leases that ended in silence each further one counts as a crash: something kills whoever takes it."""

LONGEST_DELAY_S = 60

Waiting = Row[str, int, int, str, str, str, int, Explain]


def claim(session: Session, lane: Lane, *, worker: str, lease_s: float) -> tuple[Shard, Job] | None:
    """Leases this lane's next shard in fair order to this worker; None if there is none to take."""
    shard = session.scalar(_lease(next_in_turn(lane), worker=worker, lease_s=lease_s))
    if shard is None:
        return None
    return shard, move(session, {shard.job_id: _taken(shard)})[shard.job_id]


def claim_together(
    session: Session, lane: Lane, *, worker: str, lease_s: float, most_shards: int, most_images: int
) -> tuple[list[tuple[Shard, Job]], bool]:
    """Leases the lane's next shards in fair order, as many as go well together, and says whether it left any.

    They ask the same of the same model and together hold so many images. A shard that was tried before is taken alone:
    what crashed or failed its company would do so again and again, and its neighbors with it. So is one of
    `explain=full`, which takes its time. They come in the order of their ids, for a heartbeat locks one after another.
    """
    waiting = session.execute(first_in_turn(lane, limit=most_shards)).all()
    chosen = _company(waiting, most_images=most_images)
    if not chosen:
        return [], False
    shards = sorted(session.scalars(_lease(chosen, worker=worker, lease_s=lease_s)), key=attrgetter("id"))
    moves: dict[str, Counter[str]] = {}
    for shard in shards:
        moves.setdefault(shard.job_id, Counter()).update(_taken(shard))
    jobs = move(session, moves)
    left = len(waiting) == most_shards or len(chosen) < len(waiting)
    return [(shard, jobs[shard.job_id]) for shard in shards], left


def renew(session: Session, shard: Shard, *, lease_s: float) -> bool:
    """Extends the lease; False if this attempt no longer holds it, and the work must stop."""
    renewed = session.execute(_held(shard).values(lease_until=db_now(plus_s=lease_s)).returning(Shard.id))
    return renewed.first() is not None


def finish(session: Session, shard: Shard, outcomes: Sequence[Outcome], *, engine: str) -> Job | None:
    """Commits the shard's items and counters and ends the job with its last shard; None if the lease was lost.

    Images without an outcome are those that a cancelled job no longer wants: they have no item.
    """
    return finish_all(session, [Finished(shard, outcomes)], engine=engine).get(shard.id)


def finish_all(session: Session, done: Sequence[Finished], *, engine: str) -> dict[str, Job]:
    """The same for several shards: their jobs by the shard's id, without the shards whose lease was lost."""
    if len(done) > 1:
        these = Shard.id.in_([one.shard.id for one in done])
        session.execute(select(Shard.id).where(these).order_by(Shard.id).with_for_update())
    closed = _close(session, done, engine=engine)
    held = [one for one in done if one.shard.id in closed]
    if not held:
        return {}
    failpoint(Point.SHARD_CLOSED)
    _insert_items(session, held)
    failpoint(Point.ITEMS_WRITTEN)
    moves: dict[str, Counter[str]] = {}
    for one in held:
        moves.setdefault(one.shard.job_id, Counter()).update(one.moves)
    jobs = move(session, moves)
    failpoint(Point.SHARD_FINISHED)
    return {one.shard.id: jobs[one.shard.job_id] for one in held}


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


def leased_by(session: Session, worker: str) -> list[Shard]:
    """The shards this worker's task holds."""
    return list(session.scalars(select(Shard).where(Shard.leased_by == worker, Shard.state == ShardState.RUNNING)))


def sociable(shard: Shard, job: Job) -> bool:
    """Whether a small shard, claimed now, may be inferred in company."""
    return shard.lane == Lane.INTERACTIVE and shard.attempt == 1 and job.explain == Explain.CAM


def queued(session: Session, lane: Lane, *, for_s: float = 0) -> int:
    """How many shards of the lane wait for a worker and could have been claimed for so long."""
    waiting = Shard.lane == lane, Shard.state == ShardState.QUEUED, Shard.ready_at <= db_now(plus_s=-for_s)
    return session.scalar(select(func.count()).where(*waiting)) or 0


def _company(waiting: Sequence[Waiting], *, most_images: int) -> list[str]:
    """The first of these, and those after it that may share its fate and fit in."""
    chosen: list[str] = []
    images, kind = 0, None
    for shard_id, count, attempt, *of_job in waiting:
        kind = kind or of_job
        alone = attempt or of_job[-1] == Explain.FULL
        if not chosen and alone:
            return [shard_id]
        if not alone and of_job == kind and (not chosen or images + count <= most_images):
            chosen.append(shard_id)
            images += count
    return chosen


def _taken(shard: Shard) -> dict[str, int]:
    """What its claim adds to the job's counters."""
    return {"queued": -shard.count, "running": shard.count}


def _lease(chosen: ScalarSelect[str] | Sequence[str], *, worker: str, lease_s: float) -> ReturningUpdate[Shard]:
    these = Shard.id.in_(chosen) if isinstance(chosen, Sequence) else Shard.id == chosen
    return (
        update(Shard)
        .where(these, Shard.state == ShardState.QUEUED)
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
    move(session, {freed.job_id: {"running": -freed.count, "queued": freed.count}})
    if freed.count > 1 and freed.crashes >= CRASHES_BEFORE_SPLIT:
        _split(session, freed)
    return True


def _close(session: Session, done: Sequence[Finished], *, engine: str) -> set[str]:
    """Closes the shards that are still held by these attempts, and says which those are."""
    closed: set[str] = set()
    for end in {one.end for one in done}:
        leases = [(one.shard.id, one.shard.attempt) for one in done if one.end == end]
        closed.update(
            session.scalars(
                update(Shard)
                .where(tuple_(Shard.id, Shard.attempt).in_(leases), Shard.state == ShardState.RUNNING)
                .values(state=end, engine=engine, lease_until=None, ended_at=db_now())
                .returning(Shard.id)
                .execution_options(synchronize_session=False)
            )
        )
    return closed


def _insert_items(session: Session, held: Sequence[Finished]) -> None:
    columns = ["job_id", "shard_id", "state", *(field.name for field in fields(Outcome))]
    rows = [
        (one.shard.job_id, one.shard.id, _state(outcome), *vars(outcome).values())
        for one in held
        for outcome in one.outcomes
    ]
    insert_rows(session, Item, columns, rows)


def _state(outcome: Outcome) -> ItemState:
    return ItemState.SUCCEEDED if outcome.error_code is None else ItemState.FAILED


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
