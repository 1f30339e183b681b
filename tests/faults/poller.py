"""Checks a job at random moments during a fault: its counters must equal a recount, and its end must be final."""

import random
import threading
import time
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from core.db.engines import Database
from core.db.tables import Job
from tests.faults.checker import counters, recount

MAX_PAUSE_S = 0.2


class Poller(threading.Thread):
    """Runs until its block ends, which then fails with what the poller found wrong."""

    def __init__(self, database: Database, job_id: str, *, seed: int) -> None:
        super().__init__(name="poller", daemon=True)
        self._database = database
        self._job_id = job_id
        self._random = random.Random(seed)
        self._done = threading.Event()
        self._ends: dict[int, tuple[object, ...]] = {}
        self._revision = 0
        self.wrong: list[str] = []
        self.checks = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self.join()
        if error is None:
            assert self.checks, "the poller never reached the database"
            assert not self.wrong, self.wrong[:5]

    def run(self) -> None:
        last = False
        while not last:  # the last check is after the end of the block
            last = self._done.wait(self._random.random() * MAX_PAUSE_S)
            try:
                self._check()
            except SQLAlchemyError:
                time.sleep(0.05)  # the fault may have stopped the database

    def _check(self) -> None:
        with self._database.read.begin() as session:
            _use_one_snapshot(session.connection())
            job = session.scalars(select(Job).where(Job.id == self._job_id)).one()
            seen, real = counters(job), recount(session, self._job_id)
        self.checks += 1
        if seen != real:
            self.wrong.append(f"counters {seen}, recount {real}")
        if job.revision < self._revision:
            self.wrong.append(f"revision {job.revision} after {self._revision}")
        self._revision = job.revision
        self._check_end(job, seen)

    def _check_end(self, job: Job, seen: dict[str, int]) -> None:
        """A run ends once: its state, time and counters stay as they were at its end."""
        if job.ended_at is None:
            if job.run in self._ends:
                self.wrong.append(f"run {job.run} ended and continued")
            return
        end = (job.state, job.ended_at, *seen.values())
        if self._ends.setdefault(job.run, end) != end:
            self.wrong.append(f"run {job.run} ended as {self._ends[job.run]}, then as {end}")


def _use_one_snapshot(connection: Connection) -> None:
    """Give both queries the same snapshot; SQLite's read transactions have one already."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
