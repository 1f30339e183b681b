"""What a bell sets off. Every task may run twice, may never run, and may be killed at any line."""

import time
from typing import Any

from celery import Task
from sqlalchemy.orm import Session

from core.broker import BUILD_ARCHIVE_TASK, DRAW_OVERLAY_TASK, INFER_SHARD_TASK
from core.db.tables import Archive
from core.failpoints import Point, failpoint
from core.jobs import archives, claims, items
from core.jobs.claims import ClaimedBatch
from core.states import Queue
from worker.context import Context, context
from worker.inference.lease import Lease, LeaseLost, Released
from worker.inference.shard_run import run_shards
from worker.rendering.archive import write_archive
from worker.rendering.item_overlay import draw_item
from worker.runtime.app import app
from worker.runtime.shutdown import shutdown

SERVE_S = 0.5
"""How long one bell of the interactive queue is answered with further claims; then other messages have their turn."""

LISTEN_S = 0.05
"""How long a process that has just served listens for the next bell."""

SHARDS_TOGETHER, IMAGES_TOGETHER = 16, 32
"""Most of one claim in the interactive queue; the images are two batches of a CPU's engine."""


@app.task(name=INFER_SHARD_TASK, bind=True)
def infer_next_shard(self: "Task[Any, str]", /, queue: str, **_of_other_versions: object) -> str:
    """Claims what is next in the queue, whatever that is: a bell names no work. Returns what it did, for people."""
    here = context()
    if queue not in list(Queue):
        return f"there is no queue {queue}"
    with shutdown.work():
        if queue == Queue.INTERACTIVE:
            return _serve_small(here, worker=str(self.request.id))
        with here.database.write.begin() as session:
            claimed = claims.claim(session, Queue(queue), worker=str(self.request.id), lease_s=here.settings.lease_s)
        if claimed is None:
            return f"nothing to claim in {queue}"
        failpoint(Point.SHARD_CLAIMED)
        return run_shards(here, [claimed])


@app.task(name=BUILD_ARCHIVE_TASK, bind=True)
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


@app.task(name=DRAW_OVERLAY_TASK)
def draw_overlay(job: str, index: int, **_of_other_versions: object) -> str:
    """Draws the overlay that somebody looks at."""
    here = context()
    with here.database.read.begin() as session:
        item = items.find_item_with_cam(session, job, index)
    if item is None:
        return "nothing to draw"
    draw_item(here, item)
    return f"overlay of job {job[:8]}… image {index}"


def _serve_small(here: Context, *, worker: str) -> str:
    """Claims and commits companies of small shards for as long as bells ring, but no longer than `SERVE_S`.

    It listens to the queue itself, because from a bell through Celery's consumer to here takes longer than an inference.
    What is committed after a claim has a bell of its own, so there is no need to look again before one rings. If its
    time is over while work may be left, it rings for who comes next.
    """
    until_s, report = time.monotonic() + SERVE_S, list[str]()
    more_may_wait = False
    try:
        while time.monotonic() < until_s and not shutdown.asked:
            batch = _claim_small(here, worker=worker)
            claimed, left = batch.shards, batch.more_left
            if claimed:
                more_may_wait = True
                failpoint(Point.SHARD_CLAIMED)
                report.append(run_shards(here, claimed))
            more_may_wait = left or (bool(report) and here.notifier.wait_for_interactive(timeout_s=LISTEN_S))
            if not more_may_wait:
                break
    finally:
        if more_may_wait:
            here.notifier.notify_queue(Queue.INTERACTIVE, shards=1)
    return f"served {len(report)} times, last: {report[-1]}" if report else f"nothing to claim in {Queue.INTERACTIVE}"


def _claim_small(here: Context, *, worker: str) -> ClaimedBatch:
    settings = here.settings
    with here.database.write.begin() as session:
        return claims.claim_batch(
            session,
            Queue.INTERACTIVE,
            worker=worker,
            lease_s=settings.lease_s,
            max_shards=SHARDS_TOGETHER,
            max_images=IMAGES_TOGETHER,
        )


def _run_archive(here: Context, archive: Archive) -> str:
    title = f"archive of job {archive.job_id[:8]}…"
    started = time.monotonic()
    try:
        size_bytes = _build(here, archive)
    except LeaseLost:
        return f"{title}: the lease went to another worker"
    except Released:
        with here.database.write.begin() as session:
            archives.release(session, archive, failed=False)
        here.notifier.notify_archive(archive.id)
        return f"{title}: given back, because this worker stops"
    except Exception:  # the task's edge, as above
        with here.database.write.begin() as session:
            archives.release(session, archive, failed=True)
        raise
    return f"{title}, {size_bytes / 1e6:.1f} MB, {time.monotonic() - started:.1f} s"


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
