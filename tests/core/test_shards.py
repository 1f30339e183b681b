"""The transitions of a shard: claim, renew, finish, release, expire, split."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from core.db.engines import Database
from core.db.tables import Item, Job, Shard
from core.jobs import shards
from core.states import JobState, ShardState
from tests.core.moves import claim, claimed, finish, finished_late, release, reread, submitted
from tests.databases import results_of


def test_a_claim_leases_the_shard_and_moves_its_images_to_running(database: Database) -> None:
    job = submitted(database, 4, 3)

    shard = claimed(database)

    now = reread(database, job)
    assert (shard.state, shard.attempt, shard.leased_by) == (ShardState.RUNNING, 1, "w")
    assert (now.state, now.queued, now.running) == (JobState.RUNNING, 3, 4)
    assert now.started_at is not None
    assert now.revision == job.revision + 1


def test_an_empty_queue_has_nothing_to_claim(database: Database) -> None:
    assert claim(database) is None


def test_many_workers_claim_each_shard_once(database: Database) -> None:
    submitted(database, *[1] * 30)

    with ThreadPoolExecutor(8) as workers:
        found = list(workers.map(lambda number: claim(database, worker=str(number)), range(40)))

    ids = [shard.id for shard in found if shard]
    assert len(ids) == len(set(ids)) == 30


def test_the_last_shard_to_finish_ends_the_job_by_what_its_images_became(database: Database) -> None:
    job = submitted(database, 2, 2)
    first, second = claimed(database), claimed(database)

    halfway = finish(database, first, failed=1)
    done = finish(database, second)

    assert (halfway.state, done.state) == (JobState.RUNNING, JobState.PARTIALLY_SUCCEEDED)
    assert (done.succeeded, done.failed, done.ended_at is not None) == (3, 1, True)
    assert done.id == job.id


@pytest.mark.parametrize(("failed", "state"), [(0, JobState.SUCCEEDED), (2, JobState.FAILED)])
def test_a_job_whose_images_all_end_alike_ends_so_too(database: Database, failed: int, state: JobState) -> None:
    submitted(database, 2)

    done = finish(database, claimed(database), failed=failed)

    assert done.state == state


def test_a_worker_that_lost_its_lease_writes_nothing(database: Database) -> None:
    job = submitted(database, 4)
    zombie = claimed(database)
    release(database, zombie, crashed=False)
    successor = claimed(database)

    late = finished_late(database, zombie)
    done = finish(database, successor)

    assert late is None
    assert done.succeeded == 4
    with database.read.begin() as session:
        assert session.scalar(select(func.count()).where(Item.job_id == job.id)) == 4


def test_an_image_cannot_have_two_items(database: Database) -> None:
    submitted(database, 2)
    shard = claimed(database)

    twice = [*results_of(shard), results_of(shard)[0]]

    with pytest.raises(IntegrityError), database.write.begin() as session:
        shards.finish(session, shard, twice, engine="onnx")


def test_only_the_holder_of_a_lease_can_renew_it(database: Database) -> None:
    submitted(database, 1)
    shard = claimed(database, lease_s=1)

    with database.write.begin() as session:
        assert shards.renew(session, shard, lease_s=100)
    release(database, shard, crashed=False)

    with database.write.begin() as session:
        assert not shards.renew(session, shard, lease_s=100)


def test_an_expired_lease_queues_its_shard_again(database: Database) -> None:
    job = submitted(database, 2)
    shard = claimed(database, lease_s=0.05)
    time.sleep(0.1)

    with database.write.begin() as session:
        (silent,) = shards.expired_leases(session)
        assert shards.expire(session, silent)

    now = reread(database, job)
    assert silent.id == shard.id
    assert (now.queued, now.running) == (2, 0)
    assert claimed(database).attempt == 2


def test_a_lease_renewed_in_the_last_moment_is_not_taken(database: Database) -> None:
    submitted(database, 1)
    shard = claimed(database, lease_s=0.05)
    time.sleep(0.1)
    with database.write.begin() as session:
        (silent,) = shards.expired_leases(session)
        shards.renew(session, shard, lease_s=60)

    with database.write.begin() as session:
        assert not shards.expire(session, silent)


def test_a_shard_that_crashes_twice_is_split_until_one_image_stands_alone(database: Database) -> None:
    job = submitted(database, 4)
    poison = 2

    lone_crashes = 0
    while lone_crashes < 3:
        shard = claimed(database)
        if poison not in shard.positions:
            finish(database, shard)
            continue
        lone_crashes += shard.count == 1
        release(database, shard, crashed=True)

    last = finish_all_but(database, poison)
    now = reread(database, job)
    assert (last.positions, last.crashes) == ([poison], 3)
    assert (now.succeeded, now.running, now.queued) == (3, 1, 0)


def finish_all_but(database: Database, poison: int) -> Shard:
    """Finishes every queued shard but the one with this position, and returns that one, claimed."""
    left = None
    while (shard := claim(database)) is not None:
        if poison in shard.positions:
            left = shard
        else:
            finish(database, shard)
    assert left is not None
    return left


def test_a_release_is_no_crash(database: Database) -> None:
    submitted(database, 4)

    for _ in range(5):
        release(database, claimed(database), crashed=False)

    shard = claimed(database)
    assert (shard.crashes, shard.count, shard.attempt) == (0, 4, 6)


def test_an_expired_lease_counts_as_a_crash_only_after_many(database: Database) -> None:
    submitted(database, 1)

    crashes = []
    for _ in range(7):
        shard = claimed(database, lease_s=0.001)
        time.sleep(0.01)
        with database.write.begin() as session:
            assert shards.expire(session, shard)
            crashes.append(session.scalar(select(Shard.crashes)))

    assert crashes == [0, 0, 0, 0, 0, 1, 2]


def test_the_database_refuses_counters_that_do_not_add_up(database: Database) -> None:
    job = submitted(database, 2)

    with pytest.raises(IntegrityError), database.write.begin() as session:
        session.execute(update(Job).where(Job.id == job.id).values(queued=1))


def test_counters_equal_a_recount_after_any_sequence_of_events(database: Database) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    made = [submitted(database, *dice.choices(range(1, 6), k=3), owner=owner) for owner in ("ada", "bob")]

    for _ in range(60):
        shard = claim(database, lease_s=60)
        if shard is None:
            break
        if dice.random() < 0.5:
            finish(database, shard, failed=dice.randrange(shard.count + 1))
        else:
            release(database, shard, crashed=dice.random() < 0.5)
        for job in made:
            assert recounted(database, job) == (reread(database, job).queued, reread(database, job).running)


def recounted(database: Database, job: Job) -> tuple[int, int]:
    with database.read.begin() as session:
        images = [
            session.scalar(
                select(func.coalesce(func.sum(Shard.count), 0)).where(Shard.job_id == job.id, Shard.state == state)
            )
            for state in (ShardState.QUEUED, ShardState.RUNNING)
        ]
    return int(images[0] or 0), int(images[1] or 0)


def test_workers_on_the_shards_of_one_job_do_not_deadlock(database: Database) -> None:
    job = submitted(database, *[1] * 120)

    def work_off(number: int) -> None:
        while shard := claim(database, worker=str(number)):
            finish(database, shard)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(work_off, range(8)))

    assert reread(database, job).state == JobState.SUCCEEDED
