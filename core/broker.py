"""The Celery application that producers and workers share: task names, queue names, and how Redis is reached."""

from functools import cache

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

INFER_SHARD_TASK = "infer-shard"
DRAW_OVERLAY_TASK = "draw-overlay"
BUILD_ARCHIVE_TASK = "build-archive"

ARCHIVE_QUEUE = "archive"
OVERLAY_QUEUE = "overlay"
"""Separate from the interactive queue, so that a client that looks at many overlays does not delay predictions."""

PRODUCER_SOCKET_TIMEOUT_S = 1.0
WORKER_SOCKET_TIMEOUT_S = 10.0

BROKER_ERRORS = (OperationalError, RedisError, OSError)
"""What an unreachable, failing or full Redis raises, through Celery or directly."""


@cache
def celery_app(redis_url: str, *, socket_timeout_s: float = PRODUCER_SOCKET_TIMEOUT_S) -> Celery:
    """Return the Celery application for this Redis: no result backend, JSON only, sockets that time out.

    A producer's timeout is short because a request waits for it. It connects at most twice, so a request waits for
    twice the timeout at most. A worker's sockets wait for messages and have the long timeout.
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
