"""Faults of Redis: killed, wiped, frozen, away, full, connections reset; and the watchdog that ends stalled workers."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from core.broker import celery_app
from core.failpoints import Point
from core.states import Queue
from servers.redis import RedisServer
from tests.faults.failpoints import POLL_INTERVAL_S
from tests.faults.harness import FaultHarness
from tests.faults.observed_job import ObservedJob
from tests.http import TIMEOUT_S, submit_zip, zipped

IMAGES = 900
PROCESSES = 2
NODES = 2
MAX_ANSWER_S = 3.0
FROZEN_S = 30.0
FULL_S = 3.0


@pytest.mark.fast_fault
def test_work_goes_on_after_redis_was_killed_and_started_again(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault("12 Redis killed and started again", limit_s=30, needs_notification=True), down(harness.redis):
            pass


def test_no_worker_stalls_when_redis_restarts_while_every_process_works(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        wait_until_every_process_infers(harness, job)
        with (
            job.fault("13 Redis restarted while every process works", limit_s=30, needs_notification=True),
            down(harness.redis),
        ):
            pass


@pytest.mark.fast_fault
def test_a_worker_that_receives_no_notification_of_waiting_work_is_replaced(sqlite_harness: FaultHarness) -> None:
    worker, stall_s = sqlite_harness.process(), sqlite_harness.stack.settings.stall_s
    app = celery_app(sqlite_harness.redis.url)
    with app.connection_for_write() as connection:
        app.control.cancel_consumer(Queue.BULK, connection=connection, reply=True, timeout=5, limit=NODES)

    with (
        sqlite_harness.job(60) as job,
        job.fault(f"13 a worker that receives nothing (for {stall_s:.0f} s here)", limit_s=stall_s + 20),
    ):
        pass

    assert not worker.is_running()


@pytest.mark.fast_fault
def test_every_notification_is_sent_again_after_redis_was_wiped(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault("14 Redis wiped", limit_s=60, needs_notification=True), harness.redis.client() as redis:
            redis.flushall()


def test_the_api_answers_and_accepts_while_redis_is_frozen(sqlite_harness: FaultHarness) -> None:
    with sqlite_harness.job(IMAGES) as job:
        job.wait_until_underway()
        with (
            job.fault(f"15 Redis frozen for {FROZEN_S:.0f} s", limit_s=30, needs_notification=True),
            frozen(sqlite_harness.redis),
        ):
            until = time.monotonic() + FROZEN_S
            accepted = [accept(sqlite_harness, job.client, images=images) for images in (1, 60, 600)]
            assert_answered_soon(job.client.get("/readyz"))
            time.sleep(max(0.0, until - time.monotonic()))
        for job_id in accepted:
            with sqlite_harness.observed(job_id, job.client):
                pass


def test_a_job_accepted_without_redis_runs_when_it_is_back(sqlite_harness: FaultHarness) -> None:
    with sqlite_harness.stack.client() as client:
        with down(sqlite_harness.redis):
            accepted = accept(sqlite_harness, client, images=60)

        with (
            sqlite_harness.observed(accepted, client) as job,
            job.fault("16 Redis down at submit", limit_s=30, needs_notification=True),
        ):
            pass


def test_reset_connections_duplicate_no_work(sqlite_harness: FaultHarness) -> None:
    with sqlite_harness.job(IMAGES) as job:
        wait_until_every_process_infers(sqlite_harness, job)
        with (
            job.fault("17 every connection to Redis reset", limit_s=30, needs_notification=True),
            sqlite_harness.redis.client() as redis,
        ):
            for kind in ("normal", "pubsub"):
                redis.client_kill_filter(_type=kind)

    assert {shard.attempt for shard in job.shards()} == {1}


def test_work_goes_on_after_redis_was_full(sqlite_harness: FaultHarness) -> None:
    with sqlite_harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault("20 Redis full", limit_s=60, needs_notification=True), full(sqlite_harness.redis):
            accepted = accept(sqlite_harness, job.client, images=60)
            time.sleep(FULL_S)
        with sqlite_harness.observed(accepted, job.client):
            pass


def wait_until_every_process_infers(harness: FaultHarness, job: ObservedJob) -> None:
    """Return when every worker process infers a batch that takes 2 s."""
    harness.failpoints.inject(Point.BATCH_INFERRED, "always sleep 2")
    until = time.monotonic() + TIMEOUT_S
    while len(job.running_attempts()) < PROCESSES:
        assert time.monotonic() < until, "not every process has claimed a shard"
        time.sleep(POLL_INTERVAL_S)
    time.sleep(0.3)  # from the claim to the first batch
    harness.failpoints.clear()


def accept(harness: FaultHarness, client: httpx.Client, *, images: int) -> str:
    """Submit a job, assert that it is accepted soon, and return its id."""
    response = submit_zip(client, zipped(harness.images(images)))
    assert response.status_code == 202, response.text
    assert_answered_soon(response)
    job_id: str = response.json()["id"]
    return job_id


def assert_answered_soon(response: httpx.Response) -> None:
    response.raise_for_status()
    assert response.elapsed.total_seconds() < MAX_ANSWER_S


@contextmanager
def down(redis: RedisServer) -> Iterator[None]:
    redis.crash()
    try:
        yield
    finally:
        redis.start()


@contextmanager
def frozen(redis: RedisServer) -> Iterator[None]:
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(redis.pid, signal.SIGCONT)


@contextmanager
def full(redis: RedisServer) -> Iterator[None]:
    with redis.client() as client:
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", 0)
