"""Completion events: a request that waits for a job hears of its end, and finds the end without an event too."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from api import completions
from api.completions import CompletionListener
from core.completions import COMPLETIONS_CHANNEL
from core.db.engines import open_database
from core.jobs import claims, shards
from core.jobs.items import ShardResult
from core.states import Queue
from ops.ports import LOOPBACK, free_port
from servers.redis import RedisServer, redis_server
from tests.api.conftest import SmallApi
from tests.databases import results_of

TIMEOUT_S = 10.0


async def publish_until_received(redis: RedisServer, listener: CompletionListener, *, job_id: str) -> None:
    """Publish again and again: an event is lost if it is published before the listener has subscribed."""
    with listener.expect(job_id) as completed, Redis.from_url(redis.url) as server:
        deadline = time.monotonic() + TIMEOUT_S
        while not completed.is_set():
            assert time.monotonic() < deadline, "the event was not received"
            server.publish(COMPLETIONS_CHANNEL, f"another {job_id}")
            await asyncio.sleep(0.02)


def test_an_event_is_received_even_after_redis_was_away() -> None:
    async def receive_two(redis: RedisServer) -> None:
        listener = CompletionListener(redis.url)
        async with listener.listening():
            await publish_until_received(redis, listener, job_id="first")
            redis.crash()
            redis.start()
            await publish_until_received(redis, listener, job_id="second")

    with redis_server() as redis:
        asyncio.run(receive_two(redis))


def test_a_redis_that_stays_away_is_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completions, "RECONNECT_DELAY_S", 0.01)

    async def listen() -> None:
        async with CompletionListener(f"redis://{LOOPBACK}:{free_port()}/0").listening():
            await asyncio.sleep(0.3)

    asyncio.run(listen())

    assert [record.levelname for record in caplog.records if record.name == completions.__name__] == ["WARNING"]


def test_a_prediction_whose_event_was_lost_is_answered_nonetheless(small: SmallApi) -> None:
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(small.client.post, "/predict", content=b"x")
        fail_the_image(small)
        committed_at = time.monotonic()
        response = answer.result()

    assert (response.status_code, response.json()["code"]) == (415, "not_an_image")
    assert time.monotonic() - committed_at < 3


def fail_the_image(small: SmallApi) -> None:
    """Commit the job's result as a worker does, without the event."""
    database = open_database(small.settings.database_url)
    deadline, claimed = time.monotonic() + TIMEOUT_S, None
    while claimed is None:
        assert time.monotonic() < deadline, "nothing was submitted"
        with database.write.begin() as session:
            claimed = claims.claim(session, Queue.INTERACTIVE, worker="w", lease_s=60)
    with database.write.begin() as session:
        assert shards.finish_batch(session, [ShardResult(claimed[0], results_of(claimed[0], failed=1))], engine="onnx")
    database.dispose()
