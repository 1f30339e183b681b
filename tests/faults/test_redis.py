"""Faults of Redis: killed, wiped, frozen, gone, full, its connections reset; and the watchdog that ends who stalls."""

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
from tests.faults.ground import LOOK_EVERY_S, Ground, Run
from tests.http import PATIENCE_S, submit_zip, zipped

IMAGES = 900
PROCESSES = 2
NODES = 2
ANSWER_S = 3.0
FROZEN_S = 30.0
FULL_S = 3.0


@pytest.mark.core
def test_work_goes_on_after_redis_was_killed_and_started_again(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        run.under_way()
        with run.fault("12 Redis killed and started again", limit_s=30, heard=True), down(ground.redis):
            pass


def test_no_worker_stalls_when_redis_restarts_while_every_process_works(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        everybody_works(run)
        with run.fault("13 Redis restarted while every process works", limit_s=30, heard=True), down(ground.redis):
            pass


@pytest.mark.core
def test_a_worker_that_hears_nothing_of_waiting_work_is_replaced(sqlite_ground: Ground) -> None:
    deaf, stall_s = sqlite_ground.worker(), sqlite_ground.stack.settings.stall_s
    app = celery_app(sqlite_ground.redis.url)
    with app.connection_for_write() as connection:
        app.control.cancel_consumer(Queue.BULK, connection=connection, reply=True, timeout=5, limit=NODES)

    with (
        sqlite_ground.job(60) as run,
        run.fault(f"13 a worker that hears nothing (for {stall_s:.0f} s here)", limit_s=stall_s + 20),
    ):
        pass

    assert not deaf.is_running()


@pytest.mark.core
def test_every_bell_rings_again_after_redis_was_wiped(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        run.under_way()
        with run.fault("14 Redis wiped", limit_s=60, heard=True), ground.redis.client() as redis:
            redis.flushall()


def test_the_api_answers_and_accepts_while_redis_is_frozen(sqlite_ground: Ground) -> None:
    with sqlite_ground.job(IMAGES) as run:
        run.under_way()
        with run.fault(f"15 Redis frozen for {FROZEN_S:.0f} s", limit_s=30, heard=True), frozen(sqlite_ground.redis):
            until = time.monotonic() + FROZEN_S
            accepted = [accept(sqlite_ground, run.client, images=images) for images in (1, 60, 600)]
            answers_soon(run.client.get("/readyz"))
            time.sleep(max(0.0, until - time.monotonic()))
        for job_id in accepted:
            with sqlite_ground.watched(job_id, run.client):
                pass


def test_a_job_accepted_without_redis_runs_when_it_is_back(sqlite_ground: Ground) -> None:
    with sqlite_ground.stack.client() as client:
        with down(sqlite_ground.redis):
            accepted = accept(sqlite_ground, client, images=60)

        with (
            sqlite_ground.watched(accepted, client) as run,
            run.fault("16 Redis down at submit", limit_s=30, heard=True),
        ):
            pass


def test_reset_connections_double_nothing(sqlite_ground: Ground) -> None:
    with sqlite_ground.job(IMAGES) as run:
        everybody_works(run)
        with (
            run.fault("17 every connection to Redis reset", limit_s=30, heard=True),
            sqlite_ground.redis.client() as redis,
        ):
            for kind in ("normal", "pubsub"):
                redis.client_kill_filter(_type=kind)

    assert {shard.attempt for shard in run.shards()} == {1}


def test_work_goes_on_after_redis_was_full(sqlite_ground: Ground) -> None:
    with sqlite_ground.job(IMAGES) as run:
        run.under_way()
        with run.fault("20 Redis full", limit_s=60, heard=True), full(sqlite_ground.redis):
            accepted = accept(sqlite_ground, run.client, images=60)
            time.sleep(FULL_S)
        with sqlite_ground.watched(accepted, run.client):
            pass


def everybody_works(run: Run) -> None:
    """Returns when every process is at a batch that takes a while."""
    run.ground.plant(Point.BATCH_INFERRED, "always sleep 2")
    until = time.monotonic() + PATIENCE_S
    while len(run.held()) < PROCESSES:
        assert time.monotonic() < until, "not every process works"
        time.sleep(LOOK_EVERY_S)
    time.sleep(0.3)  # from the claim to the first batch
    run.ground.clear()


def accept(ground: Ground, client: httpx.Client, *, images: int) -> str:
    """The id of a job that was accepted soon."""
    response = submit_zip(client, zipped(ground.images(images)))
    assert response.status_code == 202, response.text
    answers_soon(response)
    job_id: str = response.json()["id"]
    return job_id


def answers_soon(response: httpx.Response) -> None:
    response.raise_for_status()
    assert response.elapsed.total_seconds() < ANSWER_S


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
