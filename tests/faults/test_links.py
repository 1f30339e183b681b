"""Faults of the connections to Redis and Postgres: half-open, slow, sometimes reset. The stack is behind proxies."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from core.db.engines import open_database
from core.settings import ROOT
from servers.postgres import PostgresServer, postgres_server
from servers.redis import redis_server
from tests.faults.failpoints import Failpoints
from tests.faults.harness import FaultHarness, settings_of
from tests.faults.proxy import Proxy
from tests.http import paths
from tests.stacks import run_stack

IMAGES = 900
SLOW_IMAGES = 300
DELAY_S = 0.1  # in each direction
REDIS_RESETS = 0.01
POSTGRES_RESETS = 0.003
"""A shard takes a hundred chunks to and from Postgres, so with one in a hundred most attempts would fail."""
STALL_S = "30"
"""Over a slow link a worker takes several seconds to connect, longer than the stall limit of the other harnesses."""


@dataclass
class Linked:
    """A harness whose stack reaches its servers through proxies; the tests themselves connect directly."""

    harness: FaultHarness
    to_redis: Proxy
    to_postgres: Proxy | None

    @contextmanager
    def slow(self) -> Iterator[None]:
        """Delay every link, and reset some connections, while the block runs."""
        with ExitStack() as stack:
            stack.enter_context(self.to_redis.faulty(delay_s=DELAY_S, reset_share=REDIS_RESETS))
            if self.to_postgres is not None:
                stack.enter_context(self.to_postgres.faulty(delay_s=DELAY_S, reset_share=POSTGRES_RESETS))
            yield


@pytest.fixture(scope="module")
def linked_sqlite(tmp_path_factory: pytest.TempPathFactory, samples: list[Path]) -> Iterator[Linked]:
    with ExitStack() as stack:
        yield linked_in(tmp_path_factory.mktemp("sqlite-links"), samples, None, stack)


@pytest.fixture(scope="module")
def linked_postgres(tmp_path_factory: pytest.TempPathFactory, samples: list[Path]) -> Iterator[Linked]:
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server())
        yield linked_in(tmp_path_factory.mktemp("postgres-links"), samples, server, stack)


def linked_in(folder: Path, samples: list[Path], postgres: PostgresServer | None, stack: ExitStack) -> Linked:
    """Start a stack behind proxies and record the expected predictions; it ends with the exit stack."""
    folder.chmod(0o700)
    redis = stack.enter_context(redis_server())
    to_redis, redis_url = proxied(redis.url, stack)
    url, to_postgres, database_url = None, None, None
    if postgres is not None:
        url = postgres.create_database("links")
        to_postgres, database_url = proxied(url, stack)
    environment = settings_of(redis, database_url, failpoints=folder / "failpoints", artifacts=ROOT / "artifacts")
    environment |= {"BATCHLIGHT_REDIS_URL": redis_url, "BATCHLIGHT_STALL_S": STALL_S}
    running = stack.enter_context(run_stack(folder / "data", environment=environment, workers=2))
    direct = open_database(url or running.settings.database_url)
    stack.callback(direct.dispose)
    harness = FaultHarness(
        replace(running, database=direct), redis, postgres, Failpoints(folder / "failpoints"), paths(samples)
    )
    harness.record_expected()
    return Linked(harness, to_redis, to_postgres)


def proxied(url: str, stack: ExitStack) -> tuple[Proxy, str]:
    """Start a proxy to the server of this URL, and return it with the URL through it."""
    port = urlsplit(url).port
    assert port is not None
    proxy = stack.enter_context(Proxy(port))
    return proxy, url.replace(f":{port}/", f":{proxy.port}/")


def test_half_open_links_to_redis_are_replaced(linked_sqlite: Linked) -> None:
    with linked_sqlite.harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault("18 half-open links to Redis", limit_s=60, needs_notification=True):
            linked_sqlite.to_redis.go_half_open()


def test_half_open_links_to_postgres_are_replaced(linked_postgres: Linked) -> None:
    assert linked_postgres.to_postgres is not None
    with linked_postgres.harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault("18 half-open links to Postgres", limit_s=60, needs_notification=True):
            linked_postgres.to_postgres.go_half_open()


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_slow_link_with_resets_only_slows_the_work(request: pytest.FixtureRequest, database: str) -> None:
    linked: Linked = request.getfixturevalue(f"linked_{database}")

    with linked.harness.job(SLOW_IMAGES) as job:
        job.wait_until_underway()
        with linked.slow():
            job.wait_for_end()
    linked.harness.note(f"19 links slowed by {2 * DELAY_S:.1f} s there and back, and sometimes reset")
