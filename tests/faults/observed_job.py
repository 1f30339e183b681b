"""A job while faults are injected: what its rows say, and how long it takes to recover."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from core.db.tables import Item, Job, Shard
from core.states import ItemState, ShardState
from tests.faults.failpoints import POLL_INTERVAL_S
from tests.faults.recovery import note
from tests.http import TIMEOUT_S
from tests.stacks import RunningStack


@dataclass(frozen=True)
class ObservedJob:
    """A job of a stack, read past the API from the database; `database` names its kind in the table of recoveries."""

    stack: RunningStack
    database: str
    client: httpx.Client
    id: str

    def row(self) -> Job:
        with self.stack.database.read.begin() as session:
            return session.scalars(select(Job).where(Job.id == self.id)).one()

    def shards(self) -> list[Shard]:
        with self.stack.database.read.begin() as session:
            return list(session.scalars(select(Shard).where(Shard.job_id == self.id)))

    def failures(self) -> list[Item]:
        with self.stack.database.read.begin() as session:
            return list(session.scalars(select(Item).where(Item.job_id == self.id, Item.state == ItemState.FAILED)))

    def attempts(self) -> set[int]:
        """Return how often its shards were claimed, as a set of numbers."""
        return {shard.attempt for shard in self.shards()}

    def running_attempts(self) -> dict[str, int]:
        """Return the attempt of every shard that runs now, by the shard's id."""
        with self.stack.database.read.begin() as session:
            running = select(Shard.id, Shard.attempt).where(Shard.job_id == self.id, Shard.state == ShardState.RUNNING)
            return dict(session.execute(running).all())

    def crashes(self) -> int:
        """Return how many crashes count against its shards."""
        with self.stack.database.read.begin() as session:
            return session.scalar(select(func.sum(Shard.crashes)).where(Shard.job_id == self.id)) or 0

    def wait_until_underway(self) -> None:
        """Return when some images have succeeded and others are running."""
        self._wait_for(lambda job: bool(job.succeeded and job.running))

    def wait_until_running(self) -> None:
        """Return when the first images are running."""
        self._wait_for(lambda job: bool(job.running))

    def wait_for_end(self, *, timeout_s: float = 90.0) -> dict[str, Any]:
        """Poll the API until the job has ended, and return the job; the API may be away meanwhile."""
        until_s = time.monotonic() + timeout_s
        while True:
            try:
                now: dict[str, Any] = self.client.get(f"/v1/jobs/{self.id}").raise_for_status().json()
            except httpx.HTTPError:
                now = {"ended_at": None}
            if now["ended_at"]:
                return now
            assert time.monotonic() < until_s, f"the job did not end: {now}\n{self.stack.supervisor.log_tails()}"
            time.sleep(0.05)

    @contextmanager
    def fault(self, name: str, *, limit_s: float | None = None, needs_notification: bool = False) -> Iterator[None]:
        """Measure the recovery from the fault that the block causes, and note it.

        Recovery lasts from the end of the block until every shard that was running at its beginning or end is done or
        claimed again, and more images have succeeded. With `needs_notification` more must have succeeded than were
        running, so that a worker has been notified after the fault.
        """
        attempts, succeeded = set(self.running_attempts().items()), self.row().succeeded
        yield
        began_s = time.monotonic()
        with suppress(SQLAlchemyError):  # the database may still be away
            attempts |= set(self.running_attempts().items())
            job = self.row()
            succeeded = job.succeeded + (job.running if needs_notification else 0)
        until_s = began_s + max(TIMEOUT_S, 2 * (limit_s or 0))
        while not self._has_recovered(attempts, succeeded):
            assert time.monotonic() < until_s, f"{name}: no recovery"
            time.sleep(POLL_INTERVAL_S)
        note(name, database=self.database, seconds=time.monotonic() - began_s, limit_s=limit_s)

    def _has_recovered(self, attempts: set[tuple[str, int]], succeeded: int) -> bool:
        try:
            job = self.row()
            done_or_claimed_again = not attempts & set(self.running_attempts().items())
        except SQLAlchemyError:  # the database may still be away
            return False
        return bool(job.ended_at) or (job.succeeded > succeeded and done_or_claimed_again)

    def _wait_for(self, reached: Callable[[Job], bool]) -> None:
        until_s = time.monotonic() + TIMEOUT_S
        while not reached(job := self.row()):
            assert not job.ended_at, "the job ended before the fault"
            assert time.monotonic() < until_s, "the job did not start"
            time.sleep(POLL_INTERVAL_S)
