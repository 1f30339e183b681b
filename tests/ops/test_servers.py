"""The servers that tests and benchmarks stand on."""

from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.engine import make_url

from ops.errors import DidNotStart
from servers.servers import RedisServer, postgres_server, redis_server


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_redis_keeps_its_data_over_a_crash() -> None:
    with redis_server() as server, redis.Redis.from_url(server.url) as client:
        client.set("bell", "rung")
        client.execute_command("BGREWRITEAOF")
        first_pid = server.pid

        server.crash()
        server.start()

        assert server.pid != first_pid
        assert client.get("bell") == b"rung"


def test_redis_lets_nobody_in_without_the_password() -> None:
    with redis_server() as server:
        stranger = redis.Redis(port=urlsplit(server.url).port or 0, retry=Retry(NoBackoff(), 0))

        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


def test_postgres_keeps_what_was_committed_over_a_crash() -> None:
    with postgres_server() as server:
        url = server.create_database("one")
        query(url, "CREATE TABLE seen AS SELECT 7 AS image")

        server.crash()
        server.start()

        assert query(url, "SELECT image FROM seen") == [(7,)]
        assert query(url, "SHOW fsync") == [("on",)]


def test_a_server_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    (tmp_path / "redis.conf").write_text("nonsense yes\n")

    with pytest.raises(DidNotStart, match="nonsense"):
        server.start()


def test_two_postgres_servers_run_side_by_side() -> None:
    with postgres_server() as one, postgres_server() as other:
        assert one.pid != other.pid
        assert one.port != other.port
