"""The Redis server of tests and benchmarks."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.errors import DidNotStart
from servers.redis import RedisServer, redis_server


def test_redis_keeps_its_data_over_a_crash() -> None:
    with redis_server() as server, redis.Redis.from_url(server.url) as client:
        client.set("job", "queued")
        client.execute_command("BGREWRITEAOF")
        first_pid = server.pid

        server.crash()
        server.start()

        assert server.pid != first_pid
        assert client.get("job") == b"queued"


def test_redis_refuses_a_client_without_the_password() -> None:
    with redis_server() as server:
        client = redis.Redis(port=urlsplit(server.url).port or 0, retry=Retry(NoBackoff(), 0))

        with client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_a_server_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    (tmp_path / "redis.conf").write_text("nonsense yes\n")

    with pytest.raises(DidNotStart, match="nonsense"):
        server.start()
