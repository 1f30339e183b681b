"""Who waits for a job hears of its end: one subscription a process, whoever waits.

The message says only that there is something to read. Redis forgets messages nobody was connected for, so whoever
waits also looks by itself now and then: a lost one costs that much time, and nothing else.
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

QUIET_S = 5.0
"""After so long without a message the connection must prove that it still carries any."""

ANSWER_WAIT_S = 2.0
AGAIN_AFTER_S = 0.5

log = logging.getLogger(__name__)


class Endings:
    """The jobs of this process that are waited for. It belongs to the event loop; nothing here is for threads."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._awaited: dict[str, asyncio.Event] = {}

    @contextmanager
    def awaited(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event that is set when the job ends; open it before anybody can work on the job."""
        event = self._awaited[job_id] = asyncio.Event()
        try:
            yield event
        finally:
            del self._awaited[job_id]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hears for as long as the block runs; a Redis that is away is tried again and again."""
        task = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self) -> None:
        said = False
        while True:
            try:
                async with _connect(self._redis_url) as redis, redis.pubsub() as subscription:
                    await subscription.subscribe(COMPLETIONS_CHANNEL)
                    said = False
                    await self._hear(subscription)
            except (RedisError, OSError) as failure:
                level = logging.DEBUG if said else logging.WARNING
                log.log(level, "cannot hear of jobs that end (%s); who waits looks by itself", failure)
                said = True
                await asyncio.sleep(AGAIN_AFTER_S)

    async def _hear(self, subscription: PubSub) -> None:
        while True:
            message = await subscription.get_message(timeout=QUIET_S)
            if message is None:
                await subscription.ping()
                message = await subscription.get_message(timeout=ANSWER_WAIT_S)
                if message is None:
                    raise TimeoutError("Redis is silent")
            if message["type"] == "message":
                self._tell(message["data"])

    def _tell(self, job_ids: str) -> None:
        for job_id in job_ids.split():
            if event := self._awaited.get(job_id):
                event.set()


def _connect(url: str) -> Redis:
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=ANSWER_WAIT_S,
        socket_connect_timeout=ANSWER_WAIT_S,
        retry=Retry(NoBackoff(), 0),
    )
