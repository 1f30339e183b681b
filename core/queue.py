"""The bell contract: Celery messages that say "there is work", and nothing that cannot be lost.

Every bell is JSON of a few dozen bytes. A lost one is rung again by the sweep; a doubled or stale one changes nothing.
"""

import logging
from collections.abc import Iterable
from functools import cache
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.failpoints import Point, failpoint
from core.settings import Settings
from core.states import Lane
from core.tables import Job

INFER = "infer-shard"
DRAW = "draw-overlay"
ARCHIVE = "build-archive"
ARCHIVE_QUEUE = "archive"
OVERLAY_QUEUE = "overlay"
"""Beside the interactive lane, not in it: whoever looks at many overlays must not hold up a prediction."""

ENDED = "batchlight:ended"
"""The channel that carries the ids of jobs which have ended and which somebody may be waiting for."""

CLAIMED_TOGETHER = 16
"""Most shards of the interactive lane that a worker takes at once."""

RING_FAILURES = (OperationalError, RedisError, OSError)

log = logging.getLogger(__name__)


@cache
def celery_app(redis_url: str, *, socket_timeout_s: float = 1) -> Celery:
    """The Celery application of producers and workers: no result backend, JSON only, sockets that time out.

    A producer gives up soon, because a request waits for it, and for twice the time-out: a second connection is tried.
    A worker's sockets wait for messages.
    """
    app = Celery("batchlight", broker=redis_url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=True,
        task_reject_on_worker_lost=False,
        task_create_missing_queues=True,
        task_publish_retry=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=3,
        broker_pool_limit=16,
        broker_pool_acquire_timeout=2,
        broker_transport_options={
            "visibility_timeout": 3600,
            "socket_timeout": socket_timeout_s,
            "socket_connect_timeout": 2,
            "max_retries": 1,
            "interval_start": 0,
            "socket_keepalive": True,
            "health_check_interval": 5,
            "retry_on_timeout": False,
        },
    )
    return app


def bells_needed(lane: Lane, *, shards: int) -> int:
    """So many bells wake as many workers as can share these shards: they take small ones together, large ones alone."""
    return -(-shards // CLAIMED_TOGETHER) if lane == Lane.INTERACTIVE else shards


class Bells:
    """Rings after a commit; a bell that cannot be rung is logged and left to the sweep."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._redis = Redis.from_url(
            app.conf.broker_url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )

    def ring_job(self, job: Job) -> None:
        self.ring_lane(job.lane, times=bells_needed(job.lane, shards=job.shards))

    def tell_ended(self, job_ids: Iterable[str]) -> None:
        """Wakes who waits for these jobs; whom that does not reach looks by himself."""
        try:
            self._redis.publish(ENDED, " ".join(job_ids))
        except RING_FAILURES as failure:
            log.warning("could not tell that a job has ended (%s); who waits will look", failure)

    def ring_lane(self, lane: Lane, *, times: int) -> None:
        self._ring(INFER, [{"lane": lane.value}] * times, queue=lane.value)

    def ring_archive(self, archive_id: str) -> None:
        self._ring(ARCHIVE, [{"archive": archive_id}], queue=ARCHIVE_QUEUE)

    def ring_overlay(self, job_id: str, index: int) -> None:
        self._ring(DRAW, [{"job": job_id, "index": index}], queue=OVERLAY_QUEUE)

    def waiting(self, queue: str) -> int:
        """How many bells lie in this queue, unheard; raises OSError or RedisError when Redis is away."""
        with self._app.connection_for_read() as connection:
            channel: Any = connection.default_channel
            return int(channel.client.llen(queue))

    def _ring(self, task: str, messages: Iterable[dict[str, object]], *, queue: str) -> None:
        try:
            with self._app.producer_or_acquire() as producer:
                for kwargs in messages:
                    self._app.send_task(task, kwargs=kwargs, queue=queue, producer=producer)
                    failpoint(Point.BELL_RUNG, queue)
        except RING_FAILURES as failure:
            log.warning("could not ring %s in %s (%s); the sweep will", task, queue, failure)


def bells(settings: Settings) -> Bells:
    return Bells(celery_app(settings.redis_url.get_secret_value()))
