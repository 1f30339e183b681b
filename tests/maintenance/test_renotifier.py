"""The renotifier sends lost notifications again."""

import pytest
from redis import Redis

from core.broker import ARCHIVE_QUEUE, celery_app
from core.db.engines import Database
from core.jobs import archives, claims, shards
from core.notifier import Notifier
from core.states import Queue
from maintenance.renotifier import renotify
from servers.redis import RedisServer
from tests.databases import results_of, submit


@pytest.fixture
def notifier(redis: RedisServer) -> Notifier:
    url = redis.url.removesuffix("/0") + "/1"  # a running stack's workers listen in the other
    with Redis.from_url(url) as server:
        server.flushdb()
    return Notifier(celery_app(url))


def test_lost_notifications_are_sent_again_and_no_more_than_needed(database: Database, notifier: Notifier) -> None:
    with database.write.begin() as session:
        submit(session, counts=(1, 1, 1))

    for _ in range(3):
        renotify(database, notifier)

    assert notifier.pending(Queue.BULK) == 3
    assert notifier.pending(Queue.INTERACTIVE) == 0


def test_a_queued_archive_without_a_notification_gets_one(database: Database, notifier: Notifier) -> None:
    with database.write.begin() as session:
        submit(session, counts=(1,))
        claimed = claims.claim(session, Queue.BULK, worker="w", lease_s=60)
        assert claimed
        job = shards.finish(session, claimed[0], results_of(claimed[0]), engine="onnx")
        assert job
        archives.request(session, job)

    renotify(database, notifier)

    assert notifier.pending(ARCHIVE_QUEUE) == 1
