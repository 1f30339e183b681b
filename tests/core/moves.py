"""Transitions of shards, one transaction each, as workers and maintenance make them."""

from core.db.engines import Database
from core.db.tables import Job, Shard
from core.jobs import claims, lookup, shards
from core.states import Queue
from tests.databases import results_of, submit


def claim(database: Database, *, lease_s: float = 60, worker: str = "w") -> Shard | None:
    with database.write.begin() as session:
        claimed = claims.claim(session, Queue.BULK, worker=worker, lease_s=lease_s)
    return claimed and claimed[0]


def claimed(database: Database, *, lease_s: float = 60) -> Shard:
    shard = claim(database, lease_s=lease_s)
    assert shard is not None
    return shard


def finish(database: Database, shard: Shard, *, failed: int = 0, keep: int | None = None) -> Job:
    """The job, after the shard's first `keep` images were committed, the first `failed` of them as failed."""
    job = finished_late(database, shard, failed=failed, keep=keep)
    assert job
    return job


def finished_late(database: Database, shard: Shard, *, failed: int = 0, keep: int | None = None) -> Job | None:
    """The same by a worker whose lease may be lost: then None."""
    with database.write.begin() as session:
        return shards.finish(session, shard, results_of(shard, failed=failed)[:keep], engine="onnx")


def release(database: Database, shard: Shard, *, crashed: bool) -> bool:
    with database.write.begin() as session:
        return shards.release(session, shard, crashed=crashed)


def submitted(database: Database, *counts: int, owner: str = "ada") -> Job:
    with database.write.begin() as session:
        return submit(session, counts=counts, owner=owner)


def reread(database: Database, job: Job) -> Job:
    with database.read.begin() as session:
        return lookup.find_job(session, job.id, owner=job.owner)
