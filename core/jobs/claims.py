"""Claiming shards: a worker leases the next shards of a queue in fair order.

A claim raises the shard's `attempt`, which fences every later statement about it: a worker whose lease expired matches
no row any more.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import ScalarSelect, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from core.db.clock import db_now
from core.db.tables import Job, Shard
from core.jobs.counters import FRESH, move
from core.jobs.fair_queue import in_order, next_in_order
from core.states import Explain, Queue, ShardState

ClaimedShard = tuple[Shard, Job]


class ModelOptions(NamedTuple):
    """What the shards of one micro-batch have in common."""

    name: str
    version: str
    precision: str
    top_k: int
    explain: Explain


@dataclass(frozen=True)
class ClaimedBatch:
    """Shards claimed together, in the order of their ids, and whether claimable shards may be left in the queue."""

    shards: Sequence[ClaimedShard]
    more_left: bool


@dataclass(frozen=True)
class Candidate:
    """A claimable shard as the choice of a micro-batch sees it; `attempt` is 0 before its first claim."""

    id: str
    count: int
    attempt: int
    model: ModelOptions

    @property
    def must_run_alone(self) -> bool:
        """Whether it was tried before, so that it may fail again and its neighbors with it, or takes very long."""
        return self.attempt > 0 or self.model.explain == Explain.FULL


def claim(session: Session, queue: Queue, *, worker: str, lease_s: float) -> ClaimedShard | None:
    """Lease the queue's next shard in fair order to this worker for `lease_s` seconds; None if no shard is ready."""
    shard = session.scalar(_lease(next_in_order(queue), worker=worker, lease_s=lease_s))
    if shard is None:
        return None
    return shard, move(session, {shard.job_id: _claim_moves(shard)})[shard.job_id]


def claim_batch(
    session: Session, queue: Queue, *, worker: str, lease_s: float, max_shards: int, max_images: int
) -> ClaimedBatch:
    """Lease the queue's next shards in fair order that can share a micro-batch of up to `max_images` images.

    The first shard is always taken, however large it is. Shards come in the order of their ids, because the renewals
    of their leases lock one after another.
    """
    candidates = _candidates(session, queue, limit=max_shards)
    chosen = choose_micro_batch(candidates, max_images=max_images)
    if not chosen:
        return ClaimedBatch([], more_left=False)
    shards = sorted(session.scalars(_lease(chosen, worker=worker, lease_s=lease_s)), key=attrgetter("id"))
    moves: dict[str, Counter[str]] = {}
    for shard in shards:
        moves.setdefault(shard.job_id, Counter()).update(_claim_moves(shard))
    jobs = move(session, moves)
    more_left = len(candidates) == max_shards or len(chosen) < len(candidates)
    return ClaimedBatch([(shard, jobs[shard.job_id]) for shard in shards], more_left=more_left)


def choose_micro_batch(candidates: Sequence[Candidate], *, max_images: int) -> list[str]:
    """Return the id of the first candidate and of those after it that can share its micro-batch.

    They use the same model with the same options, and hold `max_images` images in total at most.
    """
    if not candidates:
        return []
    first = candidates[0]
    chosen, images = [first.id], first.count
    if first.must_run_alone:
        return chosen
    for candidate in candidates[1:]:
        fits = images + candidate.count <= max_images
        if fits and not candidate.must_run_alone and candidate.model == first.model:
            chosen.append(candidate.id)
            images += candidate.count
    return chosen


def can_micro_batch(shard: Shard, job: Job) -> bool:
    """Return whether a shard that was just claimed may share a micro-batch with others."""
    return shard.queue == Queue.INTERACTIVE and shard.attempt == 1 and job.explain == Explain.CAM


def _candidates(session: Session, queue: Queue, *, limit: int) -> list[Candidate]:
    """Up to `limit` claimable shards in fair order, locked until the transaction ends."""
    of_job = Job.model_name, Job.model_version, Job.precision, Job.top_k, Job.explain
    shards = in_order(select(Shard.id, Shard.count, Shard.attempt, *of_job).join(Shard.job), queue).limit(limit)
    return [
        Candidate(shard_id, count, attempt, ModelOptions(name, version, precision, top_k, explain))
        for shard_id, count, attempt, name, version, precision, top_k, explain in session.execute(shards)
    ]


def _claim_moves(shard: Shard) -> dict[str, int]:
    """What claiming this shard adds to the job's counters."""
    return {"queued": -shard.count, "running": shard.count}


def _lease(chosen: ScalarSelect[str] | Sequence[str], *, worker: str, lease_s: float) -> ReturningUpdate[Shard]:
    is_chosen = Shard.id.in_(chosen) if isinstance(chosen, Sequence) else Shard.id == chosen
    return (
        update(Shard)
        .where(is_chosen, Shard.state == ShardState.QUEUED)
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
