"""Claiming a micro-batch: shards of several jobs are claimed in one statement and end independently."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import update

from core.db.engines import Database
from core.db.tables import Item, Job, Shard
from core.jobs import cancellation, claims, shards
from core.jobs.claims import ClaimedBatch
from core.jobs.items import ShardResult
from core.jobs.submission import NewJob, StoredObject, Submission, submit_batch
from core.objects.storage import shard_key
from core.states import Explain, JobKind, JobState, Queue, ShardState
from tests.core.moves import release, reread
from tests.databases import SHARD_IMAGES, results_of

Claimed = list[tuple[Shard, Job]]


def small_jobs(
    database: Database, *counts: int, precision: str = "fp32", explain: Explain = Explain.CAM, owner: str = "ada"
) -> list[Job]:
    """Submit interactive jobs of one shard each in one batch."""
    given = []
    for count in counts:
        new = NewJob(
            id=uuid4().hex, owner=owner, kind=JobKind.BATCH, model_name="fashion-mnist", model_version="1.0.0",
            precision=precision, top_k=3, retention_s=3600, explain=explain,
        )  # fmt: skip
        given.append(Submission(new, [StoredObject(shard_key(new.id, 1), "0" * 64, count)]))
    with database.write.begin() as session:
        return submit_batch(session, given, interactive_images=8, shard_images=SHARD_IMAGES)


def batch(database: Database, *, max_shards: int = 16, max_images: int = 32) -> Claimed:
    return list(claim(database, max_shards=max_shards, max_images=max_images).shards)


def claim(database: Database, *, max_shards: int = 16, max_images: int = 32) -> ClaimedBatch:
    """What was claimed, and whether more waits."""
    with database.write.begin() as session:
        return claims.claim_batch(
            session, Queue.INTERACTIVE, worker="w", lease_s=60, max_shards=max_shards, max_images=max_images
        )


def finish(database: Database, claimed: Claimed, *, failed: Sequence[int] = ()) -> dict[str, Job]:
    """Commit these shards in one batch; the images of those at the positions `failed` failed."""
    done = [
        ShardResult(shard, results_of(shard, failed=shard.count if place in failed else 0))
        for place, (shard, _) in enumerate(claimed)
    ]
    with database.write.begin() as session:
        return shards.finish_batch(session, done, engine="onnx")


def counts(claimed: Claimed) -> list[int]:
    return sorted(shard.count for shard, _ in claimed)


def test_shards_of_several_jobs_are_claimed_and_finished_in_one_batch(database: Database) -> None:
    made = small_jobs(database, 1, 2, 3)

    claimed = batch(database)
    running = [reread(database, job) for job in made]
    finish(database, claimed, failed=[next(n for n, (shard, _) in enumerate(claimed) if shard.count == 2)])

    assert [(job.state, job.queued, job.running) for job in running] == [
        (JobState.RUNNING, 0, count) for count in (1, 2, 3)
    ]
    ended = [reread(database, job) for job in made]
    assert [(job.state, job.succeeded, job.failed, job.running) for job in ended] == [
        (JobState.SUCCEEDED, 1, 0, 0),
        (JobState.FAILED, 0, 2, 0),
        (JobState.SUCCEEDED, 3, 0, 0),
    ]


def test_jobs_submitted_in_one_batch_have_the_virtual_times_of_jobs_submitted_one_by_one(database: Database) -> None:
    batch_jobs = [*small_jobs(database, 1, 2), *small_jobs(database, 3, owner="ben")]

    with database.read.begin() as session:
        virtual_times = [
            shard.virtual_time for shard in map(session.get_one, [Shard] * 3, shard_ids(database, batch_jobs))
        ]

    assert virtual_times == [1, 3, 4]


def shard_ids(database: Database, jobs: Sequence[Job]) -> list[str]:
    with database.read.begin() as session:
        rows = {shard.job_id: shard.id for shard in session.query(Shard)}
    return [rows[job.id] for job in jobs]


def test_a_batch_is_bounded_in_shards_and_images_and_in_fair_order(database: Database) -> None:
    small_jobs(database, 5, 5, 5, 1)

    by_images = counts(batch(database, max_images=10))
    by_shards = counts(batch(database, max_shards=1))

    assert (by_images, by_shards) == ([5, 5], [5])
    assert counts(batch(database, max_images=0)) == [1], "one at least"
    assert batch(database) == []


def test_a_claim_says_whether_it_left_any(database: Database) -> None:
    small_jobs(database, 1, 1, 1)
    small_jobs(database, 1, precision="int8")

    left = [
        claim(database, max_shards=2).more_left,
        claim(database).more_left,
        claim(database).more_left,
        claim(database).more_left,
    ]

    assert left == [True, True, False, False]


def test_a_batch_is_renewed_in_the_order_in_which_shards_are_locked(database: Database) -> None:
    small_jobs(database, *[1] * 12)

    ids = [shard.id for shard, _ in batch(database)]

    assert len(ids) == 12
    assert ids == sorted(ids)


def test_a_shard_that_fails_its_batch_delays_it_once(database: Database) -> None:
    small_jobs(database, 1, 2)
    for shard, _ in batch(database):
        release(database, shard, crashed=False)
    small_jobs(database, 3, 4)

    batches = [counts(batch(database)) for _ in range(3)]

    assert batches == [[1], [2], [3, 4]]


def test_shards_that_crashed_or_take_long_or_need_another_model_are_claimed_alone(database: Database) -> None:
    small_jobs(database, 1)
    release(database, batch(database)[0][0], crashed=True)
    small_jobs(database, 2, 3)
    small_jobs(database, 4, explain=Explain.FULL)
    small_jobs(database, 5, precision="int8")
    small_jobs(database, 6)

    batches = [counts(batch(database)) for _ in range(4)]

    assert batches == [[1], [2, 3, 6], [4], [5]]


def test_a_lost_lease_loses_nothing_for_the_others(database: Database) -> None:
    made = small_jobs(database, 1, 2, 3)
    claimed = batch(database)
    lost, _ = next(pair for pair in claimed if pair[0].count == 2)
    release(database, lost, crashed=False)

    kept = finish(database, claimed)

    assert lost.id not in kept
    assert [reread(database, job).state for job in made] == [JobState.SUCCEEDED, JobState.RUNNING, JobState.SUCCEEDED]
    assert [shard.attempt for shard, _ in batch(database)] == [2]


def test_a_cancelled_shard_of_a_batch_ends_cancelled_while_others_succeed(database: Database) -> None:
    made = small_jobs(database, 1, 2)
    claimed = batch(database)
    with database.write.begin() as session:
        cancellation.cancel(session, reread(database, made[1]))
    with database.write.begin() as session:
        done = [ShardResult(shard, results_of(shard) if shard.count == 1 else []) for shard, _ in claimed]
        shards.finish_batch(session, done, engine="onnx")

    first, second = (reread(database, job) for job in made)

    assert (first.state, first.succeeded) == (JobState.SUCCEEDED, 1)
    assert (second.state, second.cancelled) == (JobState.CANCELLED, 2)
    with database.read.begin() as session:
        assert [item.job_id for item in session.query(Item)] == [first.id]


def test_all_that_a_lost_worker_held_is_found(database: Database) -> None:
    small_jobs(database, 1, 2, 3)
    claimed = batch(database)
    with database.write.begin() as session:
        session.execute(update(Shard).where(Shard.id == claimed[0][0].id).values(state=ShardState.DONE))

    with database.read.begin() as session:
        held = shards.leased_by(session, "w")

    assert {shard.id for shard in held} == {shard.id for shard, _ in claimed[1:]}


def test_workers_that_claim_batches_do_not_deadlock(database: Database) -> None:
    made = [job for _ in range(10) for job in small_jobs(database, *[1] * 12)]

    def work_off(_: int) -> None:
        while claimed := batch(database, max_shards=5):
            finish(database, claimed)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(work_off, range(8)))

    assert {reread(database, job).state for job in made} == {JobState.SUCCEEDED}
