"""The bell contract: Celery messages that say "there is work", and nothing that cannot be lost.

Every bell is JSON of a few dozen bytes. A lost one is rung again by the sweep; a doubled or stale one changes nothing.
"""

import logging
from collections.abc import Iterable
from functools import cache

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.db.tables import Job
from core.failpoints import Point, failpoint
from core.settings import Settings
from core.states import JobKind, Lane

INFER = "infer-shard"
DRAW = "draw-overlay"
ARCHIVE = "build-archive"
ARCHIVE_QUEUE = "archive"
OVERLAY_QUEUE = "overlay"
"""Beside the interactive lane, not in it: whoever looks at many overlays must not hold up a prediction."""

ENDED = "batchlight:ended"
"""The channel that carries the ids of jobs which have ended and which somebody may be waiting for."""

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


class Bells:
    """Rings after a commit; a bell that cannot be rung is logged and left to the sweep."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._redis = Redis.from_url(
            app.conf.broker_url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )

    def tell_ended(self, jobs: Iterable[Job]) -> None:
        """Wakes who waits for those of these that have ended; whom that does not reach looks by himself."""
        ended = [job.id for job in jobs if job.state.ended and job.kind == JobKind.PREDICT]
        try:
            if ended:
                self._redis.publish(ENDED, " ".join(ended))
        except RING_FAILURES as failure:
            log.warning("could not tell that a job has ended (%s); who waits will look", failure)

    def ring_job(self, job: Job) -> None:
        """One bell a shard, for the job's lane."""
        self.ring_lane(job.lane, times=job.shards)

    def ring_lane(self, lane: Lane, *, times: int) -> None:
        """So many bells; in the interactive lane, where whoever hears one takes all there is, one at most.

        There, a bell that still lies in Redis will do: who hears it claims later than now, after what was committed.
        """
        messages: list[dict[str, object]] = [{"lane": lane.value}] * times
        try:
            if lane == Lane.INTERACTIVE:
                messages = [] if self.waiting(lane) else messages[:1]
        except RING_FAILURES as failure:
            log.warning("could not ring in %s (%s); the sweep will", lane, failure)
        else:
            self._ring(INFER, messages, queue=lane.value)

    def heard(self, lane: Lane, *, within_s: float) -> bool:
        """Whether a bell rings in this lane meanwhile; it is taken then, and the caller has to answer it."""
        try:
            return self._redis.blpop([lane.value], timeout=within_s) is not None
        except RING_FAILURES:
            return False

    def ring_archive(self, archive_id: str) -> None:
        self._ring(ARCHIVE, [{"archive": archive_id}], queue=ARCHIVE_QUEUE)

    def ring_overlay(self, job_id: str, index: int) -> None:
        self._ring(DRAW, [{"job": job_id, "index": index}], queue=OVERLAY_QUEUE)

    def waiting(self, queue: str) -> int:
        """How many bells lie in this queue, unheard; raises OSError or RedisError when Redis is away."""
        return int(self._redis.llen(queue))

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
