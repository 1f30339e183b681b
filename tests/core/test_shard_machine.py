"""The shard's life as a state machine: whatever happens in whatever order, nothing is lost and nothing doubled."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.db.clock import db_now
from core.db.engines import Database
from core.db.tables import Base, Item, Job, Shard
from core.errors import Conflict, Gone
from core.jobs import cancellation, lookup, retry, shards
from core.jobs.shards import CRASHES_BEFORE_SPLIT
from core.states import ShardState
from maintenance.rescuer import end_stuck_jobs, expire_leases
from tests.core.moves import claim, submitted
from tests.databases import SHARD_IMAGES, results_of
from tests.faults.checker import counters, recount

PICK = st.integers(0, 50)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=3)
LONGER = settings(
    deadline=None, stateful_step_count=40, print_blob=True, suppress_health_check=list(HealthCheck), max_examples=40
)


class ShardLife(RuleBasedStateMachine):
    """Workers are the leases they think they hold, among them leases long lost."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        with self.database.write.begin() as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(delete(table))
        self.jobs: list[Job] = []
        self.leases: list[Shard] = []
        self.ends: dict[tuple[str, int], tuple[object, ...]] = {}

    @rule(sizes=SIZES, owner=st.sampled_from(["ada", "ben"]))
    def submit(self, sizes: list[int], owner: str) -> None:
        if len(self.jobs) < 4:
            self.jobs.append(submitted(self.database, *sizes, owner=owner))

    @rule()
    def claim(self) -> None:
        """A notification, perhaps a duplicate: the worker claims a shard, or nothing."""
        shard = claim(self.database)
        if shard is not None:
            self.leases.append(shard)

    @rule(pick=PICK)
    def heartbeat(self, pick: int) -> None:
        if self.leases:
            shard = self._lease(pick)
            holds = self._holds(shard)
            with self.database.write.begin() as session:
                assert shards.renew(session, shard, lease_s=60) == holds

    @rule(pick=PICK, failed=st.integers(0, 9))
    def finish(self, pick: int, failed: int) -> None:
        """A worker that believes it holds the lease commits; of a cancelled job, only the first image."""
        if not self.leases:
            return
        shard = self._lease(pick)
        holds = self._holds(shard)
        with self.database.write.begin() as session:
            wanted = 1 if cancellation.is_cancelled(session, shard.job_id) else shard.count
            job = shards.finish(session, shard, results_of(shard, failed=failed)[:wanted], engine="onnx")
        assert (job is not None) == holds

    @rule(pick=PICK, crashed=st.booleans())
    def release(self, pick: int, crashed: bool) -> None:
        if self.leases:
            shard = self._lease(pick)
            holds = self._holds(shard)
            with self.database.write.begin() as session:
                assert shards.release(session, shard, crashed=crashed) == holds

    @rule(pick=PICK)
    def snooze(self, pick: int) -> None:
        if self.leases:
            with self.database.write.begin() as session:
                shards.snooze(session, self._lease(pick))

    @rule(hours=st.sampled_from([-1, 1]))
    def clock_jumps(self, hours: int) -> None:
        """The database's clock jumps, which is the same as every instant of its rows jumping the other way."""
        for column in (Shard.lease_until, Shard.ready_at):
            with self.database.write.begin() as session:
                for shard_id, instant in session.execute(select(Shard.id, column)).all():
                    if instant is not None:
                        moved = {column: instant - timedelta(hours=hours)}
                        session.execute(update(Shard).where(Shard.id == shard_id).values(moved))

    @rule()
    def rescue(self) -> None:
        expire_leases(self.database)
        end_stuck_jobs(self.database)

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        self._ask(pick, cancellation.cancel)

    @rule(pick=PICK)
    def retry(self, pick: int) -> None:
        self._ask(pick, partial(retry.retry_failed, shard_images=SHARD_IMAGES))

    @invariant()
    def counters_are_a_recount(self) -> None:
        with self.database.read.begin() as session:
            for job in session.scalars(select(Job)):
                assert counters(job) == recount(session, job.id)

    @invariant()
    def a_run_ends_once(self) -> None:
        with self.database.read.begin() as session:
            for job in session.scalars(select(Job).where(Job.ended_at.is_not(None))):
                end = (job.state, job.ended_at, job.succeeded, job.failed, job.cancelled)
                assert self.ends.setdefault((job.id, job.run), end) == end

    @invariant()
    def an_image_is_in_one_open_shard_or_has_one_item(self) -> None:
        with self.database.read.begin() as session:
            items = [(row[0], row[1]) for row in session.execute(select(Item.job_id, Item.index))]
            waiting = session.scalars(select(Shard).where(Shard.state.in_([ShardState.QUEUED, ShardState.RUNNING])))
            images = [(shard.job_id, shard.first_index + at) for shard in waiting for at in shard.positions]
        assert len(set(items + images)) == len(items) + len(images)

    @invariant()
    def no_large_shard_waits_after_two_crashes(self) -> None:
        with self.database.read.begin() as session:
            poisoned = select(Shard).where(Shard.count > 1, Shard.crashes >= CRASHES_BEFORE_SPLIT)
            assert not list(session.scalars(poisoned.where(Shard.state == ShardState.QUEUED)))

    def teardown(self) -> None:
        """When the trouble is over, everything ends and every image is accounted for."""
        with self.database.write.begin() as session:
            session.execute(update(Shard).values(ready_at=db_now(), lease_until=db_now(plus_s=-1)))
        expire_leases(self.database)
        while (shard := claim(self.database)) is not None:
            with self.database.write.begin() as session:
                shards.finish(session, shard, results_of(shard), engine="onnx")
        with self.database.read.begin() as session:
            for job in session.scalars(select(Job)):
                assert job.ended_at
                assert job.succeeded + job.failed + job.cancelled == job.total
        self.counters_are_a_recount()

    def _lease(self, pick: int) -> Shard:
        return self.leases[pick % len(self.leases)]

    def _holds(self, lease: Shard) -> bool:
        """Whether this lease holds; a worker that lost its lease can change nothing."""
        with self.database.read.begin() as session:
            row = session.get(Shard, lease.id)
            return row is not None and (row.state, row.attempt) == (ShardState.RUNNING, lease.attempt)

    def _ask(self, pick: int, change: Callable[[Session, Job], object]) -> None:
        """What a client may ask for at any time; a refusal is an answer."""
        if not self.jobs:
            return
        job = self.jobs[pick % len(self.jobs)]
        with suppress(Conflict, Gone), self.database.write.begin() as session:
            change(session, lookup.find_job(session, job.id, owner=job.owner))


def test_a_shards_life_loses_nothing_and_doubles_nothing(database: Database) -> None:
    run_state_machine_as_test(type("Life", (ShardLife,), {"database": database}), settings=LONGER)
