"""A maintenance loop repeats its step, whatever happens to a step."""

import threading
import time

import pytest
from sqlalchemy.exc import OperationalError

from core.broker import celery_app
from core.db.engines import Database
from core.notifier import Notifier
from maintenance.loop import Loop
from maintenance.renotifier import renotify
from ops.ports import LOOPBACK, free_port
from tests.databases import submit

SOON_S = 5.0


def run_until(loop: Loop, happened: threading.Event) -> None:
    loop.start()
    assert happened.wait(SOON_S)
    loop.stop()
    loop.join(SOON_S)
    assert not loop.is_alive()


def test_a_step_runs_again_after_trouble_with_the_database() -> None:
    passes, again = list[int](), threading.Event()

    def step() -> bool:
        passes.append(1)
        if len(passes) == 1:
            raise OperationalError("SELECT 1", {}, Exception("the database is away"))
        again.set()
        return False

    run_until(Loop("rescuer", step, interval_s=0.01), again)


def test_a_step_that_leaves_work_runs_again_at_once() -> None:
    passes, drained = list[float](), threading.Event()

    def step() -> bool:
        passes.append(time.monotonic())
        if len(passes) == 3:
            drained.set()
        return len(passes) < 3

    run_until(Loop("cleaner", step, interval_s=1.0), drained)

    assert passes[2] - passes[0] < 1.0


def test_a_slow_loop_delays_no_other() -> None:
    blocked, happened = threading.Event(), threading.Event()
    slow = Loop("orphan collector", lambda: blocked.wait(SOON_S), interval_s=0.01)
    slow.start()

    def step() -> bool:
        happened.set()
        return False

    run_until(Loop("rescuer", step, interval_s=0.01), happened)

    assert slow.running_for_s() > 0
    slow.stop()
    blocked.set()
    slow.join(SOON_S)
    assert slow.running_for_s() == 0


def test_a_redis_that_is_away_is_logged_and_not_raised(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    away = Notifier(celery_app(f"redis://{LOOPBACK}:{free_port()}/0"))
    with database.write.begin() as session:
        submit(session, counts=(1,))

    more_left = Loop("renotifier", lambda: renotify(database, away), interval_s=3).run_step()

    assert not more_left
    assert "the renotifier failed and tries again in 3 s" in caplog.text


def test_the_first_pass_can_run_before_the_first_interval_is_over() -> None:
    passed = threading.Event()

    def step() -> bool:
        passed.set()
        return False

    run_until(Loop("orphan collector", step, interval_s=3600, first_after_s=0.01), passed)
