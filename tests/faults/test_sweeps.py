"""The sweep: several at once change nothing twice, and one that dies between two steps is followed by another."""

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
from tests.faults.ground import Ground, Run
from tests.faults.replicas import second_sweep

IMAGES = 900
SILENT = 40
SWEEPS = 4


def test_three_sweeps_find_what_a_dead_worker_and_an_emptied_redis_left(ground: Ground, tmp_path: Path) -> None:
    with (
        second_sweep(ground, tmp_path / "second", maintenance_interval_s=0.2),
        second_sweep(ground, tmp_path / "third", maintenance_interval_s=0.2),
        ground.job(IMAGES) as run,
    ):
        run.under_way()
        with run.fault("31 three sweeps, worker killed, Redis emptied", limit_s=20):
            kill_at_work(run)
            with Redis.from_url(ground.redis.url) as redis:
                redis.flushall()
        run.end()
        assert not run.crashes()
        assert expiries(run) <= 2


def kill_at_work(run: Run) -> None:
    """Kills the worker and its children while they hold shards of this job."""
    worker = run.ground.worker()
    processes = [worker, *worker.children()]
    while True:
        for process in processes:
            process.suspend()
        if run.held():
            break
        for process in processes:
            process.resume()
        time.sleep(0.02)
    for process in processes:
        process.kill()


def expiries(run: Run) -> int:
    """How often leases of this job ran out."""
    with run.ground.stack.database.read.begin() as session:
        return sum(session.scalars(select(Shard.expiries).where(Shard.job_id == run.id)))


@pytest.mark.core
def test_sweeps_at_the_same_moment_expire_each_lease_once(database: Database, database_url: str) -> None:
    job = submitted(database, *[2] * SILENT)
    for _ in range(SILENT):
        claimed(database, lease_s=0.01)
    time.sleep(0.05)
    start = Barrier(SWEEPS)

    with ThreadPoolExecutor(SWEEPS) as crowd:
        for sweeping in [crowd.submit(expire_at_once, database_url, start) for _ in range(SWEEPS)]:
            sweeping.result()

    with database.read.begin() as session:
        found = session.scalars(select(Shard).where(Shard.job_id == job.id)).all()
        now = session.scalars(select(Job).where(Job.id == job.id)).one()
    assert [(shard.attempt, shard.expiries) for shard in found] == [(1, 1)] * SILENT
    assert (now.queued, now.running) == (2 * SILENT, 0)


def expire_at_once(database_url: str, start: Barrier) -> None:
    database = open_database(database_url)
    start.wait()
    expire_leases(database)
    database.dispose()


@pytest.mark.parametrize("ground", ["postgres"], indirect=True)
def test_a_sweep_that_dies_between_two_leases_is_followed_by_another(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        run.under_way()
        with run.fault("31 sweep killed at leases-expired, after a worker", limit_s=30):
            ground.plant(Point.LEASES_EXPIRED, "kill")
            kill_at_work(run)
        assert len(ground.struck(Point.LEASES_EXPIRED)) == 1


@pytest.mark.parametrize("ground", ["sqlite"], indirect=True)
def test_the_objects_of_a_purge_that_was_cut_short_are_removed_as_orphans(ground: Ground) -> None:
    files = ground.files()
    with ground.job(200, check_after=False) as run:
        run.end()
    ground.plant(Point.PURGE_COMMITTED, "kill")
    with ground.stack.database.write.begin() as session:
        session.execute(update(Job).where(Job.id == run.id).values(expires_at=db_now(plus_s=-1)))

    ground.await_strike(Point.PURGE_COMMITTED)

    assert ground.files() - files
    with ground.stack.client() as client:
        assert client.get(f"/v1/jobs/{run.id}/items").status_code == 410
    collect_orphans(ground.stack.database, ground.storage, older_than_s=0)
    assert ground.files() <= files
    ground.note("27 sweep killed at purge-committed")
