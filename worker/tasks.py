"""What a bell sets off. Every task may run twice, may never run, and may be killed at any line."""

import time
from typing import Any

from celery import Task
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from core import archives, items, shards
from core.failpoints import Point, failpoint
from core.queue import ARCHIVE, DRAW, INFER
from core.states import JobKind, Lane
from core.tables import Archive, Job, Shard
from model.artifact import ArtifactError
from model.engine import EngineUnavailable
from worker.app import app
from worker.archive import write_archive
from worker.context import Context, context
from worker.drawing import draw_item
from worker.lease import GivenUp, Lease, LeaseLost
from worker.pipeline import Work, infer_shard
from worker.shutdown import shutdown
from worker.stop import CancelWatch

OUR_TROUBLE = (ArtifactError, EngineUnavailable, OperationalError, InterfaceError, InternalError, PoolTimeout, OSError)
"""What fails a shard without any image being to blame; it is tried again later. (Internal: Postgres' own time-outs.)"""


@app.task(name=INFER, bind=True)
def infer_next_shard(self: "Task[Any, str]", /, lane: str, **_of_other_versions: object) -> str:
    """Claims the lane's next shard, whichever that is: a bell names no work. Returns what it did, for people."""
    here = context()
    if lane not in list(Lane):
        return f"there is no lane {lane}"
    with shutdown.work():
        with here.database.write.begin() as session:
            claimed = shards.claim(session, Lane(lane), worker=str(self.request.id), lease_s=here.settings.lease_s)
        if claimed is None:
            return f"nothing to claim in {lane}"
        failpoint(Point.SHARD_CLAIMED)
        return _run_shard(here, *claimed)


@app.task(name=ARCHIVE, bind=True)
def build_archive(self: "Task[Any, str]", /, archive: str, **_of_other_versions: object) -> str:
    """Builds the archive that somebody asked for."""
    here = context()
    with shutdown.work():
        with here.database.write.begin() as session:
            claimed = archives.claim(session, archive, worker=str(self.request.id), lease_s=here.settings.lease_s)
        if claimed is None:
            return "already built, or being built"
        failpoint(Point.ARCHIVE_CLAIMED)
        return _run_archive(here, claimed)


@app.task(name=DRAW)
def draw_overlay(job: str, index: int, **_of_other_versions: object) -> str:
    """Draws the overlay that somebody looks at."""
    here = context()
    with here.database.read.begin() as session:
        item = items.drawable(session, job, index)
    if item is None:
        return "nothing to draw"
    draw_item(here, item)
    return f"overlay of job {job[:8]}… image {index}"


def _run_shard(here: Context, shard: Shard, job: Job) -> str:
    images = "1 image" if shard.count == 1 else f"{shard.count} images"
    title = f"job {job.id[:8]}… shard {shard.number}/{job.shards}, {images}"
    started = time.monotonic()
    try:
        _infer(here, shard, job)
    except LeaseLost:
        return f"{title}: the lease went to another worker"
    except GivenUp:
        with here.database.write.begin() as session:
            shards.give_back(session, shard, crashed=False)
        here.bells.ring_lane(shard.lane, times=1)
        return f"{title}: given back, because this worker stops"
    except OUR_TROUBLE:
        with here.database.write.begin() as session:
            shards.postpone(session, shard)
        raise
    except Exception:  # the task's edge: it may be an image's fault, so it counts as a crash; Celery records it
        with here.database.write.begin() as session:
            shards.give_back(session, shard, crashed=True)
        raise
    return f"{title}, {time.monotonic() - started:.1f} s"


def _run_archive(here: Context, archive: Archive) -> str:
    title = f"archive of job {archive.job_id[:8]}…"
    started = time.monotonic()
    try:
        size_bytes = _build(here, archive)
    except LeaseLost:
        return f"{title}: the lease went to another worker"
    except GivenUp:
        with here.database.write.begin() as session:
            archives.give_back(session, archive, failed=False)
        here.bells.ring_archive(archive.id)
        return f"{title}: given back, because this worker stops"
    except Exception:  # the task's edge, as above
        with here.database.write.begin() as session:
            archives.give_back(session, archive, failed=True)
        raise
    return f"{title}, {size_bytes / 1e6:.1f} MB, {time.monotonic() - started:.1f} s"


def _infer(here: Context, shard: Shard, job: Job) -> None:
    settings = here.settings

    def renew(session: Session) -> bool:
        return shards.renew(session, shard, lease_s=settings.lease_s)

    with Lease(here.database.write, renew, heartbeat_s=settings.heartbeat_s) as lease:
        work = Work(shard, job, *here.models.of(job))
        cancelled = CancelWatch(here.database.read, job.id)

        def wanted() -> bool:
            lease.check()
            return not cancelled()

        outcomes = infer_shard(work, here.storage, settings, wanted=wanted)
    failpoint(Point.SHARD_INFERRED)
    with here.database.write.begin() as session:
        now = shards.finish(session, shard, outcomes, engine=work.engine.name)
        if now is None:
            raise LeaseLost
    failpoint(Point.SHARD_COMMITTED)
    if now.state.ended and now.kind == JobKind.PREDICT:
        here.bells.tell_ended([now.id])


def _build(here: Context, archive: Archive) -> int:
    settings = here.settings

    def renew(session: Session) -> bool:
        return archives.renew(session, archive, lease_s=settings.lease_s)

    with Lease(here.database.write, renew, heartbeat_s=settings.heartbeat_s) as lease:
        built = write_archive(here, archive, check=lease.check)
    failpoint(Point.ARCHIVE_STORED)
    with here.database.write.begin() as session:
        kept = archives.finish(
            session, archive, object_key=built.object_key, size_bytes=built.size_bytes, sha256=built.sha256
        )
    failpoint(Point.ARCHIVE_COMMITTED)
    if not kept:
        here.storage.delete(built.object_key)
        raise LeaseLost
    return built.size_bytes
