"""Notifications in a real Redis: how many lie there, and what a notifier does when something is broken."""

from collections.abc import Iterator

import pytest
from redis import Redis

from core.broker import celery_app
from core.notifier import WAKE_UP_LIST, Notifier
from core.states import Queue
from ops.ports import LOOPBACK, free_port
from servers.redis import RedisServer


@pytest.fixture
def url(redis: RedisServer) -> str:
    return redis.url.removesuffix("/0") + "/2"  # the workers of a running stack listen to another database


@pytest.fixture
def server(url: str) -> Iterator[Redis]:
    with Redis.from_url(url) as server:
        server.flushdb()
        yield server


@pytest.fixture
def notifier(url: str, server: Redis) -> Notifier:
    return Notifier(celery_app(url))


def test_the_bulk_queue_gets_a_notification_per_shard(notifier: Notifier) -> None:
    notifier.notify_queue(Queue.BULK, shards=3)

    assert notifier.pending(Queue.BULK) == 3


def test_the_interactive_queue_has_one_notification_and_one_wake_up_however_often_it_is_notified(
    notifier: Notifier, server: Redis
) -> None:
    for _ in range(3):
        notifier.notify_queue(Queue.INTERACTIVE, shards=2)

    assert notifier.pending(Queue.INTERACTIVE) == 1
    assert server.llen(WAKE_UP_LIST) == 1


def test_a_waiting_worker_wakes_once_per_notification(notifier: Notifier) -> None:
    notifier.notify_queue(Queue.INTERACTIVE, shards=1)

    woken = [notifier.wait_for_interactive(timeout_s=0.05) for _ in range(2)]

    assert woken == [True, False]


def test_a_broken_wake_up_list_keeps_no_notification_from_its_queue(notifier: Notifier, server: Redis) -> None:
    server.set(WAKE_UP_LIST, "not a list")

    notifier.notify_queue(Queue.INTERACTIVE, shards=1)

    assert notifier.pending(Queue.INTERACTIVE) == 1
    assert not notifier.wait_for_interactive(timeout_s=0.05)


@pytest.mark.parametrize(("overlay", "then"), [(True, "the client has to ask again"), (False, "the renotifier will")])
def test_a_redis_that_is_away_is_logged_with_what_happens_next(
    overlay: bool, then: str, caplog: pytest.LogCaptureFixture
) -> None:
    away = Notifier(celery_app(f"redis://{LOOPBACK}:{free_port()}/0"))

    if overlay:
        away.notify_overlay("0" * 32, 0)
    else:
        away.notify_archive("0" * 32)

    assert then in caplog.text
