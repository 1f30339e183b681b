"""The harnesses, one per database, shared by the suite: every test leaves its harness working."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.settings import ROOT
from servers.postgres import PostgresServer, postgres_server
from servers.redis import redis_server
from tests.faults.failpoints import Failpoints
from tests.faults.harness import FaultHarness, settings_of
from tests.faults.postgres_faults import DATABASE
from tests.faults.recovery import RECOVERIES, table, write
from tests.http import paths
from tests.stacks import run_stack


@contextmanager
def prepared_harness(folder: Path, samples: list[Path], postgres: PostgresServer | None) -> Iterator[FaultHarness]:
    """Start a stack under faults and record the expected predictions."""
    url = None if postgres is None else postgres.create_database(DATABASE)
    folder.chmod(0o700)
    artifacts = shutil.copytree(ROOT / "artifacts", folder / "artifacts")
    with redis_server() as redis:
        environment = settings_of(redis, url, failpoints=folder / "failpoints", artifacts=artifacts)
        with run_stack(folder / "data", environment=environment, workers=2) as stack:
            harness = FaultHarness(stack, redis, postgres, Failpoints(folder / "failpoints"), paths(samples))
            harness.record_expected()
            yield harness


@pytest.fixture(scope="session")
def sqlite_harness(tmp_path_factory: pytest.TempPathFactory, samples: list[Path]) -> Iterator[FaultHarness]:
    with prepared_harness(tmp_path_factory.mktemp("sqlite-faults"), samples, None) as harness:
        yield harness


@pytest.fixture(scope="session")
def postgres_harness(tmp_path_factory: pytest.TempPathFactory, samples: list[Path]) -> Iterator[FaultHarness]:
    """A harness with a Postgres of its own, because the faults stop it."""
    with (
        postgres_server() as server,
        prepared_harness(tmp_path_factory.mktemp("postgres-faults"), samples, server) as harness,
    ):
        yield harness


@pytest.fixture(params=["sqlite", "postgres"])
def harness(request: pytest.FixtureRequest) -> Iterator[FaultHarness]:
    """The harness of each database in turn; injected faults are removed before and after the test."""
    chosen: FaultHarness = request.getfixturevalue(f"{request.param}_harness")
    chosen.failpoints.clear()
    yield chosen
    chosen.failpoints.clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.fault)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if RECOVERIES:
        write(RECOVERIES, ROOT / "build" / "faults.json")
        terminalreporter.section("recoveries")
        terminalreporter.write_line(table(RECOVERIES))
