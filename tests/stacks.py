"""A running stack for the tests, whose processes are restarted as `ops up` restarts them."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import httpx

from core.access.keys import create_key
from core.db.engines import Database, open_database
from core.settings import Settings
from core.states import Scope
from ops.stack import create_stack_key, running_stack
from ops.supervisor import Supervisor

WATCH_INTERVAL_S = 0.1


@dataclass(frozen=True)
class RunningStack:
    """The address of a running stack, a key, and its settings, supervisor and database."""

    url: str
    key: str
    settings: Settings
    supervisor: Supervisor
    database: Database

    def client(self, key: str | None = None) -> httpx.Client:
        """Return an HTTP client that sends this key."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {key or self.key}"}, timeout=60)

    def key_of(self, owner: str, *scopes: Scope) -> str:
        """Create a key of this owner, with every scope by default, and return its secret."""
        with self.database.write.begin() as session:
            _, secret = create_key(session, owner=owner, name="tests", scopes=frozenset(scopes or tuple(Scope)))
        return secret


@contextmanager
def run_stack(data_dir: Path, *, environment: Mapping[str, str], workers: int = 1) -> Iterator[RunningStack]:
    """Start a stack with so many bulk processes; processes that die are restarted until the block ends."""
    data_dir.mkdir(mode=0o700, exist_ok=True)
    data_dir.chmod(0o700)
    with ExitStack() as stack:
        with patch.dict(os.environ, environment):
            plan, supervisor = stack.enter_context(running_stack(data_dir, report=print, workers=workers))
        done = threading.Event()
        watcher = threading.Thread(target=_watch, args=(supervisor, done), daemon=True)
        watcher.start()
        database = open_database(plan.settings.database_url)
        try:
            key = create_stack_key(plan, name="tests")
            yield RunningStack(plan.address, key, plan.settings, supervisor, database)
        finally:
            done.set()
            watcher.join()
            database.dispose()


def _watch(supervisor: Supervisor, done: threading.Event) -> None:
    while not done.wait(WATCH_INTERVAL_S):
        supervisor.watch()
