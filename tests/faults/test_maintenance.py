"""Faults of maintenance: several processes repeat no step, and one that dies between two steps is replaced."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from redis import Redis
from sqlalchemy import select, update

from core.db.clock import db_now
from core.db.engines import Database, open_database
from core.db.tables import Job, Shard
from core.failpoints import Point
from maintenance.orphan_collector import collect_orphans
from maintenance.rescuer import expire_leases
from tests.core.moves import claimed, submitted
from tests.faults.harness import FaultHarness
from tests.faults.observed_job import ObservedJob
from tests.faults.replicas import second_maintenance

IMAGES = 900
EXPIRED = 40
PROCESSES = 4


def test_three_processes_recover_from_a_dead_worker_and_a_wiped_redis(harness: FaultHarness, tmp_path: Path) -> None:
    with (
        second_maintenance(harness, tmp_path / "second", maintenance_interval_s=0.2),
        second_maintenance(harness, tmp_path / "third", maintenance_interval_s=0.2),
        harness.job(IMAGES) as job,
    ):
        job.wait_until_underway()
        with job.fault("31 three maintenance processes, worker killed, Redis wiped", limit_s=20):
            kill_at_work(harness, job)
            with Redis.from_url(harness.redis.url) as redis:
                redis.flushall()
        job.wait_for_end()
        assert not job.crashes()
        assert expiries(job) <= 2


def kill_at_work(harness: FaultHarness, job: ObservedJob) -> None:
    """Kill the worker and its children while they hold shards of this job."""
    worker = harness.process()
    processes = [worker, *worker.children()]
    while True:
        for process in processes:
            process.suspend()
        if job.running_attempts():
            break
        for process in processes:
            process.resume()
        time.sleep(0.02)
    for process in processes:
        process.kill()


def expiries(job: ObservedJob) -> int:
    """Return how often leases of this job expired."""
    with job.stack.database.read.begin() as session:
        return sum(session.scalars(select(Shard.expiries).where(Shard.job_id == job.id)))


@pytest.mark.fast_fault
def test_processes_that_run_at_the_same_time_expire_each_lease_once(database: Database, database_url: str) -> None:
    job = submitted(database, *[2] * EXPIRED)
    for _ in range(EXPIRED):
        claimed(database, lease_s=0.01)
    time.sleep(0.05)
    start = Barrier(PROCESSES)

    with ThreadPoolExecutor(PROCESSES) as threads:
        for pass_ in [threads.submit(expire_at_once, database_url, start) for _ in range(PROCESSES)]:
            pass_.result()

    with database.read.begin() as session:
        found = session.scalars(select(Shard).where(Shard.job_id == job.id)).all()
        now = session.scalars(select(Job).where(Job.id == job.id)).one()
    assert [(shard.attempt, shard.expiries) for shard in found] == [(1, 1)] * EXPIRED
    assert (now.queued, now.running) == (2 * EXPIRED, 0)


def expire_at_once(database_url: str, start: Barrier) -> None:
    database = open_database(database_url)
    start.wait()
    expire_leases(database)
    database.dispose()


@pytest.mark.parametrize("harness", ["postgres"], indirect=True)
def test_a_process_that_dies_between_two_leases_is_replaced(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault("31 maintenance killed at leases-expired, after a worker", limit_s=30):
            harness.failpoints.inject(Point.LEASES_EXPIRED, "kill")
            kill_at_work(harness, job)
        assert len(harness.failpoints.hits(Point.LEASES_EXPIRED)) == 1


@pytest.mark.parametrize("harness", ["sqlite"], indirect=True)
def test_the_objects_of_an_interrupted_purge_are_removed_as_orphans(harness: FaultHarness) -> None:
    files = harness.files()
    with harness.job(200, check_after=False) as job:
        job.wait_for_end()
    harness.failpoints.inject(Point.PURGE_COMMITTED, "kill")
    with harness.stack.database.write.begin() as session:
        session.execute(update(Job).where(Job.id == job.id).values(expires_at=db_now(plus_s=-1)))

    harness.failpoints.wait_for_hit(Point.PURGE_COMMITTED)

    assert harness.files() - files
    with harness.stack.client() as client:
        assert client.get(f"/v1/jobs/{job.id}/items").status_code == 410
    collect_orphans(harness.stack.database, harness.storage, older_than_s=0)
    assert harness.files() <= files
    harness.note("27 maintenance killed at purge-committed")
