"""The messages in a harness's Redis: sent twice, redelivered, and awaited until none is left."""

import time
from typing import Any

from core.broker import ARCHIVE_QUEUE, INFER_SHARD_TASK, OVERLAY_QUEUE, celery_app
from core.states import Queue
from tests.faults.failpoints import POLL_INTERVAL_S
from tests.faults.harness import FaultHarness
from tests.http import TIMEOUT_S

UNACKED = "unacked"
"""Kombu's hash of the messages that a worker has taken and not acknowledged."""


def send_notifications(harness: FaultHarness, queue: Queue, *, count: int) -> None:
    """Put this many notifications into a queue, whatever is in it already; the notifier would add fewer."""
    app = celery_app(harness.redis.url)
    with app.connection_for_write() as connection:
        for _ in range(count):
            app.send_task(INFER_SHARD_TASK, kwargs={"queue": queue.value}, queue=queue.value, connection=connection)


def redeliver(harness: FaultHarness) -> int:
    """Put every unacknowledged message back, as kombu does after the visibility timeout; return how many."""
    with celery_app(harness.redis.url).connection_for_write() as connection:
        channel: Any = connection.default_channel
        tags = channel.client.hkeys(UNACKED)
        for tag in tags:
            channel.qos.restore_by_tag(tag)
    return len(tags)


def wait_until_acknowledged(harness: FaultHarness) -> None:
    """Return when workers have taken and acknowledged every message."""
    until_s = time.monotonic() + TIMEOUT_S
    with harness.redis.client() as redis:
        while left := [key for key in (*Queue, ARCHIVE_QUEUE, OVERLAY_QUEUE, UNACKED) if redis.exists(key)]:
            assert time.monotonic() < until_s, f"still there: {left}"
            time.sleep(POLL_INTERVAL_S)
