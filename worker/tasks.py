"""What a bell sets off. Every task may run twice, may never run, and may be killed at any line."""

import time
from typing import Any

from celery import Task
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from core import archives, items, shards
from core.queue import ARCHIVE, DRAW, INFER
from core.states import Lane
from core.tables import Archive, Job, Shard
from model.artifact import ArtifactError
from model.engine import EngineUnavailable
from worker.app import app
from worker.archive import write_archive
from worker.context import Context, context
from worker.drawing import draw_item
from worker.lease import Lease
from worker.pipeline import LeaseLost, Work, infer_shard
from worker.stop import CancelWatch

OUR_TROUBLE = (ArtifactError, EngineUnavailable, OperationalError, InterfaceError, PoolTimeout, OSError)
"""What fails a shard without any image being to blame; it is tried again later."""

SHARD_LIMIT_S = 300
ARCHIVE_LIMIT_S = 3600


@app.task(name=INFER, bind=True, time_limit=SHARD_LIMIT_S)
def infer_next_shard(self: "Task[Any, str]", lane: str) -> str:
    """Claims the lane's next shard, whichever that is: a bell names no work. Returns what it did, for people."""
    here = context()
    with here.database.write.begin() as session:
        claimed = shards.claim(session, Lane(lane), worker=str(self.request.id), lease_s=here.settings.lease_s)
    if claimed is None:
        return f"nothing to claim in {lane}"
    shard, job = claimed
    images = "1 image" if shard.count == 1 else f"{shard.count} images"
    title = f"job {job.id[:8]}… shard {shard.number}/{job.shards}, {images}"
    started = time.monotonic()
    try:
        _infer(here, shard, job)
    except LeaseLost:
        return f"{title}: the lease went to another worker"
    except OUR_TROUBLE:
        with here.database.write.begin() as session:
            shards.postpone(session, shard)
        raise
    except Exception:  # the task's edge: it may be an image's fault, so it counts as a crash; Celery records it
        with here.database.write.begin() as session:
            shards.give_back(session, shard, crashed=True)
        raise
    return f"{title}, {time.monotonic() - started:.1f} s"


@app.task(name=ARCHIVE, bind=True, time_limit=ARCHIVE_LIMIT_S)
def build_archive(self: "Task[Any, str]", archive: str) -> str:
    """Builds the archive that somebody asked for."""
    here = context()
    with here.database.write.begin() as session:
        claimed = archives.claim(session, archive, worker=str(self.request.id), lease_s=here.settings.lease_s)
    if claimed is None:
        return "already built, or being built"
    started = time.monotonic()
    try:
        size_bytes = _build(here, claimed)
    except LeaseLost:
        return f"archive of job {claimed.job_id[:8]}…: the lease went to another worker"
    except Exception:  # the task's edge, as above
        with here.database.write.begin() as session:
            archives.give_back(session, claimed)
        raise
    megabytes = size_bytes / 1e6
    return f"archive of job {claimed.job_id[:8]}…, {megabytes:.1f} MB, {time.monotonic() - started:.1f} s"


@app.task(name=DRAW, time_limit=SHARD_LIMIT_S)
def draw_overlay(job: str, index: int) -> str:
    """Draws the overlay that somebody looks at."""
    here = context()
    with here.database.read.begin() as session:
        item = items.drawable(session, job, index)
    if item is None:
        return "nothing to draw"
    draw_item(here, item)
    return f"overlay of job {job[:8]}… image {index}"


def _infer(here: Context, shard: Shard, job: Job) -> None:
    settings = here.settings

    def renew(session: Session) -> bool:
        return shards.renew(session, shard, lease_s=settings.lease_s)

    with Lease(here.database.write, renew, heartbeat_s=settings.heartbeat_s) as lease:
        work = Work(shard, job, *here.models.of(job))
        cancelled = CancelWatch(here.database.read, job.id)
        outcomes = infer_shard(work, here.storage, settings, lost=lease.lost, cancelled=cancelled)
    with here.database.write.begin() as session:
        if shards.finish(session, shard, outcomes, engine=work.engine.name) is None:
            raise LeaseLost


def _build(here: Context, archive: Archive) -> int:
    settings = here.settings

    def renew(session: Session) -> bool:
        return archives.renew(session, archive, lease_s=settings.lease_s)

    with Lease(here.database.write, renew, heartbeat_s=settings.heartbeat_s) as lease:
        built = write_archive(here, archive, lost=lease.lost)
    with here.database.write.begin() as session:
        kept = archives.finish(
            session, archive, object_key=built.object_key, size_bytes=built.size_bytes, sha256=built.sha256
        )
    if not kept:
        here.storage.delete(built.object_key)
        raise LeaseLost
    return built.size_bytes
