"""A whole stack to measure: its own Redis, Postgres, API, workers and sweep, on free ports of loopback."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from pydantic import SecretStr

from core.db.engines import Database, open_database
from core.settings import ROOT, Settings
from ops.ports import LOOPBACK, free_port
from ops.stack import Stack, create_stack_key, start_stack
from ops.supervisor import Supervisor
from servers.servers import PostgresServer, RedisServer, postgres_server, redis_server

PATIENCE_S = 600.0
LOOK_EVERY_S = 0.25
"""A job says itself when it ended, so looking seldom costs no precision."""

BULK = "worker-bulk"
VARIANTS = ROOT / "bench" / "variants"
UNDURABLE: Mapping[str, str | int] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class BenchError(Exception):
    """What was to be measured did not do its work; the message says what happened instead."""


@dataclass(frozen=True)
class BenchStack:
    """A running stack, its servers and a client with a key."""

    plan: Stack
    supervisor: Supervisor
    postgres: PostgresServer
    redis: RedisServer
    client: httpx.Client
    key: str

    def submit(self, zipped: Path) -> dict[str, Any]:
        """The accepted job of this ZIP."""
        with zipped.open("rb") as body:
            answer = self.client.post("/v1/jobs", content=body, headers={"Content-Type": "application/zip"})
        return accepted(answer)

    def ended(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """The job once it has ended well; a process of the stack that dies meanwhile is started again, and said."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            now: dict[str, Any] = self.client.get(f"/v1/jobs/{job['id']}").json()
            if now["ended_at"]:
                return now
            if time.monotonic() > until_s:
                raise BenchError(
                    f"A job did not end in {PATIENCE_S:.0f} s: {now['counts']}. {self.supervisor.log_tails()}"
                )
            self.supervisor.watch()
            time.sleep(LOOK_EVERY_S)

    def delete(self, job: Mapping[str, Any]) -> None:
        """Removes a job, so that disks do not fill over a run."""
        self.client.delete(f"/v1/jobs/{job['id']}")

    def process(self, name: str) -> psutil.Process:
        """The process of this program: `api`, `worker-bulk`, …"""
        return psutil.Process(self.supervisor.pids()[name])

    def bulk_children(self) -> list[psutil.Process]:
        """The processes that infer bulk jobs."""
        return self.process(BULK).children()

    @contextmanager
    def bulk_frozen(self) -> Iterator[None]:
        """Bulk workers stand still during the block, ready to go on at once."""
        os.killpg(self.supervisor.pids()[BULK], signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.supervisor.pids()[BULK], signal.SIGCONT)


def accepted(answer: httpx.Response) -> dict[str, Any]:
    """The job in a 202; raises BenchError for any other answer."""
    if answer.status_code != httpx.codes.ACCEPTED:
        raise BenchError(f"The API answered {answer.status_code}: {answer.text[:500]}")
    job: dict[str, Any] = answer.json()
    return job


@contextmanager
def closing_database(url: str) -> Iterator[Database]:
    """The database of a stack, beside its API."""
    database = open_database(url)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def bench_stack(
    folder: Path,
    *,
    workers: int | None = None,
    variant: str | None = None,
    postgres: Mapping[str, str | int] | None = None,
    **options: Any,
) -> Iterator[BenchStack]:
    """A stack over a new folder, gone when the block ends.

    `workers` are the bulk processes, one a core unless given; `variant` is a folder of `bench/variants`, whose
    `sitecustomize.py` every process loads; `options` are settings other than their defaults.
    """
    folder.mkdir(mode=0o700)
    (folder / "logs").mkdir()
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        database = stack.enter_context(postgres_server(postgres or {}))
        settings = Settings(
            database_url=database.create_database("bench"),
            redis_url=SecretStr(redis.url),
            storage_dir=folder / "storage",
            **options,
        )
        plan = Stack(
            settings,
            private_redis=None,
            host=LOOPBACK,
            port=free_port(),
            flower_port=None,
            flower_password="",
            workers=workers or os.cpu_count() or 1,
            environment={"PYTHONPATH": str(VARIANTS / variant)} if variant else {},
        )
        supervisor = stack.enter_context(Supervisor(folder=ROOT, log_dir=folder / "logs", report=print))
        start_stack(plan, supervisor)
        key = create_stack_key(plan, name="bench")
        headers = {"Authorization": f"Bearer {key}"}
        client = stack.enter_context(httpx.Client(base_url=plan.address, headers=headers, timeout=PATIENCE_S))
        yield BenchStack(plan, supervisor, database, redis, client, key)
