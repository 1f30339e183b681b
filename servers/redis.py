"""A private Redis (or Valkey) server with a password, an append-only file and a free loopback port."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.redis_server import prepare_redis
from servers.process import ServerProcess, running


class RedisServer(ServerProcess):
    """A Redis server over `folder`; a crash is SIGKILL."""

    def __init__(self, folder: Path) -> None:
        prepared = prepare_redis(folder)
        self.url = prepared.url
        super().__init__(
            list(prepared.command),
            log=folder / "server.log",
            is_ready=self._answers_ping,
            stop_signal=signal.SIGTERM,
            crash_signal=signal.SIGKILL,
        )

    def client(self) -> redis.Redis:
        """Return a client that raises the first connection error instead of retrying; use it as a context manager."""
        return redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0))

    def _answers_ping(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:  # also raised while the server loads its data
                return False


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Run a Redis server during the block and delete its data afterward."""
    with (
        tempfile.TemporaryDirectory(prefix="batchlight-redis-") as folder,
        running(RedisServer(Path(folder))) as server,
    ):
        yield server
