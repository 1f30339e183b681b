"""Faults of the messages: lost, doubled, late, stale, and such as no worker of this version understands."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psutil
import pytest
from sqlalchemy import select

from core.broker import (
    ARCHIVE_QUEUE,
    BUILD_ARCHIVE_TASK,
    DRAW_OVERLAY_TASK,
    INFER_SHARD_TASK,
    OVERLAY_QUEUE,
    celery_app,
)
from core.db.tables import Archive
from core.failpoints import Point
from core.notifier import Notifier, open_notifier
from core.states import JobState, Queue
from tests.faults.ground import LOOK_EVERY_S, Ground
from tests.http import PATIENCE_S, archive

IMAGES = 900
UNACKED = "unacked"
"""Kombu's hash of the messages that a worker has taken and not acknowledged."""

FOREIGN: dict[str, tuple[str, dict[str, object]]] = {
    "an unknown queue": (INFER_SHARD_TASK, {"queue": "express"}),
    "a queue that is no word": (INFER_SHARD_TASK, {"queue": ["bulk"]}),
    "an older version, which named the shard": (INFER_SHARD_TASK, {"shard": "5f0c"}),
    "a newer version, which says more": (INFER_SHARD_TASK, {"queue": "bulk", "priority": 3}),
    "an unknown archive": (BUILD_ARCHIVE_TASK, {"archive": "5f0c"}),
    "an unknown image": (DRAW_OVERLAY_TASK, {"job": "5f0c", "index": 7}),
    "an unknown task": ("paint-shard", {"queue": "bulk"}),
}


def test_a_bell_lost_with_the_worker_that_took_it_is_rung_again(ground: Ground) -> None:
    worker = frozen_while_it_listens(ground)

    with ground.job(60) as run, run.fault("1 worker killed between BRPOP and unacked", limit_s=20):
        with ground.redis.client() as redis:
            assert not redis.exists(Queue.BULK, UNACKED), "the bell lies in the frozen worker's socket alone"
        worker.kill()


def test_a_bell_redelivered_while_its_shard_runs_changes_nothing(ground: Ground) -> None:
    ground.plant(Point.BATCH_INFERRED, "sleep 5")

    with ground.job(IMAGES) as run:
        run.struck(Point.BATCH_INFERRED)
        assert redeliver(ground)

    assert {shard.attempt for shard in run.shards()} == {1}
    await_silence(ground)
    ground.note("9 shard longer than the visibility timeout")


@pytest.mark.core
def test_bells_rung_three_times_change_nothing(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        notifier(ground).notify_queue(Queue.BULK, shards=2 * len(run.shards()))

    assert {shard.attempt for shard in run.shards()} == {1}
    await_silence(ground)
    ground.note("10 every bell rung three times")


def test_bells_of_a_cancelled_job_are_ignored(sqlite_ground: Ground) -> None:
    with sqlite_ground.job(IMAGES) as run:
        run.under_way()
        run.client.post(f"/v1/jobs/{run.id}/cancel").raise_for_status()
        notifier(sqlite_ground).notify_queue(Queue.BULK, shards=len(run.shards()))

    cancelled = run.row()
    await_silence(sqlite_ground)
    assert (cancelled.state, run.row().revision) == (JobState.CANCELLED, cancelled.revision)
    sqlite_ground.note("11 bells of a cancelled job")


def test_bells_of_a_deleted_job_are_ignored(sqlite_ground: Ground) -> None:
    with sqlite_ground.job(60) as run:
        run.end()
    with sqlite_ground.stack.client() as client:
        archive(client, {"id": run.id})
        with sqlite_ground.stack.database.read.begin() as session:
            archive_id = session.scalars(select(Archive.id).where(Archive.job_id == run.id)).one()
        client.delete(f"/v1/jobs/{run.id}").raise_for_status()

    notifier(sqlite_ground).notify_queue(Queue.BULK, shards=2)
    notifier(sqlite_ground).notify_archive(archive_id)
    notifier(sqlite_ground).notify_overlay(run.id, 0)

    await_silence(sqlite_ground)
    assert not sqlite_ground.storage.path(f"jobs/{run.id}").exists()
    sqlite_ground.note("11 bells of a deleted job")


@pytest.mark.parametrize("of", FOREIGN)
def test_a_message_of_another_version_is_dropped(sqlite_ground: Ground, of: str) -> None:
    task, kwargs = FOREIGN[of]
    app = celery_app(sqlite_ground.redis.url)

    with unmoved(sqlite_ground), app.connection_for_write() as connection:
        app.send_task(task, kwargs=kwargs, queue=Queue.BULK, connection=connection)
    sqlite_ground.note(f"11 a message of {of}")


@pytest.mark.parametrize("body", [b"no json", b"[]", b"7", b""])
def test_a_message_whose_body_cannot_be_read_is_dropped(sqlite_ground: Ground, body: bytes) -> None:
    with unmoved(sqlite_ground), celery_app(sqlite_ground.redis.url).connection_for_write() as link:
        headers = {"task": INFER_SHARD_TASK, "id": uuid4().hex}
        link.Producer().publish(body, routing_key=Queue.BULK, content_type="application/json", headers=headers)
    sqlite_ground.note(f"11 a message with the body {body!r}")


@pytest.mark.parametrize("garbage", ["no json", "{}"])
def test_what_is_no_message_is_dropped(sqlite_ground: Ground, garbage: str) -> None:
    with sqlite_ground.job(IMAGES) as run:
        run.under_way()
        with run.fault(f"11 {garbage!r} in the place of a message", heard=True), sqlite_ground.redis.client() as redis:
            redis.rpush(Queue.BULK, garbage)

    await_silence(sqlite_ground)


def notifier(ground: Ground) -> Notifier:
    return open_notifier(ground.stack.settings)


def await_silence(ground: Ground) -> None:
    """Returns when every message was heard and acknowledged."""
    until = time.monotonic() + PATIENCE_S
    with ground.redis.client() as redis:
        while left := [key for key in (*Queue, ARCHIVE_QUEUE, OVERLAY_QUEUE, UNACKED) if redis.exists(key)]:
            assert time.monotonic() < until, f"still there: {left}"
            time.sleep(LOOK_EVERY_S)


@contextmanager
def unmoved(ground: Ground) -> Iterator[None]:
    """What the block sends is heard by the worker, which neither ends nor stops working."""
    worker = ground.worker()
    yield
    await_silence(ground)
    with ground.job(60):
        pass
    assert ground.worker() == worker


def frozen_while_it_listens(ground: Ground) -> psutil.Process:
    """The worker, frozen at the beginning of a BRPOP: Redis pops a bell for it, and nobody notes that it is its."""
    with ground.redis.client() as redis:
        redis.delete(UNACKED)  # what workers that were killed before had taken
    await_silence(ground)
    worker = ground.worker()
    with ground.redis.client() as redis, redis.monitor() as monitor:
        for seen in monitor.listen():
            if {"BRPOP", Queue.BULK} <= set(seen["command"].split()):
                worker.suspend()
                return worker
    raise AssertionError("Redis ended")


def redeliver(ground: Ground) -> int:
    """What kombu does after the visibility timeout: puts every unacknowledged message back. Says how many."""
    with celery_app(ground.redis.url).connection_for_write() as connection:
        channel: Any = connection.default_channel
        tags = channel.client.hkeys(UNACKED)
        for tag in tags:
            channel.qos.restore_by_tag(tag)
    return len(tags)
