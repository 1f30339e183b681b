"""Serving a queue: claim shards in fair order and run them."""

import time

from core.failpoints import Point, failpoint
from core.jobs import claims
from core.jobs.claims import ClaimedBatch
from core.states import Queue
from worker.context import Context
from worker.inference.shard_run import run_shards
from worker.lease import StopRequested

MAX_SERVING_S = 0.5
"""How long one notification keeps a worker on the interactive queue; then it draws overlays."""

WAKE_UP_TIMEOUT_S = 0.05
"""How long a worker that has just served the interactive queue waits for more of its work."""

MAX_BATCH_SHARDS, MAX_BATCH_IMAGES = 16, 32
"""Bounds of one micro-batch; the images are two batches of a CPU's engine."""


def serve_bulk(context: Context, *, worker: str, stop_requested: StopRequested) -> str:
    """Claim and run the next shard of the bulk queue; return a line for the log."""
    with context.database.write.begin() as session:
        claimed = claims.claim(session, Queue.BULK, worker=worker, lease_s=context.settings.lease_s)
    if claimed is None:
        return f"nothing to claim in {Queue.BULK}"
    failpoint(Point.SHARD_CLAIMED)
    return run_shards(context, [claimed], stop_requested=stop_requested)


def serve_interactive(context: Context, *, worker: str, stop_requested: StopRequested) -> str:
    """Claim and run micro-batches of the interactive queue while there is work; return a line for the log.

    Between two claims the worker waits for the queue's wake-up list, because a notification on its way through Celery's
    consumer takes longer than an inference. A submit after the claim adds an element, so the worker claims again only
    when it is woken. If it ends while work may be left, it notifies the queue for the next worker.
    """
    deadline_s = time.monotonic() + MAX_SERVING_S
    report, batches, work_may_be_left = f"nothing to claim in {Queue.INTERACTIVE}", 0, False
    try:
        while time.monotonic() < deadline_s and not stop_requested():
            batch = _claim_batch(context, worker=worker)
            if batch.shards:
                work_may_be_left = True  # also if running these raises
                failpoint(Point.SHARD_CLAIMED)
                report, batches = run_shards(context, batch.shards, stop_requested=stop_requested), batches + 1
            work_may_be_left = batch.more_left or (
                batches > 0 and context.notifier.wait_for_interactive(timeout_s=WAKE_UP_TIMEOUT_S)
            )
            if not work_may_be_left:
                break
    finally:
        if work_may_be_left:
            context.notifier.notify_queue(Queue.INTERACTIVE, shards=1)
    return report if batches < 2 else f"{batches} micro-batches, the last: {report}"


def _claim_batch(context: Context, *, worker: str) -> ClaimedBatch:
    with context.database.write.begin() as session:
        return claims.claim_batch(
            session,
            Queue.INTERACTIVE,
            worker=worker,
            lease_s=context.settings.lease_s,
            max_shards=MAX_BATCH_SHARDS,
            max_images=MAX_BATCH_IMAGES,
        )
