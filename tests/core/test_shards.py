"""A shard's life: claim, renew, finish, give back, expire, split."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from core import jobs, shards
from core.clock import db_now
from core.database import Database
from core.states import JobState, Lane, ShardState
from core.tables import Item, Job, Shard
from tests.databases import outcomes, submit


def claim(database: Database, *, lease_s: float = 60, worker: str = "w") -> Shard | None:
    with database.write.begin() as session:
        claimed = shards.claim(session, Lane.BULK, worker=worker, lease_s=lease_s)
    return claimed and claimed[0]


def claimed(database: Database, *, lease_s: float = 60) -> Shard:
    shard = claim(database, lease_s=lease_s)
    assert shard is not None
    return shard


def finish(database: Database, shard: Shard, *, failed: int = 0) -> Job | None:
    with database.write.begin() as session:
        return shards.finish(session, shard, outcomes(shard, failed=failed), engine="onnx")


def give_back(database: Database, shard: Shard, *, crashed: bool) -> bool:
    with database.write.begin() as session:
        return shards.give_back(session, shard, crashed=crashed)


def submitted(database: Database, *counts: int, owner: str = "ada") -> Job:
    with database.write.begin() as session:
        return submit(session, counts=counts, owner=owner)


def reread(database: Database, job: Job) -> Job:
    with database.read.begin() as session:
        return jobs.owned(session, job.id, owner=job.owner)


def test_a_claim_leases_the_shard_and_moves_its_images_to_running(database: Database) -> None:
    job = submitted(database, 4, 3)

    shard = claimed(database)

    now = reread(database, job)
    assert (shard.state, shard.attempt, shard.leased_by) == (ShardState.RUNNING, 1, "w")
    assert (now.state, now.queued, now.running) == (JobState.RUNNING, 3, 4)
    assert now.started_at is not None
    assert now.revision == job.revision + 1


def test_an_empty_lane_has_nothing_to_claim(database: Database) -> None:
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

    assert halfway
    assert done
    assert (halfway.state, done.state) == (JobState.RUNNING, JobState.PARTIALLY_SUCCEEDED)
    assert (done.succeeded, done.failed, done.ended_at is not None) == (3, 1, True)
    assert done.id == job.id


@pytest.mark.parametrize(("failed", "state"), [(0, JobState.SUCCEEDED), (2, JobState.FAILED)])
def test_a_job_whose_images_all_share_a_fate_ends_so(database: Database, failed: int, state: JobState) -> None:
    submitted(database, 2)

    done = finish(database, claimed(database), failed=failed)

    assert done
    assert done.state == state


def test_a_worker_that_lost_its_lease_writes_nothing(database: Database) -> None:
    job = submitted(database, 4)
    zombie = claimed(database)
    give_back(database, zombie, crashed=False)
    successor = claimed(database)

    late = finish(database, zombie)
    done = finish(database, successor)

    assert late is None
    assert done
    assert done.succeeded == 4
    with database.read.begin() as session:
        assert session.scalar(select(func.count()).where(Item.job_id == job.id)) == 4


def test_an_image_cannot_have_two_items(database: Database) -> None:
    submitted(database, 2)
    shard = claimed(database)

    twice = [*outcomes(shard), outcomes(shard)[0]]

    with pytest.raises(IntegrityError), database.write.begin() as session:
        shards.finish(session, shard, twice, engine="onnx")


def test_only_the_holder_of_a_lease_can_renew_it(database: Database) -> None:
    submitted(database, 1)
    shard = claimed(database, lease_s=1)

    with database.write.begin() as session:
        assert shards.renew(session, shard, lease_s=100)
    give_back(database, shard, crashed=False)

    with database.write.begin() as session:
        assert not shards.renew(session, shard, lease_s=100)


def test_a_lease_that_ended_in_silence_frees_its_shard(database: Database) -> None:
    job = submitted(database, 2)
    shard = claimed(database, lease_s=0.05)
    time.sleep(0.1)

    with database.write.begin() as session:
        (silent,) = shards.expired(session)
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
        (silent,) = shards.expired(session)
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
        give_back(database, shard, crashed=True)

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
        give_back(database, claimed(database), crashed=False)

    shard = claimed(database)
    assert (shard.crashes, shard.count, shard.attempt) == (0, 4, 6)


def test_a_shard_that_the_servers_own_trouble_failed_lets_others_pass(database: Database) -> None:
    submitted(database, 1, owner="unlucky")
    submitted(database, 1, owner="next")
    first = claimed(database)

    with database.write.begin() as session:
        assert shards.postpone(session, first)

    assert claimed(database).owner == "next"
    assert claim(database) is None
    with database.read.begin() as session:
        assert shards.queued(session, Lane.BULK) == 0


def test_silence_counts_as_a_crash_only_after_many_times(database: Database) -> None:
    submitted(database, 1)

    crashes = []
    for _ in range(7):
        shard = claimed(database, lease_s=0.001)
        time.sleep(0.01)
        with database.write.begin() as session:
            assert shards.expire(session, shard)
            crashes.append(session.scalar(select(Shard.crashes)))

    assert crashes == [0, 0, 0, 0, 0, 1, 2]


def test_a_flooding_owner_does_not_hold_up_another(database: Database) -> None:
    submitted(database, *[10] * 20, owner="flood")
    for _ in range(3):
        finish(database, claimed(database))
    submitted(database, 10, 10, owner="late")

    order = [claimed(database).owner for _ in range(6)]

    assert order.count("late") == 2
    assert order[:4].count("late") >= 1


def test_yesterdays_use_is_forgotten(database: Database) -> None:
    submitted(database, *[10] * 10, owner="busy")
    while shard := claim(database):
        finish(database, shard)

    with database.write.begin() as session:
        job = submit(session, counts=(5,), owner="busy")
        turn = session.scalar(select(Shard.turn).where(Shard.job_id == job.id))

    assert turn == 5


def test_the_database_refuses_counters_that_do_not_add_up(database: Database) -> None:
    job = submitted(database, 2)

    with pytest.raises(IntegrityError), database.write.begin() as session:
        session.execute(update(Job).where(Job.id == job.id).values(queued=1))


def test_the_databases_clock_counts_seconds(database: Database) -> None:
    with database.read.begin() as session:
        now, later = session.execute(select(db_now(), db_now(plus_s=60))).one()

    assert abs(now.timestamp() - time.time()) < 5
    assert (later - now).total_seconds() == pytest.approx(60, abs=1)


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
            give_back(database, shard, crashed=dice.random() < 0.5)
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
