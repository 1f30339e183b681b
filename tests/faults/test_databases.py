"""Faults of the database: connections killed, server gone or frozen, outcome of a commit unknown, locks, pools."""

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
from tests.faults.breakage import cutting, frozen, terminate_backends
from tests.faults.ground import Ground, Run
from tests.faults.replicas import second_api, second_worker
from tests.http import ended, submit_zip, zipped

IMAGES = 1800
RESTART_S = 30

only_sqlite = pytest.mark.parametrize("ground", ["sqlite"], indirect=True)
only_postgres = pytest.mark.parametrize("ground", ["postgres"], indirect=True)


def refused_for_now(response: httpx.Response) -> bool:
    """Whether this is a 503 that says when to come back; asserts that it is nothing but that or a success."""
    assert response.is_success or response.status_code == 503, response.text
    assert response.is_success or response.headers["retry-after"], response.text
    return not response.is_success


@only_postgres
def test_killed_backends_cost_only_time(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        run.under_way()
        terminate_backends(ground, for_s=3)
        with run.fault("21 backends killed five times a second for 4 s", limit_s=RESTART_S):
            terminate_backends(ground, for_s=1)
        assert not run.crashes()


@only_postgres
def test_a_client_sees_nothing_worse_than_come_back_later_while_backends_are_killed(ground: Ground) -> None:
    images = zipped(ground.images(20))
    with ground.stack.client() as client, ThreadPoolExecutor(1) as aside:
        killing = aside.submit(terminate_backends, ground, for_s=4)
        answers = []
        while not killing.done():
            answers += [submit_zip(client, images), client.get("/v1/jobs")]

    refused = [refused_for_now(answer) for answer in answers]

    assert not all(refused)
    accepted = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    with ground.stack.client() as client:
        for job_id in accepted:
            ended(client, {"id": job_id})
            ground.check(Run(ground, client, job_id))


@pytest.mark.core
@only_postgres
def test_an_immediate_stop_keeps_what_was_committed(ground: Ground) -> None:
    assert ground.postgres
    with ground.job(IMAGES) as run:
        run.under_way()
        with run.fault("22 Postgres stopped at once, started again after 3 s", limit_s=RESTART_S):
            ground.postgres.crash()
            time.sleep(3)
            ground.postgres.start()
        assert not run.crashes()


@pytest.mark.core
@only_postgres
def test_a_submit_while_postgres_is_down_is_refused_at_once_and_works_after(ground: Ground) -> None:
    assert ground.postgres
    images = zipped(ground.images(20))
    with ground.stack.client() as client:
        ground.postgres.crash()
        asked_s = time.monotonic()
        refusal = submit_zip(client, images)
        took_s = time.monotonic() - asked_s
        ground.postgres.start()
        accepted = submit_zip(client, images)

        assert refused_for_now(refusal)
        ground.note("22 submit while Postgres is down: answered", seconds=took_s, limit_s=3)
        ended(client, accepted.json())


@only_postgres
def test_a_commit_that_finds_postgres_down_is_no_job(ground: Ground) -> None:
    assert ground.postgres
    jobs, files = ground.jobs(), ground.files()
    ground.plant(Point.UPLOAD_STORED, "sleep 2")
    with ground.stack.client() as client, ThreadPoolExecutor(1) as aside:
        refusal = aside.submit(submit_zip, client, zipped(ground.images(20)))
        ground.await_strike(Point.UPLOAD_STORED)
        ground.postgres.crash()
        assert refused_for_now(refusal.result())
        ground.postgres.start()

    assert ground.jobs() == jobs
    assert ground.files() == files


@only_postgres
def test_a_frozen_postgres_holds_a_request_up_for_seconds_not_for_ever(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        run.under_way()
        with run.fault("22 Postgres frozen for 10 s", limit_s=RESTART_S), frozen(ground):
            asked_s = time.monotonic()
            refusal = submit_zip(run.client, zipped(ground.images(20)))
            took_s = time.monotonic() - asked_s
            time.sleep(max(0.0, 10 - took_s))
        assert refused_for_now(refusal)
        ground.note("22 submit while Postgres is frozen: answered", seconds=took_s, limit_s=10)
        assert not run.crashes()


@only_postgres
@pytest.mark.parametrize("arrived", [True, False])
def test_a_submit_whose_commit_has_no_answer_is_a_whole_job_or_none(
    ground: Ground, arrived: bool, tmp_path: Path
) -> None:
    jobs = ground.jobs()
    with (
        cutting(ground, once_said=b"/shards/", lose_word=not arrived) as (_, url),
        second_api(ground, tmp_path, database_url=url) as api,
        api.client() as client,
    ):
        assert refused_for_now(submit_zip(client, zipped(ground.images(200))))

    time.sleep(0.5)  # nobody hears when the server is done with the commit
    submitted = ground.jobs() - jobs
    assert len(submitted) == arrived
    with ground.stack.client() as client:
        for job_id in submitted:
            ended(client, {"id": job_id})
            ground.check(Run(ground, client, job_id))
    ground.note(f"23 COMMIT of a submit {'without an answer' if arrived else 'lost'}")


@only_postgres
@pytest.mark.parametrize("arrived", [True, False])
def test_a_shard_whose_commit_has_no_answer_is_done_once(ground: Ground, arrived: bool, tmp_path: Path) -> None:
    with (
        cutting(ground, once_said=b".png", lose_word=not arrived) as (proxy, url),
        second_worker(ground, tmp_path, database_url=url),
        ground.job(IMAGES) as run,
    ):
        until_s = time.monotonic() + 30
        while not proxy.cuts:
            assert time.monotonic() < until_s, "the second worker finished no shard"
            time.sleep(0.01)
        with run.fault(f"23 COMMIT of a shard {'without an answer' if arrived else 'lost'}", limit_s=20):
            pass
        run.end()
        assert not run.crashes()


@only_sqlite
def test_eight_writers_and_a_long_reader_lock_nobody_out(ground: Ground) -> None:
    done = threading.Event()
    images = zipped(ground.images(20))
    with ground.job(IMAGES) as run, ThreadPoolExecutor(9) as crowd:
        run.under_way()
        reader = crowd.submit(hold_a_snapshot, ground, done)
        writers = [crowd.submit(write_keys, ground, done) for _ in range(8)]
        answers = [submit_zip(run.client, images) for _ in range(30)]
        done.set()
        written = [writer.result() for writer in writers]
        reader.result()
        ground.note("24 eight writers and a long reader")

    assert {answer.status_code for answer in answers} == {202}
    assert min(written) > 0


def hold_a_snapshot(ground: Ground, done: threading.Event) -> None:
    """Reads as of one moment until done, which keeps SQLite from checkpointing its log."""
    with ground.stack.database.read.begin() as session:
        session.execute(text("SELECT count(*) FROM items")).all()
        done.wait()


def write_keys(ground: Ground, done: threading.Event) -> int:
    """Writes on and on over a connection of its own; returns how often. Raises if it is ever locked out."""
    database, written = open_database(ground.stack.settings.database_url), 0
    while not done.is_set():
        with database.write.begin() as session:
            create_key(session, owner="crowd", name=str(written))
        written += 1
        time.sleep(0.005)
    database.dispose()
    return written


@only_postgres
def test_a_pool_that_is_used_up_refuses_soon_and_comes_back(ground: Ground) -> None:
    with ground.stack.client() as client, ThreadPoolExecutor(30) as crowd:
        with ground.stack.database.write.begin() as session:
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            session.execute(text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
            asked = [crowd.submit(timed, client, "/v1/jobs") for _ in range(30)]
            alive, alive_s = timed(client, "/healthz")
            answers = [answer.result() for answer in asked]
        after, _ = timed(client, "/v1/jobs")

    assert all(refused_for_now(answer) for answer, _ in answers)
    assert (alive.status_code, after.status_code) == (200, 200)
    assert alive_s < 2
    ground.note("25 pool used up by slow queries: answered", seconds=max(took_s for _, took_s in answers), limit_s=20)


def timed(client: httpx.Client, path: str) -> tuple[httpx.Response, float]:
    asked_s = time.monotonic()
    return client.get(path), time.monotonic() - asked_s
