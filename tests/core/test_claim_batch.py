"""Small shards of several callers: taken together, but each with a fate of its own."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import update

from core.db.engines import Database
from core.db.tables import Item, Job, Shard
from core.jobs import cancellation, claims, shards
from core.jobs.claims import ClaimedBatch
from core.jobs.items import ShardResult
from core.jobs.submission import NewJob, StoredShard, Submission, submit_batch
from core.objects.storage import shard_key
from core.states import Explain, JobKind, JobState, Queue, ShardState
from tests.core.moves import release, reread
from tests.databases import SHARD_IMAGES, results_of

Claimed = list[tuple[Shard, Job]]


def small_jobs(
    database: Database, *counts: int, precision: str = "fp32", explain: Explain = Explain.CAM, owner: str = "ada"
) -> list[Job]:
    """Interactive jobs of one shard each, written together."""
    given = []
    for count in counts:
        new = NewJob(
            id=uuid4().hex, owner=owner, kind=JobKind.BATCH, model_name="fashion-mnist", model_version="1.0.0",
            precision=precision, top_k=3, retention_s=3600, explain=explain,
        )  # fmt: skip
        given.append(Submission(new, [StoredShard(shard_key(new.id, 1), "0" * 64, count)]))
    with database.write.begin() as session:
        return submit_batch(session, given, interactive_images=8, shard_images=SHARD_IMAGES)


def company(database: Database, *, max_shards: int = 16, max_images: int = 32) -> Claimed:
    return list(claim(database, max_shards=max_shards, max_images=max_images).shards)


def claim(database: Database, *, max_shards: int = 16, max_images: int = 32) -> ClaimedBatch:
    """What was claimed, and whether more waits."""
    with database.write.begin() as session:
        return claims.claim_batch(
            session, Queue.INTERACTIVE, worker="w", lease_s=60, max_shards=max_shards, max_images=max_images
        )


def finish(database: Database, claimed: Claimed, *, failed: Sequence[int] = ()) -> dict[str, Job]:
    """Commits them together; the images of those in these places failed."""
    done = [
        ShardResult(shard, results_of(shard, failed=shard.count if place in failed else 0))
        for place, (shard, _) in enumerate(claimed)
    ]
    with database.write.begin() as session:
        return shards.finish_batch(session, done, engine="onnx")


def counts(claimed: Claimed) -> list[int]:
    return sorted(shard.count for shard, _ in claimed)


def test_shards_of_several_jobs_are_claimed_and_finished_together(database: Database) -> None:
    made = small_jobs(database, 1, 2, 3)

    claimed = company(database)
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


def test_jobs_written_together_have_the_turns_of_jobs_written_one_after_another(database: Database) -> None:
    together = [*small_jobs(database, 1, 2), *small_jobs(database, 3, owner="ben")]

    with database.read.begin() as session:
        turns = [shard.virtual_time for shard in map(session.get_one, [Shard] * 3, shard_ids(database, together))]

    assert turns == [1, 3, 4]


def shard_ids(database: Database, jobs: Sequence[Job]) -> list[str]:
    with database.read.begin() as session:
        rows = {shard.job_id: shard.id for shard in session.query(Shard)}
    return [rows[job.id] for job in jobs]


def test_a_company_holds_so_many_shards_and_images_in_fair_order(database: Database) -> None:
    small_jobs(database, 5, 5, 5, 1)

    by_images = counts(company(database, max_images=10))
    by_shards = counts(company(database, max_shards=1))

    assert (by_images, by_shards) == ([5, 5], [5])
    assert counts(company(database, max_images=0)) == [1], "one at least"
    assert company(database) == []


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


def test_a_company_is_renewed_in_the_order_in_which_shards_are_locked(database: Database) -> None:
    small_jobs(database, *[1] * 12)

    ids = [shard.id for shard, _ in company(database)]

    assert len(ids) == 12
    assert ids == sorted(ids)


def test_one_that_keeps_failing_its_company_holds_it_up_once(database: Database) -> None:
    small_jobs(database, 1, 2)
    for shard, _ in company(database):
        release(database, shard, crashed=False)
    small_jobs(database, 3, 4)

    companies = [counts(company(database)) for _ in range(3)]

    assert companies == [[1], [2], [3, 4]]


def test_who_crashed_or_takes_long_or_needs_another_model_is_apart(database: Database) -> None:
    small_jobs(database, 1)
    release(database, company(database)[0][0], crashed=True)
    small_jobs(database, 2, 3)
    small_jobs(database, 4, explain=Explain.FULL)
    small_jobs(database, 5, precision="int8")
    small_jobs(database, 6)

    companies = [counts(company(database)) for _ in range(4)]

    assert companies == [[1], [2, 3, 6], [4], [5]]


def test_a_lost_lease_loses_nothing_for_the_others(database: Database) -> None:
    made = small_jobs(database, 1, 2, 3)
    claimed = company(database)
    lost, _ = next(pair for pair in claimed if pair[0].count == 2)
    release(database, lost, crashed=False)

    kept = finish(database, claimed)

    assert lost.id not in kept
    assert [reread(database, job).state for job in made] == [JobState.SUCCEEDED, JobState.RUNNING, JobState.SUCCEEDED]
    assert [shard.attempt for shard, _ in company(database)] == [2]


def test_one_that_is_cancelled_ends_so_among_others_that_succeed(database: Database) -> None:
    made = small_jobs(database, 1, 2)
    claimed = company(database)
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
    claimed = company(database)
    with database.write.begin() as session:
        session.execute(update(Shard).where(Shard.id == claimed[0][0].id).values(state=ShardState.DONE))

    with database.read.begin() as session:
        held = shards.leased_by(session, "w")

    assert {shard.id for shard in held} == {shard.id for shard, _ in claimed[1:]}


def test_workers_that_serve_companies_never_wait_in_a_circle(database: Database) -> None:
    made = [job for _ in range(10) for job in small_jobs(database, *[1] * 12)]

    def work_off(_: int) -> None:
        while claimed := company(database, max_shards=5):
            finish(database, claimed)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(work_off, range(8)))

    assert {reread(database, job).state for job in made} == {JobState.SUCCEEDED}
