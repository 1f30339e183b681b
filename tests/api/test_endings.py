"""Who waits for a job hears of its end, and finds it without hearing."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from api import completions as endings
from api.completions import Endings
from core.completions import COMPLETIONS_CHANNEL
from core.db.engines import open_database
from core.jobs import claims, shards
from core.jobs.items import ShardResult
from core.states import Queue
from ops.ports import LOOPBACK, free_port
from servers.redis import RedisServer, redis_server
from tests.api.conftest import SmallApi
from tests.databases import results_of

PATIENCE_S = 10.0


async def tell_until_heard(redis: RedisServer, endings: Endings, *, job_id: str) -> None:
    """A message that is sent before somebody listens is lost, so it is sent again and again."""
    with endings.awaited(job_id) as ended, Redis.from_url(redis.url) as server:
        until = time.monotonic() + PATIENCE_S
        while not ended.is_set():
            assert time.monotonic() < until, "nobody heard"
            server.publish(COMPLETIONS_CHANNEL, f"another {job_id}")
            await asyncio.sleep(0.02)


def test_a_message_wakes_who_waits_even_after_redis_was_away() -> None:
    async def hear_twice(redis: RedisServer) -> None:
        endings = Endings(redis.url)
        async with endings.listening():
            await tell_until_heard(redis, endings, job_id="first")
            redis.crash()
            redis.start()
            await tell_until_heard(redis, endings, job_id="second")

    with redis_server() as redis:
        asyncio.run(hear_twice(redis))


def test_a_redis_that_stays_away_is_told_of_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "AGAIN_AFTER_S", 0.01)

    async def wait() -> None:
        async with Endings(f"redis://{LOOPBACK}:{free_port()}/0").listening():
            await asyncio.sleep(0.3)

    asyncio.run(wait())

    assert [record.levelname for record in caplog.records if record.name == endings.__name__] == ["WARNING"]


def test_a_prediction_whose_message_was_lost_is_answered_nonetheless(small: SmallApi) -> None:
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(small.client.post, "/predict", content=b"x")
        refuse_the_image(small)
        committed_at = time.monotonic()
        response = answer.result()

    assert (response.status_code, response.json()["code"]) == (415, "not_an_image")
    assert time.monotonic() - committed_at < 3


def refuse_the_image(small: SmallApi) -> None:
    """What a worker would do, but for its message."""
    database = open_database(small.settings.database_url)
    until, claimed = time.monotonic() + PATIENCE_S, None
    while claimed is None:
        assert time.monotonic() < until, "nothing was submitted"
        with database.write.begin() as session:
            claimed = claims.claim(session, Queue.INTERACTIVE, worker="w", lease_s=60)
    with database.write.begin() as session:
        assert shards.finish_batch(session, [ShardResult(claimed[0], results_of(claimed[0], failed=1))], engine="onnx")
    database.dispose()
