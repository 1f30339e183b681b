"""Completion events: this process learns from Redis which of the jobs that it waits for have ended.

One subscription serves every request that waits. Redis does not keep an event for a process that is not connected, so
a request that waits also reads its job's row from time to time: a lost event delays the answer, and does no more.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core.completions import COMPLETIONS_CHANNEL

MAX_SILENCE_S = 5.0
"""After so long without a message, a ping checks that the connection still carries any."""

REDIS_TIMEOUT_S = 2.0
RECONNECT_DELAY_S = 0.5

log = logging.getLogger(__name__)


class CompletionListener:
    """Sets an event for each expected job that ends. It belongs to the event loop; no thread may use it."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._expected: dict[str, asyncio.Event] = {}

    @contextmanager
    def expect(self, job_id: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set when the job ends. Enter it before the job is committed, or it may be missed."""
        event = self._expected[job_id] = asyncio.Event()
        try:
            yield event
        finally:
            del self._expected[job_id]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen while the block runs, and reconnect to Redis for as long as it takes."""
        task = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self) -> None:
        level = logging.WARNING
        while True:
            try:
                async with _connect(self._redis_url) as redis, redis.pubsub() as subscription:
                    await subscription.subscribe(COMPLETIONS_CHANNEL)
                    level = logging.WARNING
                    await self._receive(subscription)
            except (RedisError, OSError) as failure:
                log.log(level, "cannot receive completion events (%s); /predict polls the database instead", failure)
                level = logging.DEBUG  # the first failure of an outage is enough
                await asyncio.sleep(RECONNECT_DELAY_S)

    async def _receive(self, subscription: PubSub) -> None:
        """Pass events on until the connection fails or is silent."""
        while True:
            message = await subscription.get_message(timeout=MAX_SILENCE_S)
            if message is None:
                await subscription.ping()
                message = await subscription.get_message(timeout=REDIS_TIMEOUT_S)
                if message is None:
                    raise TimeoutError(f"Redis did not answer a ping within {REDIS_TIMEOUT_S} s")
            if message["type"] == "message":
                self._set_events(message["data"])

    def _set_events(self, job_ids: str) -> None:
        for job_id in job_ids.split():
            if event := self._expected.get(job_id):
                event.set()


def _connect(url: str) -> Redis:
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
