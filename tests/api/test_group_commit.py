"""Small jobs that arrive at the same time share a transaction, and nothing else."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis import Redis
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError

from api.group_commit import MAX_GROUP_COMMIT, GroupCommit
from core.db.engines import Database
from core.db.tables import Job
from core.errors import Unavailable
from core.jobs.submission import NewJob, StoredObject, Submission
from core.notifier import open_notifier
from core.objects.storage import Storage, shard_key
from core.settings import Settings
from core.states import JobKind, Queue
from servers.redis import RedisServer

Outcome = Job | BaseException


def stored(storage: Storage, *, lost: bool = False) -> Submission:
    """Return the submission of an upload of one image, whose object is in storage unless it is lost."""
    new = NewJob(
        id=uuid4().hex, owner="ada", kind=JobKind.BATCH, model_name="fashion-mnist", model_version="1.0.0",
        precision="fp32", top_k=3, retention_s=3600,
    )  # fmt: skip
    key = shard_key(new.id, 1)
    if not lost:
        with storage.create(key) as file:
            file.write(b"x")
    return Submission(new, [StoredObject(key, "0" * 64, 1)])


@pytest.fixture
def settings(redis: RedisServer, tmp_path: Path) -> Settings:
    url = redis.url.removesuffix("/0") + "/2"  # the workers of a running stack listen to database 0
    with Redis.from_url(url) as server:
        server.flushdb()
    return Settings(database_url="sqlite://", redis_url=SecretStr(url), storage_dir=tmp_path)


def commit_all(
    settings: Settings, database: Database, submissions: Sequence[Submission], *, cancelled: Sequence[int] = ()
) -> list[Outcome]:
    """Commit all at the same time, and cancel those requests at once; return each one's job or error."""

    async def commit() -> list[Outcome]:
        group_commit = GroupCommit(settings, database, Storage(settings.storage_dir), open_notifier(settings))
        requests = [asyncio.create_task(group_commit.commit_and_notify(one)) for one in submissions]
        await asyncio.sleep(0)
        for number in cancelled:
            requests[number].cancel()
        return await asyncio.gather(*requests, return_exceptions=True)

    return asyncio.run(commit())


def job_ids(database: Database) -> set[str]:
    with database.read.begin() as session:
        return set(session.scalars(select(Job.id)))


def test_small_jobs_that_arrive_at_once_share_a_transaction_and_a_notification(
    settings: Settings, database: Database
) -> None:
    submissions = [stored(Storage(settings.storage_dir)) for _ in range(8)]

    jobs = commit_all(settings, database, submissions)

    assert [job.id for job in jobs if isinstance(job, Job)] == [one.new.id for one in submissions]
    assert len({job.created_at for job in jobs if isinstance(job, Job)}) == 1
    assert open_notifier(settings).pending(Queue.INTERACTIVE) == 1


def test_a_transaction_takes_only_so_many_jobs(settings: Settings, database: Database) -> None:
    submissions = [stored(Storage(settings.storage_dir)) for _ in range(MAX_GROUP_COMMIT + 1)]
    commits: list[object] = []
    for engine in set(database.engines):
        event.listen(engine, "commit", commits.append)

    jobs = commit_all(settings, database, submissions)

    assert job_ids(database) == {one.new.id for one in submissions}
    assert all(isinstance(job, Job) for job in jobs)
    assert len(commits) >= 2  # one for MAX_GROUP_COMMIT jobs and one for the last; reading commits too


def test_an_upload_that_was_cleared_away_fails_alone(settings: Settings, database: Database) -> None:
    submissions = [stored(Storage(settings.storage_dir), lost=number == 3) for number in range(8)]

    jobs = commit_all(settings, database, submissions)

    assert [type(job) for job in jobs] == [Job, Job, Job, Unavailable, Job, Job, Job, Job]
    assert job_ids(database) == {one.new.id for one in submissions} - {submissions[3].new.id}


def test_rows_that_the_database_refuses_fail_alone_and_their_upload_is_deleted(
    settings: Settings, database: Database
) -> None:
    storage = Storage(settings.storage_dir)
    taken = stored(storage)
    commit_all(settings, database, [taken])
    twin = Submission(taken.new, taken.stored)
    others = [stored(storage) for _ in range(3)]

    jobs = commit_all(settings, database, [*others, twin])

    assert [type(job) for job in jobs] == [Job, Job, Job, IntegrityError]
    assert job_ids(database) == {taken.new.id, *(one.new.id for one in others)}
    assert [storage.exists(one.stored[0].object_key) for one in (*others, twin)] == [True, True, True, False]


def test_a_cancelled_request_does_not_harm_the_others(settings: Settings, database: Database) -> None:
    submissions = [stored(Storage(settings.storage_dir)) for _ in range(8)]

    jobs = commit_all(settings, database, submissions, cancelled=[0, 5])

    assert [type(job) for job in jobs] == [asyncio.CancelledError, Job, Job, Job, Job, asyncio.CancelledError, Job, Job]
    assert {job.id for job in jobs if isinstance(job, Job)} <= job_ids(database)
