"""A whole stack to measure: its own Redis, Postgres, API, workers and maintenance, on free loopback ports."""

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
from servers.postgres import NO_SETTINGS, PostgresServer, postgres_server
from servers.redis import RedisServer, redis_server

JOB_TIMEOUT_S = 600.0
POLL_INTERVAL_S = 0.25
"""A job's rows hold the instant of its end, so a long interval costs no precision."""

MAX_ERROR_CHARS = 500
BULK_WORKER = "worker-bulk"
VARIANTS = ROOT / "bench" / "variants"
UNDURABLE: Mapping[str, str | int] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Postgres settings under which a commit does not wait for the disk."""


class BenchError(Exception):
    """A benchmark failed: what it measures did not do its work; the message says what happened instead."""


@dataclass(frozen=True)
class BenchStack:
    """A running stack, its servers, and an HTTP client with an API key."""

    plan: Stack
    supervisor: Supervisor
    postgres: PostgresServer
    redis: RedisServer
    client: httpx.Client
    key: str

    def submit(self, zip_file: Path) -> dict[str, Any]:
        """Submit a ZIP and return the accepted job."""
        with zip_file.open("rb") as body:
            response = self.client.post("/v1/jobs", content=body, headers={"Content-Type": "application/zip"})
        return accepted_job(response)

    def wait_for(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Wait for the job's end and return it; restart processes of the stack that die in the meantime.

        Raises BenchError after ten minutes.
        """
        deadline_s = time.monotonic() + JOB_TIMEOUT_S
        while True:
            current: dict[str, Any] = self.client.get(f"/v1/jobs/{job['id']}").json()
            if current["ended_at"]:
                return current
            if time.monotonic() > deadline_s:
                raise BenchError(
                    f"Job {job['id']} did not end in {JOB_TIMEOUT_S:.0f} s. Its images: {current['counts']}. "
                    f"{self.supervisor.log_tails()}"
                )
            self.supervisor.watch()
            time.sleep(POLL_INTERVAL_S)

    def delete(self, job: Mapping[str, Any]) -> None:
        """Delete a job, so that the disk does not fill during a run."""
        self.client.delete(f"/v1/jobs/{job['id']}")

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Open a further connection pool to the stack's database during the block."""
        database = open_database(self.plan.settings.database_url)
        try:
            yield database
        finally:
            database.dispose()

    def process(self, name: str) -> psutil.Process:
        """Return the process of this program: `api`, `worker-bulk`, …"""
        return psutil.Process(self.supervisor.pids()[name])

    def bulk_processes(self) -> list[psutil.Process]:
        """Return the child processes that infer the images of bulk jobs."""
        return self.process(BULK_WORKER).children()

    @contextmanager
    def bulk_workers_paused(self) -> Iterator[None]:
        """Pause the bulk workers (SIGSTOP) during the block."""
        os.killpg(self.supervisor.pids()[BULK_WORKER], signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.supervisor.pids()[BULK_WORKER], signal.SIGCONT)


def accepted_job(response: httpx.Response) -> dict[str, Any]:
    """Return the job of a 202 response; raise BenchError for any other response."""
    if response.status_code != httpx.codes.ACCEPTED:
        raise BenchError(
            f"The API answered {response.status_code} instead of 202 to {response.request.method} "
            f"{response.request.url.path}: {response.text[:MAX_ERROR_CHARS]}"
        )
    job: dict[str, Any] = response.json()
    return job


@contextmanager
def bench_stack(
    folder: Path,
    *,
    workers: int | None = None,
    variant: str | None = None,
    postgres: Mapping[str, str | int] = NO_SETTINGS,
    **options: Any,
) -> Iterator[BenchStack]:
    """Run a stack over a new folder during the block.

    Args:
        folder: a folder that does not exist yet.
        workers: the number of bulk processes; one a core if None.
        variant: a folder of `bench/variants`, whose `sitecustomize.py` every process loads.
        postgres: settings of the Postgres server.
        options: Batchlight settings that differ from their defaults.
    """
    folder.mkdir(mode=0o700)
    (folder / "logs").mkdir()
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        database = stack.enter_context(postgres_server(postgres))
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
        client = stack.enter_context(httpx.Client(base_url=plan.address, headers=headers, timeout=JOB_TIMEOUT_S))
        yield BenchStack(plan, supervisor, database, redis, client, key)
