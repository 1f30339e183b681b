"""Ways to break the Postgres under a ground."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from sqlalchemy import make_url

from tests.faults.ground import Ground
from tests.faults.proxy import Proxy


def terminate_backends(ground: Ground, *, for_s: float) -> None:
    """Kills every connection of the stack, over and over."""
    assert ground.postgres
    everyone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ground'"
    until_s = time.monotonic() + for_s
    with ground.postgres.connect() as connection:
        while time.monotonic() < until_s:
            connection.execute(everyone)
            time.sleep(0.2)


@contextmanager
def frozen(ground: Ground) -> Iterator[None]:
    assert ground.postgres
    postmaster = psutil.Process(ground.postgres.pid)
    stopped = [postmaster, *postmaster.children(recursive=True)]
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in reversed(stopped):
            process.resume()


@contextmanager
def cutting(ground: Ground, *, once_said: bytes, lose_word: bool) -> Iterator[tuple[Proxy, str]]:
    """A proxy that cuts the first connection that commits after it said this; and the database's URL through it."""
    url = make_url(ground.stack.settings.database_url)
    assert url.port
    with Proxy(url.port, cut_after=b"COMMIT", once_said=once_said, lose_word=lose_word) as proxy:
        yield proxy, url.set(port=proxy.port).render_as_string(hide_password=False)
        assert proxy.cuts == 1
