"""The Postgres server of tests and benchmarks."""

import psycopg
from sqlalchemy.engine import make_url

from servers.postgres import postgres_server


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    libpq_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(libpq_url) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_postgres_keeps_committed_rows_over_a_crash() -> None:
    with postgres_server() as server:
        url = server.create_database("one")
        query(url, "CREATE TABLE seen AS SELECT 7 AS image")

        server.crash()
        server.start()

        assert query(url, "SELECT image FROM seen") == [(7,)]
        assert query(url, "SHOW fsync") == [("on",)]


def test_two_postgres_servers_run_side_by_side() -> None:
    with postgres_server() as first, postgres_server() as second:
        assert first.pid != second.pid
        assert first.port != second.port
