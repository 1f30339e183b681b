"""Faults of messages: lost, duplicated, late, outdated, and unreadable for a worker of this version."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
import psutil
import pytest
from sqlalchemy import select

from core.broker import BUILD_ARCHIVE_TASK, DRAW_OVERLAY_TASK, INFER_SHARD_TASK, celery_app
from core.db.tables import Archive
from core.failpoints import Point
from core.notifier import WAKE_UP_LIST, Notifier, open_notifier
from core.states import JobState, Queue
from tests.faults.harness import FaultHarness
from tests.faults.messages import UNACKED, redeliver, send_notifications, wait_until_acknowledged
from tests.faults.observed_job import ObservedJob
from tests.http import archive, submit

IMAGES = 900

FOREIGN: dict[str, tuple[str, dict[str, object]]] = {
    "for an unknown queue": (INFER_SHARD_TASK, {"queue": "express"}),
    "for a queue that is not a string": (INFER_SHARD_TASK, {"queue": ["bulk"]}),
    "of an older version, which named the shard": (INFER_SHARD_TASK, {"shard": "5f0c"}),
    "of a newer version, which has another field": (INFER_SHARD_TASK, {"queue": "bulk", "priority": 3}),
    "for an unknown archive": (BUILD_ARCHIVE_TASK, {"archive": "5f0c"}),
    "for an unknown image": (DRAW_OVERLAY_TASK, {"job": "5f0c", "index": 7}),
    "of an unknown task": ("paint-shard", {"queue": "bulk"}),
}


def test_a_notification_lost_with_the_worker_that_took_it_is_sent_again(harness: FaultHarness) -> None:
    worker = suspended_while_it_waits(harness)

    with harness.job(60) as job, job.fault("1 worker killed between BRPOP and unacked", limit_s=20):
        with harness.redis.client() as redis:
            assert not redis.exists(Queue.BULK, UNACKED), "the notification is only in the suspended worker's socket"
        worker.kill()


def test_a_notification_lost_with_the_interactive_worker_is_sent_again(harness: FaultHarness) -> None:
    worker = harness.process("worker-interactive")
    processes = [worker, *worker.children()]
    for process in processes:
        process.suspend()

    with (
        harness.stack.client() as client,
        harness.observed(interactive_job(harness, client), client) as job,
        job.fault("1 interactive worker killed with its notification", limit_s=20),
        harness.redis.client() as redis,
    ):
        redis.delete(Queue.INTERACTIVE, WAKE_UP_LIST)  # if no BRPOP has taken the notification to the worker's socket
        for process in processes:
            process.kill()


def test_a_notification_redelivered_while_its_shard_runs_changes_nothing(harness: FaultHarness) -> None:
    harness.failpoints.inject(Point.BATCH_INFERRED, "sleep 5")

    with harness.job(IMAGES) as job:
        harness.failpoints.wait_for_hit(Point.BATCH_INFERRED)
        assert redeliver(harness)

    assert job.attempts() == {1}
    wait_until_acknowledged(harness)
    harness.note("9 shard longer than the visibility timeout")


@pytest.mark.fast_fault
def test_notifications_sent_three_times_change_nothing(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        send_notifications(harness, Queue.BULK, count=2 * len(job.shards()))

    assert job.attempts() == {1}
    wait_until_acknowledged(harness)
    harness.note("10 every notification sent three times")


@pytest.mark.fast_fault
def test_notifications_of_interactive_jobs_sent_three_times_change_nothing(harness: FaultHarness) -> None:
    with harness.stack.client() as client, harness.redis.client() as redis:
        jobs: list[ObservedJob] = []
        for _ in range(10):
            jobs.append(harness.observe(interactive_job(harness, client), client))
            send_notifications(harness, Queue.INTERACTIVE, count=2)
            redis.lpush(WAKE_UP_LIST, "", "")
        for job in jobs:
            job.wait_for_end()
            harness.check(job)

    assert [job.attempts() for job in jobs] == [{1}] * len(jobs)
    wait_until_acknowledged(harness)
    harness.note("10 every notification of an interactive job sent three times")


def test_notifications_of_a_cancelled_job_are_ignored(sqlite_harness: FaultHarness) -> None:
    with sqlite_harness.job(IMAGES) as job:
        job.wait_until_underway()
        job.client.post(f"/v1/jobs/{job.id}/cancel").raise_for_status()
        send_notifications(sqlite_harness, Queue.BULK, count=len(job.shards()))

    cancelled = job.row()
    wait_until_acknowledged(sqlite_harness)
    assert (cancelled.state, job.row().revision) == (JobState.CANCELLED, cancelled.revision)
    sqlite_harness.note("11 notifications of a cancelled job")


def test_notifications_of_a_deleted_job_are_ignored(sqlite_harness: FaultHarness) -> None:
    with sqlite_harness.job(60) as job:
        job.wait_for_end()
    with sqlite_harness.stack.client() as client:
        archive(client, {"id": job.id})
        with sqlite_harness.stack.database.read.begin() as session:
            archive_id = session.scalars(select(Archive.id).where(Archive.job_id == job.id)).one()
        client.delete(f"/v1/jobs/{job.id}").raise_for_status()

    notifier(sqlite_harness).notify_queue(Queue.BULK, shards=2)
    notifier(sqlite_harness).notify_archive(archive_id)
    notifier(sqlite_harness).notify_overlay(job.id, 0)

    wait_until_acknowledged(sqlite_harness)
    assert not sqlite_harness.storage.path(f"jobs/{job.id}").exists()
    sqlite_harness.note("11 notifications of a deleted job")


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_message_that_this_version_does_not_know_is_dropped(sqlite_harness: FaultHarness, kind: str) -> None:
    task, kwargs = FOREIGN[kind]
    app = celery_app(sqlite_harness.redis.url)

    with dropped(sqlite_harness), app.connection_for_write() as connection:
        app.send_task(task, kwargs=kwargs, queue=Queue.BULK, connection=connection)
    sqlite_harness.note(f"11 a message {kind}")


@pytest.mark.parametrize("body", [b"no json", b"[]", b"7", b""])
def test_a_message_whose_body_cannot_be_read_is_dropped(sqlite_harness: FaultHarness, body: bytes) -> None:
    with dropped(sqlite_harness), celery_app(sqlite_harness.redis.url).connection_for_write() as link:
        headers = {"task": INFER_SHARD_TASK, "id": uuid4().hex}
        link.Producer().publish(body, routing_key=Queue.BULK, content_type="application/json", headers=headers)
    sqlite_harness.note(f"11 a message with the body {body!r}")


@pytest.mark.parametrize("garbage", ["no json", "{}"])
def test_an_element_of_the_queue_that_is_no_message_is_dropped(sqlite_harness: FaultHarness, garbage: str) -> None:
    with sqlite_harness.job(IMAGES) as job:
        job.wait_until_underway()
        with (
            job.fault(f"11 {garbage!r} in the place of a message", needs_notification=True),
            sqlite_harness.redis.client() as redis,
        ):
            redis.rpush(Queue.BULK, garbage)

    wait_until_acknowledged(sqlite_harness)


def notifier(harness: FaultHarness) -> Notifier:
    return open_notifier(harness.stack.settings)


def interactive_job(harness: FaultHarness, client: httpx.Client) -> str:
    """Submit a job of one image, which the interactive queue takes, and return its id."""
    job_id: str = submit(client, harness.images(1))["id"]
    assert harness.observe(job_id, client).row().queue == Queue.INTERACTIVE
    return job_id


@contextmanager
def dropped(harness: FaultHarness) -> Iterator[None]:
    """Assert that the worker acknowledges what the block sends, keeps running, and still works."""
    worker = harness.process()
    yield
    wait_until_acknowledged(harness)
    with harness.job(60):
        pass
    assert harness.process() == worker


def suspended_while_it_waits(harness: FaultHarness) -> psutil.Process:
    """Suspend the worker at the start of a BRPOP: Redis pops a notification for it, which is recorded nowhere."""
    with harness.redis.client() as redis:
        redis.delete(UNACKED)  # messages that workers had taken before they were killed
    wait_until_acknowledged(harness)
    worker = harness.process()
    with harness.redis.client() as redis, redis.monitor() as monitor:
        for seen in monitor.listen():
            if {"BRPOP", Queue.BULK} <= set(seen["command"].split()):
                worker.suspend()
                return worker
    raise AssertionError("Redis ended")
