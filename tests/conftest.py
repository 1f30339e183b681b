"""What the suites share: real servers, migrated databases, running stacks, real images."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.db.engines import Database, open_database
from core.settings import ROOT
from servers.postgres import PostgresServer, postgres_server
from servers.redis import RedisServer, redis_server
from tests.databases import empty_tables, migrate
from tests.stacks import RunningStack, run_stack

pytest_plugins = ["tests.skips"]

SAMPLES = ROOT / "samples" / "fashion-mnist" / "images"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak-s", type=float, default=30.0, help="how long random faults strike, on each database")
    parser.addoption("--seed", type=int, default=None, help="the seed of the random faults")


@pytest.fixture
def soak_s(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--soak-s"))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int | None:
    given: int | None = request.config.getoption("--seed")
    return given


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite file, to copy."""
    path = tmp_path_factory.mktemp("template") / "batchlight.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(request: pytest.FixtureRequest) -> str:
    """A migrated Postgres database for the tests that clean up after themselves."""
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database("core_tests")
    migrate(url)
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty, migrated database of each kind."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("migrated_postgres")
        empty_tables(url)
        return url
    template: Path = request.getfixturevalue("migrated_sqlite")
    copy = tmp_path / "batchlight.db"
    copy.write_bytes(template.read_bytes())
    return f"sqlite:///{copy}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The embedded stack: SQLite, a private Redis, API, workers, maintenance, Flower."""
    with run_stack(tmp_path_factory.mktemp("embedded"), environment={}) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_stack(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, redis: RedisServer
) -> Iterator[RunningStack]:
    """The same processes over Postgres and a Redis of its own."""
    url = postgres.create_database("stack")
    servers = {"BATCHLIGHT_DATABASE_URL": url, "BATCHLIGHT_REDIS_URL": redis.url}
    with run_stack(tmp_path_factory.mktemp("served"), environment=servers) as running:
        yield running


@pytest.fixture(scope="session")
def samples() -> list[Path]:
    """The shipped images, in the order of their names."""
    return sorted(SAMPLES.glob("*.png"))


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> None:
    """A developer's own settings must not reach the tests."""
    for name in [name for name in os.environ if name.startswith("BATCHLIGHT_")]:
        del os.environ[name]
