"""Faults of the Postgres under a harness."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from sqlalchemy import make_url

from tests.faults.harness import FaultHarness
from tests.faults.proxy import Proxy

DATABASE = "faults"
"""The name of the harness's database."""


def terminate_backends(harness: FaultHarness, *, for_s: float) -> None:
    """Terminate every connection to the stack's database, five times a second."""
    assert harness.postgres
    terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    until_s = time.monotonic() + for_s
    with harness.postgres.connect() as connection:
        while time.monotonic() < until_s:
            connection.execute(terminate, [DATABASE])
            time.sleep(0.2)


@contextmanager
def frozen(harness: FaultHarness) -> Iterator[None]:
    """Suspend every process of Postgres while the block runs."""
    assert harness.postgres
    postmaster = psutil.Process(harness.postgres.pid)
    stopped = [postmaster, *postmaster.children(recursive=True)]
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in reversed(stopped):
            process.resume()


@contextmanager
def cutting(harness: FaultHarness, *, after_sending: bytes, lose_commit: bool) -> Iterator[tuple[Proxy, str]]:
    """Cut the first connection that commits after it has sent these bytes; yield the proxy and the URL through it.

    With `lose_commit` the COMMIT does not reach Postgres; without it the COMMIT arrives and its answer is lost.
    """
    url = make_url(harness.stack.settings.database_url)
    assert url.port
    with Proxy(url.port, cut_at=b"COMMIT", only_after=after_sending, lose_cut_chunk=lose_commit) as proxy:
        yield proxy, url.set(port=proxy.port).render_as_string(hide_password=False)
        assert proxy.cuts == 1
