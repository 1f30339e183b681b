"""The grounds, one a database, shared by the suite: every test leaves its ground working."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.settings import ROOT
from servers.postgres import PostgresServer, postgres_server
from servers.redis import redis_server
from tests.faults.ground import Ground, settings_of
from tests.faults.recovery import RECOVERIES, table, write
from tests.http import paths
from tests.stacks import run_stack


@contextmanager
def broken_in(folder: Path, samples: list[Path], postgres: PostgresServer | None) -> Iterator[Ground]:
    """A ground that has learned what it must answer."""
    url = None if postgres is None else postgres.create_database("ground")
    folder.chmod(0o700)
    artifacts = shutil.copytree(ROOT / "artifacts", folder / "artifacts")
    with redis_server() as redis:
        environment = settings_of(redis, url, failpoints=folder / "failpoints", artifacts=artifacts)
        with run_stack(folder / "data", environment=environment, workers=2) as stack:
            ground = Ground(stack, redis, postgres, folder / "failpoints", paths(samples))
            ground.learn()
            yield ground


@pytest.fixture(scope="session")
def sqlite_ground(tmp_path_factory: pytest.TempPathFactory, samples: list[Path]) -> Iterator[Ground]:
    with broken_in(tmp_path_factory.mktemp("sqlite-ground"), samples, None) as ground:
        yield ground


@pytest.fixture(scope="session")
def postgres_ground(tmp_path_factory: pytest.TempPathFactory, samples: list[Path]) -> Iterator[Ground]:
    """With a Postgres of its own, because the faults stop it."""
    with (
        postgres_server() as server,
        broken_in(tmp_path_factory.mktemp("postgres-ground"), samples, server) as ground,
    ):
        yield ground


@pytest.fixture(params=["sqlite", "postgres"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """Each test on both databases; no planted fault outlives it."""
    chosen: Ground = request.getfixturevalue(f"{request.param}_ground")
    chosen.clear()
    yield chosen
    chosen.clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.fault)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if RECOVERIES:
        write(RECOVERIES, ROOT / "build" / "faults.json")
        terminalreporter.section("recoveries")
        terminalreporter.write_line(table(RECOVERIES))
