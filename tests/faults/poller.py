"""Looks at a job at random moments throughout a fault: its counters must be a recount, its end must be final."""

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

LONGEST_PAUSE_S = 0.2


class Poller(threading.Thread):
    """Runs until its block ends, which then raises what the poller saw wrong."""

    def __init__(self, database: Database, job_id: str, *, seed: int) -> None:
        super().__init__(name="poller", daemon=True)
        self._database = database
        self._job_id = job_id
        self._dice = random.Random(seed)
        self._done = threading.Event()
        self._ends: dict[int, tuple[object, ...]] = {}
        self._revision = 0
        self.wrong: list[str] = []
        self.looks = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self.join()
        if error is None:
            assert self.looks, "the poller saw nothing"
            assert not self.wrong, self.wrong[:5]

    def run(self) -> None:
        over = False
        while not over:  # the last look is after the end
            over = self._done.wait(self._dice.random() * LONGEST_PAUSE_S)
            try:
                self._look()
            except SQLAlchemyError:
                time.sleep(0.05)  # the database is what the fault takes away

    def _look(self) -> None:
        with self._database.read.begin() as session:
            _as_of_one_moment(session.connection())
            job = session.scalars(select(Job).where(Job.id == self._job_id)).one()
            seen, real = counters(job), recount(session, self._job_id)
        self.looks += 1
        if seen != real:
            self.wrong.append(f"counters {seen}, recount {real}")
        if job.revision < self._revision:
            self.wrong.append(f"revision {job.revision} after {self._revision}")
        self._revision = job.revision
        self._check_end(job, seen)

    def _check_end(self, job: Job, seen: dict[str, int]) -> None:
        """Terminal once a round: what a round ended as it stays."""
        if job.ended_at is None:
            if job.run in self._ends:
                self.wrong.append(f"round {job.run} ended and went on")
            return
        end = (job.state, job.ended_at, *seen.values())
        if self._ends.setdefault(job.run, end) != end:
            self.wrong.append(f"round {job.run} ended as {self._ends[job.run]}, then as {end}")


def _as_of_one_moment(connection: Connection) -> None:
    """One snapshot for both queries; SQLite's read transactions are that already."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
