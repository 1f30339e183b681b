"""Notifications: Celery messages that say that a queue has work, or name one archive or overlay to make.

Shards, archives and their states are rows, so a lost notification only delays work: the renotifier sends it again. A
lost request for an overlay is not repeated: the client asks again. A duplicate or outdated notification makes a worker
claim nothing. So work is accepted while Redis is away.

The two queues of shards have a protocol each:

    bulk          one notification per shard; a worker claims one shard per notification
    interactive   at most one notification in Redis; the worker that takes it claims until no shard is left
                  (`worker.inference.serving`), and a second list wakes it while it waits for more work
"""

import logging
from collections.abc import Iterable

from celery import Celery
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core import completions
from core.broker import (
    ARCHIVE_QUEUE,
    BROKER_ERRORS,
    BUILD_ARCHIVE_TASK,
    DRAW_OVERLAY_TASK,
    INFER_SHARD_TASK,
    OVERLAY_QUEUE,
    celery_app,
)
from core.db.tables import Job
from core.failpoints import Point, failpoint
from core.settings import Settings
from core.states import Queue

REDIS_TIMEOUT_S = 1.0

WAKE_UP_LIST = "batchlight:interactive-wake-up"
"""A Redis list with at most one element, which a worker of the interactive queue waits for between two claims."""

log = logging.getLogger(__name__)

Arguments = dict[str, object]


class Notifier:
    """Notifies workers after a commit. A notification that cannot be sent is logged and left to the renotifier."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._redis = Redis.from_url(
            app.conf.broker_url,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )

    def notify_job(self, job: Job) -> None:
        """Notify the workers of the job's queue of every shard of its current run."""
        self.notify_queue(job.queue, shards=job.shards)

    def notify_queue(self, queue: Queue, *, shards: int) -> None:
        """Notify the workers of this queue that so many more of its shards are queued."""
        if queue == Queue.INTERACTIVE:
            self._notify_interactive()
        else:
            self._send(INFER_SHARD_TASK, [{"queue": queue.value}] * shards, queue=queue.value)

    def notify_archive(self, archive_id: str) -> None:
        """Notify the workers that this archive waits to be built."""
        self._send(BUILD_ARCHIVE_TASK, [{"archive": archive_id}], queue=ARCHIVE_QUEUE)

    def notify_overlay(self, job_id: str, index: int) -> None:
        """Ask a worker to draw the overlay of image `index` of this job."""
        self._send(DRAW_OVERLAY_TASK, [{"job": job_id, "index": index}], queue=OVERLAY_QUEUE)

    def publish_completed(self, jobs: Iterable[Job]) -> None:
        """Tell waiting API processes which of these jobs have ended."""
        completions.publish_completed(self._redis, jobs)

    def pending(self, queue: str) -> int:
        """Return how many notifications lie in this queue, taken by no worker; raises one of BROKER_ERRORS."""
        return int(self._redis.llen(queue))

    def wait_for_interactive(self, *, timeout_s: float) -> bool:
        """Wait until the interactive queue is notified again; False after `timeout_s` or if Redis is away."""
        try:
            return self._redis.blpop([WAKE_UP_LIST], timeout=timeout_s) is not None
        except BROKER_ERRORS:
            return False

    def _notify_interactive(self) -> None:
        """Wake a worker that waits, and make sure that one notification lies in the queue.

        One that lies there already is enough: the worker that takes it claims later than now, after this commit.
        """
        queue = Queue.INTERACTIVE.value
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.llen(queue)
                pipeline.lpush(WAKE_UP_LIST, "")
                pipeline.ltrim(WAKE_UP_LIST, 0, 0)
                pending, *_ = pipeline.execute(raise_on_error=False)  # a broken wake-up list must not keep the message
        except BROKER_ERRORS as failure:
            _log_unsent(INFER_SHARD_TASK, queue, failure)
            return
        if pending == 0:
            self._send(INFER_SHARD_TASK, [{"queue": queue}], queue=queue)

    def _send(self, task: str, messages: Iterable[Arguments], *, queue: str) -> None:
        try:
            with self._app.producer_or_acquire() as producer:
                for arguments in messages:
                    self._app.send_task(task, kwargs=arguments, queue=queue, producer=producer)
                    failpoint(Point.NOTIFICATION_SENT, queue)
        except BROKER_ERRORS as failure:
            _log_unsent(task, queue, failure)


def open_notifier(settings: Settings) -> Notifier:
    """Return a notifier over the Redis of these settings; nothing is connected yet."""
    return Notifier(celery_app(settings.redis_url.get_secret_value()))


def _log_unsent(task: str, queue: str, failure: Exception) -> None:
    later = "the client has to ask again" if task == DRAW_OVERLAY_TASK else "the renotifier will"
    log.warning("cannot send the notification %s to queue %s (%s); %s", task, queue, failure, later)
