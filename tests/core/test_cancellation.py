"""Cancelling, retrying and deleting a job."""

import pytest
from sqlalchemy import func, select

from core.db.engines import Database
from core.db.tables import Item, Job
from core.errors import Conflict, Gone
from core.jobs import cancellation, claims, lookup, retry, shards
from core.states import ItemState, JobState, Queue
from tests.core.moves import claimed, finish, submitted
from tests.databases import SHARD_IMAGES, results_of


def cancel(database: Database, job: Job) -> Job:
    with database.write.begin() as session:
        return cancellation.cancel(session, job)


def retried(database: Database, job: Job) -> Job:
    with database.write.begin() as session:
        return retry.retry_failed(session, job, shard_images=SHARD_IMAGES)


def rows(database: Database, job: Job, state: ItemState) -> list[tuple[object, ...]]:
    with database.read.begin() as session:
        items = select(Item.__table__).where(Item.job_id == job.id, Item.state == state).order_by(Item.index)
        return [tuple(row) for row in session.execute(items)]


def test_cancelling_ends_what_is_queued_at_once_and_keeps_what_is_done(database: Database) -> None:
    job = submitted(database, 2, 3, 4)
    finish(database, claimed(database))
    running = claimed(database)

    asked = cancel(database, job)
    done = finish(database, running, keep=1)

    assert (asked.state, asked.running, asked.cancelled, asked.succeeded) == (JobState.RUNNING, 3, 4, 2)
    assert (done.state, done.succeeded, done.cancelled) == (JobState.CANCELLED, 3, 6)
    assert len(rows(database, job, ItemState.SUCCEEDED)) == 3


def test_a_job_that_no_worker_has_claimed_is_cancelled_at_once(database: Database) -> None:
    job = submitted(database, 2)

    done = cancel(database, job)

    assert (done.state, done.cancelled, done.ended_at is not None) == (JobState.CANCELLED, 2, True)
    with database.write.begin() as session:
        assert claims.claim(session, Queue.BULK, worker="w", lease_s=60) is None


def test_cancelling_twice_changes_nothing_and_an_ended_job_cannot_be_cancelled(database: Database) -> None:
    cancelled, ended = submitted(database, 2), submitted(database, 2)
    first = cancel(database, cancelled)
    finish(database, claimed(database))

    again = cancel(database, cancelled)

    assert again.revision == first.revision
    with pytest.raises(Conflict, match="succeeded"):
        cancel(database, ended)


def test_a_cancelled_or_deleted_job_is_reported_as_cancelled(database: Database) -> None:
    wanted, unwanted, gone = (submitted(database, 2) for _ in range(3))
    cancel(database, unwanted)
    with database.write.begin() as session:
        cancellation.delete(session, gone)

    with database.read.begin() as session:
        reported = [cancellation.is_cancelled(session, job.id) for job in (wanted, unwanted, gone)]

    assert reported == [False, True, True]


def test_a_retry_queues_the_failed_images_and_leaves_the_others_byte_for_byte(database: Database) -> None:
    job = submitted(database, 3, 3)
    finish(database, claimed(database), failed=1)
    finish(database, claimed(database), failed=2)
    before = rows(database, job, ItemState.SUCCEEDED)

    queued = retried(database, job)
    again = [claimed(database) for _ in range(queued.shards)]
    done = [finish(database, shard) for shard in again][-1]

    indexes = [shard.first_index + position for shard in again for position in shard.positions]
    assert (queued.state, queued.run, queued.queued, queued.failed, queued.ended_at) == (
        JobState.QUEUED,
        2,
        3,
        0,
        None,
    )
    assert (done.state, done.succeeded, done.run) == (JobState.SUCCEEDED, 6, 2)
    assert sorted(indexes) == [0, 3, 4]
    assert set(before) < set(rows(database, job, ItemState.SUCCEEDED))


def test_only_an_ended_job_with_failures_can_be_retried(database: Database) -> None:
    running, clean = submitted(database, 1), submitted(database, 1)
    with pytest.raises(Conflict, match="that has ended"):
        retried(database, running)
    for _ in range(2):
        finish(database, claimed(database))

    with pytest.raises(Conflict, match="nothing to retry"):
        retried(database, clean)


def test_a_job_deleted_while_it_runs_leaves_a_tombstone_and_its_worker_writes_nothing(database: Database) -> None:
    job = submitted(database, 2, 2)
    running = claimed(database)

    with database.write.begin() as session:
        cancellation.delete(session, job)
    with database.write.begin() as session:
        late = shards.finish(session, running, results_of(running), engine="onnx")

    with database.read.begin() as session:
        tombstone = lookup.find_job(session, job.id, owner="ada")
        left = session.scalar(select(func.count()).select_from(Item))
    assert late is None
    assert left == 0
    assert (tombstone.state, tombstone.cancelled, tombstone.purged_at is not None) == (JobState.CANCELLED, 4, True)
    with pytest.raises(Gone), database.write.begin() as session:
        cancellation.delete(session, job)
