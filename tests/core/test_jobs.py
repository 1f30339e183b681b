"""Jobs: listing, ownership, retention."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from core.db.clock import db_now
from core.db.engines import Database
from core.db.tables import Archive, Item, Job, Shard
from core.errors import Conflict, Gone, NotFound
from core.jobs import archives, claims, lookup, retention, retry, shards
from core.states import JobKind, Queue
from tests.core.moves import claimed, submitted
from tests.databases import SHARD_IMAGES, results_of, submit


def ended_job(database: Database, *, kind: JobKind = JobKind.BATCH) -> Job:
    with database.write.begin() as session:
        submit(session, counts=(2,), kind=kind)
        queue = Queue.INTERACTIVE if kind == JobKind.PREDICT else Queue.BULK
        claimed = claims.claim(session, queue, worker="w", lease_s=60)
        assert claimed
        job = shards.finish(session, claimed[0], results_of(claimed[0]), engine="onnx")
    assert job
    return job


def overdue(database: Database, job: Job) -> list[str]:
    with database.write.begin() as session:
        session.execute(update(Job).where(Job.id == job.id).values(expires_at=db_now(plus_s=-1)))
    with database.read.begin() as session:
        return [found.id for found in retention.overdue_jobs(session)]


def test_another_owners_job_is_as_absent_as_none(database: Database) -> None:
    job = ended_job(database)

    with database.read.begin() as session:
        for job_id, owner in ((job.id, "bob"), ("0" * 32, "ada")):
            with pytest.raises(NotFound):
                lookup.find_job(session, job_id, owner=owner)


def test_jobs_are_listed_newest_first_page_by_page_without_predictions(database: Database) -> None:
    with database.write.begin() as session:
        submit(session, kind=JobKind.PREDICT)
    made = []
    for _ in range(5):
        with database.write.begin() as session:
            made.append(submit(session).id)
        time.sleep(0.002)

    pages, before = [], None
    with database.read.begin() as session:
        while page := lookup.list_jobs(session, owner="ada", before=before, limit=2):
            before = page[-1].created_at, page[-1].id
            pages.append([job.id for job in page])

    assert pages == [made[:2:-1], made[2:0:-1], made[:1]]


def test_an_overdue_job_loses_its_results_and_keeps_its_row(database: Database) -> None:
    job = ended_job(database)
    due = overdue(database, job)

    with database.write.begin() as session:
        retention.purge(session, job)

    with database.read.begin() as session:
        assert due == [job.id]
        assert lookup.find_job(session, job.id, owner="ada").purged_at is not None
        assert session.scalar(select(func.count()).select_from(Item)) == 0
        assert session.scalar(select(func.count()).select_from(Shard)) == 0
        with pytest.raises(Gone):
            lookup.find_unpurged_job(session, job.id, owner="ada")


def test_an_overdue_prediction_leaves_no_trace(database: Database) -> None:
    job = ended_job(database, kind=JobKind.PREDICT)

    with database.write.begin() as session:
        retention.purge(session, job)

    with pytest.raises(NotFound), database.read.begin() as session:
        lookup.find_job(session, job.id, owner="ada")


def test_a_running_job_is_never_overdue(database: Database) -> None:
    with database.write.begin() as session:
        job = submit(session)

    assert overdue(database, job) == []


def test_the_archive_of_a_running_job_is_refused(database: Database) -> None:
    with pytest.raises(Conflict, match="ended"), database.write.begin() as session:
        archives.request(session, submit(session))


def test_an_archive_is_asked_for_once_and_built_by_one(database: Database) -> None:
    job = ended_job(database)

    with database.write.begin() as session:
        first, again = archives.request(session, job), archives.request(session, job)
        builder = archives.claim(session, first.id, worker="a", lease_s=60)
        second = archives.claim(session, first.id, worker="b", lease_s=60)

    assert first.id == again.id
    assert builder
    assert builder.job.id == job.id
    assert second is None


def test_an_archive_whose_builder_lost_its_lease_is_not_finished_by_it(database: Database) -> None:
    job = ended_job(database)
    with database.write.begin() as session:
        archive = archives.claim(session, archives.request(session, job).id, worker="a", lease_s=60)
        assert archive
        archives.release(session, archive, failed=True)

    with database.write.begin() as session:
        kept = archives.finish(session, archive, object_key="k", size_bytes=1, sha256="0" * 64)

    assert not kept


def test_an_archive_that_keeps_failing_fails_and_can_be_requested_again_later(database: Database) -> None:
    job = ended_job(database)
    with database.write.begin() as session:
        archive_id = archives.request(session, job).id
    archive = None
    for _ in range(5):
        with database.write.begin() as session:
            session.execute(update(Archive).values(ready_at=db_now()))
            archive = archives.claim(session, archive_id, worker="a", lease_s=60)
            assert archive
            archives.release(session, archive, failed=True)

    with database.write.begin() as session:
        failed_state = archives.request(session, job).state
        assert archive
        archives.retry_failed(session, archive)
        too_soon = session.scalar(select(Archive.state))
        session.execute(update(Archive).values(ended_at=db_now(plus_s=-3600)))
        archives.retry_failed(session, archive)
        later = session.scalar(select(Archive.state))

    assert (failed_state, too_soon, later) == ("failed", "failed", "queued")


def test_an_archive_requested_during_a_retry_waits_for_the_new_run(database: Database) -> None:
    with database.write.begin() as session:
        submit(session, counts=(2,))
        claimed = claims.claim(session, Queue.BULK, worker="w", lease_s=60)
        assert claimed
        as_read = shards.finish(session, claimed[0], results_of(claimed[0], failed=1), engine="onnx")
    assert as_read
    with database.write.begin() as session:
        retry.retry_failed(session, as_read, shard_images=SHARD_IMAGES)

    with pytest.raises(Conflict, match="ended"), database.write.begin() as session:
        archives.request(session, as_read)


def test_what_a_worker_commits_while_its_job_is_purged_goes_with_it(database: Database) -> None:
    job, shard = submitted(database, 2), claimed(database)

    with ThreadPoolExecutor(1) as aside:
        with database.write.begin() as session:
            shards.finish(session, shard, results_of(shard), engine="onnx")
            purging = aside.submit(purge, database, job)
            time.sleep(0.2)
        purging.result()

    with database.read.begin() as session:
        assert session.scalar(select(func.count()).select_from(Item)) == 0


def purge(database: Database, job: Job) -> None:
    with database.write.begin() as session:
        retention.purge(session, job)
