"""The Celery tasks. Every task may run twice, may never run, and may be killed at any line.

Their names and arguments are the notifications of `core.notifier`. Arguments of other versions are ignored.
"""

from typing import Any

from celery import Task

from core.broker import BUILD_ARCHIVE_TASK, DRAW_OVERLAY_TASK, INFER_SHARD_TASK
from core.jobs import items
from core.states import Queue
from worker.context import context
from worker.inference.serving import serve_bulk, serve_interactive
from worker.rendering.archive_build import build_claimed_archive
from worker.rendering.item_overlay import store_overlay
from worker.runtime.app import app
from worker.runtime.shutdown import child_shutdown


@app.task(name=INFER_SHARD_TASK, bind=True)
def serve_queue(self: "Task[Any, str]", /, queue: str, **_unknown: object) -> str:
    """Claim and run the next shards; the notification names only the queue. Returns a line for the log."""
    worker = str(self.request.id)
    with child_shutdown.working():
        if queue == Queue.INTERACTIVE:
            return serve_interactive(context(), worker=worker, stop_requested=child_shutdown.is_requested)
        if queue == Queue.BULK:
            return serve_bulk(context(), worker=worker, stop_requested=child_shutdown.is_requested)
    return f"there is no queue {queue!r}; the queues are {', '.join(Queue)}"


@app.task(name=BUILD_ARCHIVE_TASK, bind=True)
def build_archive(self: "Task[Any, str]", /, archive: str, **_unknown: object) -> str:
    """Build the archive with this id, unless it is built or another worker builds it. Returns a line for the log."""
    with child_shutdown.working():
        return build_claimed_archive(
            context(), archive, worker=str(self.request.id), stop_requested=child_shutdown.is_requested
        )


@app.task(name=DRAW_OVERLAY_TASK)
def draw_overlay(job: str, index: int, **_unknown: object) -> str:
    """Draw the overlay of one image for a client that waits for it. Returns a line for the log."""
    with context().database.read.begin() as session:
        item = items.find_item_with_cam(session, job, index)
    if item is None:
        return "nothing to draw"
    store_overlay(context(), item)
    return f"overlay of job {job[:8]}… image {index}"
