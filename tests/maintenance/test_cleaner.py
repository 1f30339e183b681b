"""The cleaner deletes what is past its retention."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from core.db.engines import Database
from core.db.tables import Job
from core.jobs import claims, lookup, retry, shards
from core.objects.storage import Storage, shard_key
from core.states import Queue
from maintenance.cleaner import BATCH, purge_overdue
from tests.databases import results_of, submit


def test_overdue_results_are_deleted_with_their_objects(database: Database, tmp_path: Path) -> None:
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


def test_a_job_retried_during_a_purge_of_others_keeps_everything(database: Database, tmp_path: Path) -> None:
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
    """Return a job whose one image failed; its retention ends `keep_s` seconds after yesterday's start."""
    job = submit(session, counts=(1,))
    claimed = claims.claim(session, Queue.BULK, worker="w", lease_s=60)
    assert claimed
    ended = shards.finish(session, claimed[0], results_of(claimed[0], failed=1), engine="onnx")
    assert ended
    ended.expires_at = job.created_at - timedelta(days=1) + timedelta(seconds=keep_s)
    return ended


def test_more_overdue_jobs_than_a_batch_are_purged_by_further_passes(database: Database, tmp_path: Path) -> None:
    with database.write.begin() as session:
        made = [failed(session, keep_s=0) for _ in range(BATCH + 1)]

    more_left = purge_overdue(database, Storage(tmp_path)), purge_overdue(database, Storage(tmp_path))

    assert more_left == (True, False)
    with database.read.begin() as session:
        assert all(lookup.find_job(session, job.id, owner="ada").purged_at for job in made)


def test_a_job_that_cannot_be_purged_keeps_no_other_from_it(database: Database, tmp_path: Path) -> None:
    with database.write.begin() as session:
        stuck, other = (failed(session, keep_s=place) for place in range(2))

    class BrokenForOne(Storage):
        def delete_job(self, job_id: str) -> None:
            if job_id == stuck.id:
                raise OSError("the disk is read-only")

    more_left = purge_overdue(database, BrokenForOne(tmp_path))

    assert not more_left
    with database.read.begin() as session:
        assert lookup.find_job(session, other.id, owner="ada").purged_at
