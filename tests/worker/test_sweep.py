"""The sweep finds what was lost."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy.orm import Session

from core.broker import ARCHIVE_QUEUE, celery_app
from core.db.engines import Database
from core.db.tables import Job
from core.jobs import archives, cancellation, claims, lookup, retry, shards
from core.notifier import Notifier
from core.objects.storage import Storage, shard_key
from core.states import Queue
from maintenance.__main__ import expire_leases, notify_unclaimed, purge_overdue, remove_orphans, sweep
from ops.ports import LOOPBACK, free_port
from servers.redis import RedisServer
from tests.databases import results_of, submit
from worker.inference.cancel_watch import CancelWatch


@pytest.fixture
def notifier(redis: RedisServer) -> Notifier:
    url = redis.url.removesuffix("/0") + "/1"  # a running stack's workers listen in the other
    with Redis.from_url(url) as server:
        server.flushdb()
    return Notifier(celery_app(url))


def test_bells_that_redis_lost_are_rung_again_and_no_more_than_needed(database: Database, notifier: Notifier) -> None:
    with database.write.begin() as session:
        submit(session, counts=(1, 1, 1))

    for _ in range(3):
        notify_unclaimed(database, notifier)

    assert notifier.pending(Queue.BULK) == 3
    assert notifier.pending(Queue.INTERACTIVE) == 0


def test_an_archive_nobody_heard_of_is_rung_for(database: Database, notifier: Notifier) -> None:
    with database.write.begin() as session:
        submit(session, counts=(1,))
        claimed = claims.claim(session, Queue.BULK, worker="w", lease_s=60)
        assert claimed
        job = shards.finish(session, claimed[0], results_of(claimed[0]), engine="onnx")
        assert job
        archives.request(session, job)

    notify_unclaimed(database, notifier)

    assert notifier.pending(ARCHIVE_QUEUE) == 1


def test_a_silent_workers_shard_can_be_claimed_again(database: Database) -> None:
    with database.write.begin() as session:
        submit(session)
        claims.claim(session, Queue.BULK, worker="silent", lease_s=0.01)
    time.sleep(0.05)

    expire_leases(database)

    with database.write.begin() as session:
        claimed = claims.claim(session, Queue.BULK, worker="next", lease_s=60)
    assert claimed
    assert claimed[0].attempt == 2


def test_results_go_when_their_time_is_over_and_their_objects_with_them(database: Database, tmp_path: Path) -> None:
    storage = Storage(tmp_path / "storage")
    with database.write.begin() as session:
        job = submit(session, counts=(1,))
        with storage.create(shard_key(job.id, 1)) as file:
            file.write(b"x")
        claimed = claims.claim(session, Queue.BULK, worker="w", lease_s=60)
        assert claimed
        shards.finish(session, claimed[0], results_of(claimed[0]), engine="onnx")
        job.expires_at = job.created_at

    purge_overdue(database, storage)

    with database.read.begin() as session:
        assert lookup.find_job(session, job.id, owner="ada").purged_at
    assert not storage.exists(shard_key(job.id, 1))


def test_a_job_that_is_retried_while_others_are_purged_keeps_everything(database: Database, tmp_path: Path) -> None:
    with database.write.begin() as session:
        made = [failed(session, keep_s=place) for place in range(2)]

    class Slow(Storage):
        def delete_job(self, job_id: str) -> None:
            with database.write.begin() as session:
                retry.retry_failed(session, made[1], shard_images=256)

    purge_overdue(database, Slow(tmp_path))

    with database.write.begin() as session:
        first, second = (lookup.find_job(session, job.id, owner="ada") for job in made)
        assert first.purged_at
        assert (second.purged_at, second.queued) == (None, 1)
        assert claims.claim(session, Queue.BULK, worker="w", lease_s=60)


def failed(session: Session, *, keep_s: float) -> Job:
    """A job of one image that failed, kept so long from its beginning."""
    job = submit(session, counts=(1,))
    claimed = claims.claim(session, Queue.BULK, worker="w", lease_s=60)
    assert claimed
    ended = shards.finish(session, claimed[0], results_of(claimed[0], failed=1), engine="onnx")
    assert ended
    ended.expires_at = job.created_at - timedelta(days=1) + timedelta(seconds=keep_s)
    return ended


def test_objects_that_no_job_refers_to_are_removed_and_others_kept(database: Database, tmp_path: Path) -> None:
    storage = Storage(tmp_path / "storage")
    with database.write.begin() as session:
        job = submit(session)
    for job_id in (job.id, "0" * 32):
        with storage.create(shard_key(job_id, 1)) as file:
            file.write(b"x")

    remove_orphans(database, storage, older_than_s=0)

    assert storage.exists(shard_key(job.id, 1))
    assert not storage.exists(shard_key("0" * 32, 1))


def test_retention_goes_on_while_redis_is_away(database: Database, tmp_path: Path) -> None:
    away = Notifier(celery_app(f"redis://{LOOPBACK}:{free_port()}/0"))
    with database.write.begin() as session:
        job = submit(session, counts=(1,))
        claimed = claims.claim(session, Queue.BULK, worker="w", lease_s=60)
        assert claimed
        shards.finish(session, claimed[0], results_of(claimed[0]), engine="onnx")
        job.expires_at = job.created_at
        submit(session, counts=(1,))

    sweep(database, Storage(tmp_path), away)

    with database.read.begin() as session:
        assert lookup.find_job(session, job.id, owner="ada").purged_at


def test_a_cancelled_job_is_heard_of_at_the_first_batch(database: Database) -> None:
    with database.write.begin() as session:
        job = submit(session)
        claimed = claims.claim(session, Queue.BULK, worker="w", lease_s=60)
        assert claimed
    with database.write.begin() as session:
        cancellation.cancel(session, job)

    assert CancelWatch(database.read, job.id)()
