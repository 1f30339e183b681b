"""Faults of the database: connections killed, server away or frozen, commits without an answer, locks, pools."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from core.access.keys import create_key
from core.db.engines import open_database
from core.failpoints import Point
from tests.faults.harness import FaultHarness
from tests.faults.postgres_faults import cutting, frozen, terminate_backends
from tests.faults.replicas import second_api, second_worker
from tests.http import ended, submit_zip, zipped

IMAGES = 1800
RESTART_LIMIT_S = 30

only_sqlite = pytest.mark.parametrize("harness", ["sqlite"], indirect=True)
only_postgres = pytest.mark.parametrize("harness", ["postgres"], indirect=True)


def is_temporarily_refused(response: httpx.Response) -> bool:
    """Return whether the response is a 503 with Retry-After; assert that it is that or a success."""
    assert response.is_success or response.status_code == 503, response.text
    assert response.is_success or response.headers["retry-after"], response.text
    return not response.is_success


@only_postgres
def test_killed_backends_cost_only_time(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        terminate_backends(harness, for_s=3)
        with job.fault("21 backends killed five times a second for 4 s", limit_s=RESTART_LIMIT_S):
            terminate_backends(harness, for_s=1)
        assert not job.crashes()


@only_postgres
def test_a_client_sees_no_error_but_503_while_backends_are_killed(harness: FaultHarness) -> None:
    images = zipped(harness.images(20))
    with harness.stack.client() as client, ThreadPoolExecutor(1) as thread:
        killing = thread.submit(terminate_backends, harness, for_s=4)
        answers = []
        while not killing.done():
            answers += [submit_zip(client, images), client.get("/v1/jobs")]

    refused = [is_temporarily_refused(answer) for answer in answers]

    assert not all(refused)
    accepted = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    with harness.stack.client() as client:
        for job_id in accepted:
            ended(client, {"id": job_id})
            harness.check(harness.observe(job_id, client))


@pytest.mark.fast_fault
@only_postgres
def test_an_immediate_stop_keeps_what_was_committed(harness: FaultHarness) -> None:
    assert harness.postgres
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault("22 Postgres stopped at once, started again after 3 s", limit_s=RESTART_LIMIT_S):
            harness.postgres.crash()
            time.sleep(3)
            harness.postgres.start()
        assert not job.crashes()


@pytest.mark.fast_fault
@only_postgres
def test_a_submit_while_postgres_is_down_is_refused_at_once_and_accepted_afterwards(harness: FaultHarness) -> None:
    assert harness.postgres
    images = zipped(harness.images(20))
    with harness.stack.client() as client:
        harness.postgres.crash()
        sent_s = time.monotonic()
        refusal = submit_zip(client, images)
        took_s = time.monotonic() - sent_s
        harness.postgres.start()
        accepted = submit_zip(client, images)

        assert is_temporarily_refused(refusal)
        harness.note("22 submit while Postgres is down: answered", seconds=took_s, limit_s=3)
        ended(client, accepted.json())


@only_postgres
def test_a_submit_whose_commit_finds_postgres_down_leaves_no_job_and_no_files(harness: FaultHarness) -> None:
    assert harness.postgres
    jobs, files = harness.jobs(), harness.files()
    harness.failpoints.inject(Point.UPLOAD_STORED, "sleep 2")
    with harness.stack.client() as client, ThreadPoolExecutor(1) as thread:
        refusal = thread.submit(submit_zip, client, zipped(harness.images(20)))
        harness.failpoints.wait_for_hit(Point.UPLOAD_STORED)
        harness.postgres.crash()
        assert is_temporarily_refused(refusal.result())
        harness.postgres.start()

    assert harness.jobs() == jobs
    assert harness.files() == files


@only_postgres
def test_a_request_to_a_frozen_postgres_is_refused_after_seconds(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault("22 Postgres frozen for 10 s", limit_s=RESTART_LIMIT_S), frozen(harness):
            sent_s = time.monotonic()
            refusal = submit_zip(job.client, zipped(harness.images(20)))
            took_s = time.monotonic() - sent_s
            time.sleep(max(0.0, 10 - took_s))
        assert is_temporarily_refused(refusal)
        harness.note("22 submit while Postgres is frozen: answered", seconds=took_s, limit_s=10)
        assert not job.crashes()


@only_postgres
@pytest.mark.parametrize("arrived", [True, False])
def test_a_submit_whose_commit_has_no_answer_is_a_whole_job_or_none(
    harness: FaultHarness, arrived: bool, tmp_path: Path
) -> None:
    jobs = harness.jobs()
    with (
        cutting(harness, after_sending=b"/shards/", lose_commit=not arrived) as (_, url),
        second_api(harness, tmp_path, database_url=url) as api,
        api.client() as client,
    ):
        assert is_temporarily_refused(submit_zip(client, zipped(harness.images(200))))

    time.sleep(0.5)  # the commit completes without an answer
    submitted = harness.jobs() - jobs
    assert len(submitted) == arrived
    with harness.stack.client() as client:
        for job_id in submitted:
            ended(client, {"id": job_id})
            harness.check(harness.observe(job_id, client))
    harness.note(f"23 COMMIT of a submit {'without an answer' if arrived else 'lost'}")


@only_postgres
@pytest.mark.parametrize("arrived", [True, False])
def test_a_shard_whose_commit_has_no_answer_is_committed_once(
    harness: FaultHarness, arrived: bool, tmp_path: Path
) -> None:
    with (
        cutting(harness, after_sending=b".png", lose_commit=not arrived) as (proxy, url),
        second_worker(harness, tmp_path, database_url=url),
        harness.job(IMAGES) as job,
    ):
        until_s = time.monotonic() + 30
        while not proxy.cuts:
            assert time.monotonic() < until_s, "the second worker finished no shard"
            time.sleep(0.01)
        with job.fault(f"23 COMMIT of a shard {'without an answer' if arrived else 'lost'}", limit_s=20):
            pass
        job.wait_for_end()
        assert not job.crashes()


@only_sqlite
def test_eight_writers_and_a_long_reader_lock_out_no_request(harness: FaultHarness) -> None:
    done = threading.Event()
    images = zipped(harness.images(20))
    with harness.job(IMAGES) as job, ThreadPoolExecutor(9) as threads:
        job.wait_until_underway()
        reader = threads.submit(hold_a_snapshot, harness, done)
        writers = [threads.submit(write_keys, harness, done) for _ in range(8)]
        answers = [submit_zip(job.client, images) for _ in range(30)]
        done.set()
        written = [writer.result() for writer in writers]
        reader.result()
        harness.note("24 eight writers and a long reader")

    assert {answer.status_code for answer in answers} == {202}
    assert min(written) > 0


def hold_a_snapshot(harness: FaultHarness, done: threading.Event) -> None:
    """Keep one read transaction open until done, which keeps SQLite from checkpointing its log."""
    with harness.stack.database.read.begin() as session:
        session.execute(text("SELECT count(*) FROM items")).all()
        done.wait()


def write_keys(harness: FaultHarness, done: threading.Event) -> int:
    """Write over a connection of its own until done, and return how often. Raises if it is locked out."""
    database, written = open_database(harness.stack.settings.database_url), 0
    while not done.is_set():
        with database.write.begin() as session:
            create_key(session, owner="writer", name=str(written))
        written += 1
        time.sleep(0.005)
    database.dispose()
    return written


@only_postgres
def test_requests_to_an_exhausted_pool_are_refused_soon_and_served_afterwards(harness: FaultHarness) -> None:
    with harness.stack.client() as client, ThreadPoolExecutor(30) as threads:
        with harness.stack.database.write.begin() as session:
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            session.execute(text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
            requests = [threads.submit(timed, client, "/v1/jobs") for _ in range(30)]
            alive, alive_s = timed(client, "/healthz")
            answers = [answer.result() for answer in requests]
        after, _ = timed(client, "/v1/jobs")

    assert all(is_temporarily_refused(answer) for answer, _ in answers)
    assert (alive.status_code, after.status_code) == (200, 200)
    assert alive_s < 2
    harness.note("25 pool used up by slow queries: answered", seconds=max(took_s for _, took_s in answers), limit_s=20)


def timed(client: httpx.Client, path: str) -> tuple[httpx.Response, float]:
    """Return the response and the seconds until it came."""
    sent_s = time.monotonic()
    return client.get(path), time.monotonic() - sent_s
