"""Claimed shards: inferred and committed under their leases, or given back. One of the bulk queue, or a company."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from core.db.tables import Job, Shard
from core.failpoints import Point, failpoint
from core.jobs import claims, shards
from core.jobs.results import InferenceResult, ShardResult
from model.artifact import ArtifactError
from model.engines.interface import EngineUnavailable
from worker.context import Context
from worker.inference.cancel_watch import CancelWatch
from worker.inference.lease import Lease, LeaseLost, Released
from worker.inference.micro_batch import infer_company
from worker.inference.pipeline import Work, infer_shard
from worker.runtime.shutdown import shutdown

DATABASE_AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeout)
"""Internal: Postgres' own time-outs."""

OUR_TROUBLE = (ArtifactError, EngineUnavailable, *DATABASE_AWAY, OSError)
"""What fails a shard without any image being to blame; it is tried again later."""

AGAIN_AFTER_S = 0.5


Claimed = tuple[Shard, Job]


def run_shards(here: Context, claimed: Sequence[Claimed]) -> str:
    """Infers and commits them; returns what became of them, for people. Raises what failed them, once given back."""
    title, started = _title(claimed), time.monotonic()
    try:
        _infer(here, claimed)
    except LeaseLost:
        return f"{title}: the lease went to another worker"
    except Released:
        _each(here, claimed, partial(shards.release, crashed=False))
        here.notifier.notify_queue(claimed[0][0].queue, shards=1)
        return f"{title}: given back, because this worker stops"
    except OUR_TROUBLE:
        _each(here, claimed, shards.snooze)
        raise
    except Exception:  # the task's edge: it may be an image's fault, so it counts as a crash; Celery records it
        _each(here, claimed, partial(shards.release, crashed=True))
        raise
    return f"{title}, {time.monotonic() - started:.1f} s"


def _infer(here: Context, claimed: Sequence[Claimed]) -> None:
    settings = here.settings

    def renew(session: Session) -> bool:
        """Whether any is still held: who lost one writes nothing of it, and goes on for the others."""
        held = [shards.renew(session, shard, lease_s=settings.lease_s) for shard, _ in claimed]
        return any(held)

    with Lease(here.database.write, renew, heartbeat_s=settings.heartbeat_s) as lease:
        model = here.models.of(claimed[0][1])
        works = [Work(shard, job, *model) for shard, job in claimed]
        outcomes = _outcomes(here, works, lease)
    failpoint(Point.SHARD_INFERRED)
    done = [ShardResult(work.shard, known) for work, known in zip(works, outcomes, strict=True)]
    with here.database.write.begin() as session:
        jobs = shards.finish_batch(session, done, engine=works[0].engine.name)
        if not jobs:
            raise LeaseLost
    failpoint(Point.SHARD_COMMITTED)
    here.notifier.publish_completed(jobs.values())


def _outcomes(here: Context, works: Sequence[Work], lease: Lease) -> list[list[InferenceResult]]:
    lease.check()
    if all(claims.can_micro_batch(work.shard, work.job) for work in works):
        return infer_company(works, here.storage, check=lease.check)
    (work,) = works
    cancelled = CancelWatch(here.database.read, work.job.id)

    def wanted() -> bool:
        lease.check()
        return not cancelled()

    return [infer_shard(work, here.storage, here.settings, wanted=wanted)]


def _each(here: Context, claimed: Sequence[Claimed], free: Callable[[Session, Shard], bool]) -> None:
    """Gives back what is still held, each in a transaction of its own: who holds a job's row waits for no shard.

    A database that is away is asked again for as long as the lease holds: until then nobody else can have the shard.
    """
    until_s = time.monotonic() + here.settings.lease_s
    for shard, _ in claimed:
        while not _freed(here, shard, free, last_try=shutdown.asked or time.monotonic() > until_s):
            time.sleep(AGAIN_AFTER_S)


def _freed(here: Context, shard: Shard, free: Callable[[Session, Shard], bool], *, last_try: bool) -> bool:
    """Whether the database was there to hear it; a last try raises."""
    try:
        with here.database.write.begin() as session:
            free(session, shard)
    except DATABASE_AWAY:
        if last_try:
            raise
        return False
    return True


def _title(claimed: Sequence[Claimed]) -> str:
    images = sum(shard.count for shard, _ in claimed)
    of_images = "1 image" if images == 1 else f"{images} images"
    if len(claimed) > 1:
        return f"{len(claimed)} shards, {of_images}"
    ((shard, job),) = claimed
    return f"job {job.id[:8]}… shard {shard.number}/{job.shards}, {of_images}"
