"""Faults of a whole worker: killed, told to stop, frozen, of another time, without its model."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from core.failpoints import Point
from core.states import JobState
from tests.faults.ground import Ground
from worker.runtime.signals import EX_CONFIG

IMAGES = 900
AN_HOUR_WRONG = "import time\nreal = time.time\ntime.time = lambda: real() + ({offset_s})\n"


@contextmanager
def further_worker(ground: Ground, environment: dict[str, str], *, log: Path) -> Iterator[psutil.Popen]:
    """One more bulk worker, as the stack's own but for its name and environment."""
    own = ground.worker()
    command = [part.replace("bulk@", "further@") for part in own.cmdline()]
    with log.open("wb") as file:
        process = psutil.Popen(command, env=own.environ() | environment, cwd=own.cwd(), stdout=file, stderr=file)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


def said(log: Path, words: str, *, patience_s: float = 30) -> None:
    until = time.monotonic() + patience_s
    while words not in log.read_text(errors="replace"):
        assert time.monotonic() < until, log.read_text(errors="replace")
        time.sleep(0.05)


@pytest.mark.core
def test_a_killed_worker_costs_one_lease(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        ground.plant(Point.BATCH_INFERRED, "sleep 1")
        run.struck(Point.BATCH_INFERRED)
        with run.fault("4 worker killed", limit_s=20):
            ground.worker().kill()

    assert max(shard.attempt for shard in run.shards()) == 2
    assert not any(shard.crashes for shard in run.shards())


def test_workers_killed_again_and_again_mark_no_image_failed(ground: Ground) -> None:
    with ground.job(3 * IMAGES) as run:
        run.under_way()
        with run.fault("5 worker killed every 2 s, four times", limit_s=20):
            for _ in range(4):
                ground.worker().kill()
                ground.worker()
                time.sleep(2)


@pytest.mark.timeout(600)
def test_ten_thousand_images_outlive_a_kill_every_five_seconds(ground: Ground) -> None:
    with ground.job(10_000) as run:
        run.under_way()
        kills = 0
        while not run.row().ended_at:
            ground.worker().kill()
            kills += 1
            ground.worker()
            time.sleep(5)

    assert kills > 1
    ground.note(f"5 worker killed every 5 s under 10,000 images, {kills} times")


def test_a_rolling_restart_wastes_no_attempt(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        run.under_way()
        with run.fault("6 SIGTERM under load", limit_s=20):
            worker = ground.worker()
            worker.terminate()
            worker.wait(10)

    assert {shard.attempt for shard in run.shards()} == {1}


@pytest.mark.core
def test_a_long_shard_is_given_back_at_shutdown(ground: Ground) -> None:
    with ground.job(240) as run:
        ground.plant(Point.BATCH_INFERRED, "always sleep 3")
        run.running()
        with run.fault("6 SIGTERM under shards of 12 s", limit_s=20):
            worker = ground.worker()
            worker.terminate()
            worker.wait(10)
            ground.clear()

    assert not any(shard.crashes or shard.expiries for shard in run.shards())
    assert max(shard.attempt for shard in run.shards()) == 2


@pytest.mark.core
def test_a_signal_to_the_whole_group_counts_no_crash(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        run.under_way()
        with run.fault("6 SIGTERM to worker and children at once", limit_s=20):
            worker = ground.worker()
            os.killpg(worker.pid, signal.SIGTERM)
            worker.wait(10)

    assert not any(shard.crashes or shard.expiries for shard in run.shards())


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGINT])
def test_a_signal_during_the_commit_neither_loses_nor_doubles(ground: Ground, number: signal.Signals) -> None:
    with ground.job(IMAGES) as run:
        ground.plant(Point.SHARD_FINISHED, "sleep 1")
        run.struck(Point.SHARD_FINISHED)
        with run.fault(f"7 {number.name} during COMMIT", limit_s=20):
            worker = ground.worker()
            worker.send_signal(number)
            worker.wait(15)

    assert not any(shard.crashes for shard in run.shards())


def test_a_zombie_writes_nothing(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        ground.plant(Point.SHARD_INFERRED, "sleep 1")
        zombie = psutil.Process(run.struck(Point.SHARD_INFERRED))
        with run.fault("8 child frozen for longer than its lease", limit_s=20):
            zombie.suspend()
        zombie.resume()

    assert [shard.expiries for shard in run.shards() if shard.attempt == 2] == [1]


@pytest.mark.parametrize("offset_s", [-3600, 3600])
def test_a_worker_whose_clock_is_wrong_changes_nothing(ground: Ground, offset_s: int, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(AN_HOUR_WRONG.format(offset_s=offset_s))
    log = tmp_path / "worker.log"
    with further_worker(ground, {"PYTHONPATH": str(tmp_path)}, log=log):
        said(log, "further@")
        said(log, "ready")
        with ground.job(IMAGES) as run:
            run.end()
        said(log, "succeeded")

    assert {(shard.attempt, shard.expiries) for shard in run.shards()} == {(1, 0)}
    ground.note(f"32 a worker's clock {offset_s:+} s")


def test_a_worker_without_its_model_says_so_and_ends(ground: Ground, tmp_path: Path) -> None:
    (tmp_path / "artifacts").mkdir()
    log = tmp_path / "worker.log"
    with further_worker(ground, {"BATCHLIGHT_ARTIFACTS_DIR": str(tmp_path / "artifacts")}, log=log) as worker:
        status = worker.wait(20)

    assert status == EX_CONFIG
    assert "This worker cannot start: there is no model 'fashion-mnist'" in log.read_text()


def test_jobs_wait_while_the_model_is_damaged(ground: Ground) -> None:
    weights = next((ground.artifacts / "fashion-mnist").glob("*/model.onnx"))
    whole = weights.read_bytes()
    with ground.job(IMAGES) as run:
        run.under_way()
        with run.fault("35 model damaged while a worker starts anew", limit_s=40):
            weights.write_bytes(whole[:-1] + b"?")
            ground.worker().kill()
            time.sleep(6)
            assert run.row().state == JobState.RUNNING
            weights.write_bytes(whole)
