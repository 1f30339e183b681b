"""Running claimed shards: infer and commit them under their leases, or queue them again."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from core.db.tables import Shard
from core.failpoints import Point, failpoint
from core.jobs import claims, shards
from core.jobs.claims import ClaimedShard
from core.jobs.items import InferenceResult, ShardResult
from model.artifact import ArtifactError
from model.engines.interface import EngineUnavailable
from worker.context import Context
from worker.inference.cancellation import CancellationCheck
from worker.inference.micro_batch import infer_micro_batch
from worker.inference.pipeline import Work, infer_shard
from worker.lease import Lease, LeaseLost, StopRequested, run_leased

DATABASE_UNAVAILABLE = (OperationalError, InterfaceError, InternalError, PoolTimeout)
"""Postgres' own timeouts are InternalErrors."""

SERVER_TROUBLE = (ArtifactError, EngineUnavailable, *DATABASE_UNAVAILABLE, OSError)
"""Errors that no image causes: the shard is snoozed."""

RELEASE_RETRY_S = 0.5


def run_shards(context: Context, claimed: Sequence[ClaimedShard], *, stop_requested: StopRequested) -> str:
    """Infer and commit these shards and return a line for the log; queues them again and raises if that fails."""
    queue = claimed[0][0].queue

    def release(session: Session, shard: Shard) -> None:
        shards.release(session, shard, crashed=False)

    def on_stop() -> None:
        _release_each(context, claimed, release, stop_requested=stop_requested)
        context.notifier.notify_queue(queue, shards=1)

    def on_failure(failure: Exception) -> None:
        crashed = not isinstance(failure, SERVER_TROUBLE)
        requeue = partial(shards.release, crashed=True) if crashed else shards.snooze
        _release_each(context, claimed, requeue, stop_requested=stop_requested)

    return run_leased(
        lambda: _infer_and_commit(context, claimed, stop_requested=stop_requested),
        title=_title(claimed),
        on_stop=on_stop,
        on_failure=on_failure,
    )


def _infer_and_commit(context: Context, claimed: Sequence[ClaimedShard], *, stop_requested: StopRequested) -> None:
    settings = context.settings

    def renew(session: Session) -> bool:
        """Renew every lease; False once all are lost. A shard whose lease is lost is not committed."""
        held = [shards.renew(session, shard, lease_s=settings.lease_s) for shard, _ in claimed]
        return any(held)

    with Lease(context.database.write, renew, heartbeat_s=settings.heartbeat_s, stop_requested=stop_requested) as lease:
        lease.check()
        model = context.models.get(claimed[0][1])
        works = [Work(shard, job, *model) for shard, job in claimed]
        results = _infer(context, works, lease)
    failpoint(Point.SHARD_INFERRED)
    shard_results = [ShardResult(work.shard, of_shard) for work, of_shard in zip(works, results, strict=True)]
    with context.database.write.begin() as session:
        jobs = shards.finish_batch(session, shard_results, engine=works[0].engine.name)
        if not jobs:
            raise LeaseLost
    failpoint(Point.SHARD_COMMITTED)
    context.notifier.publish_completed(jobs.values())


def _infer(context: Context, works: Sequence[Work], lease: Lease) -> list[list[InferenceResult]]:
    if all(claims.can_micro_batch(work.shard, work.job) for work in works):
        return infer_micro_batch(works, context.storage, check=lease.check)
    (work,) = works
    cancellation = CancellationCheck(context.database.read, work.job.id)

    def check() -> None:
        lease.check()
        cancellation.check()

    return [infer_shard(work, context.storage, context.settings, check=check)]


def _release_each(
    context: Context,
    claimed: Sequence[ClaimedShard],
    requeue: Callable[[Session, Shard], object],
    *,
    stop_requested: StopRequested,
) -> None:
    """Queue the shards that are still held, each in a transaction of its own (lock order: ADR 16).

    While the database is away this retries for up to `lease_s`: no other worker can claim them before.
    """
    until_s = time.monotonic() + context.settings.lease_s
    for shard, _ in claimed:
        while not _try_release(context, shard, requeue, last_attempt=stop_requested() or time.monotonic() > until_s):
            time.sleep(RELEASE_RETRY_S)


def _try_release(
    context: Context, shard: Shard, requeue: Callable[[Session, Shard], object], *, last_attempt: bool
) -> bool:
    """Return False if the database is away; raise the error in the last attempt."""
    try:
        with context.database.write.begin() as session:
            requeue(session, shard)
    except DATABASE_UNAVAILABLE:
        if last_attempt:
            raise
        return False
    return True


def _title(claimed: Sequence[ClaimedShard]) -> str:
    images = sum(shard.count for shard, _ in claimed)
    of_images = "1 image" if images == 1 else f"{images} images"
    if len(claimed) > 1:
        return f"{len(claimed)} shards, {of_images}"
    ((shard, job),) = claimed
    return f"job {job.id[:8]}… shard {shard.number}/{job.shards}, {of_images}"
