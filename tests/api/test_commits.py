"""Small jobs that come at the same time share a transaction, and nothing else."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis import Redis
from sqlalchemy import select

from api.group_commit import Submissions
from core.db.engines import Database
from core.db.tables import Job
from core.errors import Unavailable
from core.jobs.submission import NewJob, StoredShard, Submission
from core.notifier import open_notifier
from core.objects.storage import Storage, shard_key
from core.settings import Settings
from core.states import JobKind, Queue
from servers.redis import RedisServer


def stored(storage: Storage, *, lost: bool = False) -> Submission:
    """An upload of one image."""
    new = NewJob(
        id=uuid4().hex, owner="ada", kind=JobKind.BATCH, model_name="fashion-mnist", model_version="1.0.0",
        precision="fp32", top_k=3, retention_s=3600,
    )  # fmt: skip
    key = shard_key(new.id, 1)
    if not lost:
        with storage.create(key) as file:
            file.write(b"x")
    return Submission(new, [StoredShard(key, "0" * 64, 1)])


@pytest.fixture
def settings(redis: RedisServer, tmp_path: Path) -> Settings:
    url = redis.url.removesuffix("/0") + "/2"  # a running stack's workers listen in the other
    with Redis.from_url(url) as server:
        server.flushdb()
    return Settings(database_url="sqlite://", redis_url=SecretStr(url), storage_dir=tmp_path)


def commit_all(settings: Settings, database: Database, given: Sequence[Submission]) -> list[Job | BaseException]:
    """Each becomes its job, or what kept it from that; all come at the same time."""

    async def gather() -> list[Job | BaseException]:
        submissions = Submissions(settings, database, Storage(settings.storage_dir), open_notifier(settings))
        return await asyncio.gather(*map(submissions.commit, given), return_exceptions=True)

    return asyncio.run(gather())


def test_small_jobs_that_come_together_share_a_transaction_and_a_bell(settings: Settings, database: Database) -> None:
    given = [stored(Storage(settings.storage_dir)) for _ in range(8)]

    jobs = commit_all(settings, database, given)

    assert [job.id for job in jobs if isinstance(job, Job)] == [one.new.id for one in given]
    assert len({job.created_at for job in jobs if isinstance(job, Job)}) == 1
    assert open_notifier(settings).pending(Queue.INTERACTIVE) == 1


def test_an_upload_that_was_cleared_away_fails_alone(settings: Settings, database: Database) -> None:
    given = [stored(Storage(settings.storage_dir), lost=number == 3) for number in range(8)]

    jobs = commit_all(settings, database, given)

    assert [type(job) for job in jobs] == [Job, Job, Job, Unavailable, Job, Job, Job, Job]
    with database.read.begin() as session:
        written = set(session.scalars(select(Job.id)))
    assert written == {one.new.id for one in given} - {given[3].new.id}
