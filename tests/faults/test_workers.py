"""Faults of a whole worker: killed, stopped, suspended, with a wrong clock, without its model."""

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
from tests.faults.harness import FaultHarness
from worker.runtime.signals import EX_CONFIG

IMAGES = 900
WRONG_CLOCK = "import time\nreal = time.time\ntime.time = lambda: real() + ({offset_s})\n"


@contextmanager
def second_worker(harness: FaultHarness, environment: dict[str, str], *, log: Path) -> Iterator[psutil.Popen]:
    """Run a second bulk worker, a copy of the stack's with another name and these variables."""
    own = harness.process()
    command = [part.replace("bulk@", "second@") for part in own.cmdline()]
    with log.open("wb") as file:
        process = psutil.Popen(command, env=own.environ() | environment, cwd=own.cwd(), stdout=file, stderr=file)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


def wait_for_log(log: Path, text: str, *, timeout_s: float = 30) -> None:
    until_s = time.monotonic() + timeout_s
    while text not in log.read_text(errors="replace"):
        assert time.monotonic() < until_s, log.read_text(errors="replace")
        time.sleep(0.05)


@pytest.mark.fast_fault
def test_a_killed_worker_costs_one_lease(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        harness.failpoints.inject(Point.BATCH_INFERRED, "sleep 1")
        harness.failpoints.wait_for_hit(Point.BATCH_INFERRED)
        with job.fault("4 worker killed", limit_s=20):
            harness.process().kill()

    assert max(shard.attempt for shard in job.shards()) == 2
    assert not any(shard.crashes for shard in job.shards())


def test_repeatedly_killed_workers_fail_no_image(harness: FaultHarness) -> None:
    with harness.job(3 * IMAGES) as job:
        job.wait_until_underway()
        with job.fault("5 worker killed every 2 s, four times", limit_s=20):
            for _ in range(4):
                harness.process().kill()
                harness.process()
                time.sleep(2)


@pytest.mark.timeout(600)
def test_ten_thousand_images_complete_while_the_worker_is_killed_every_five_seconds(harness: FaultHarness) -> None:
    with harness.job(10_000) as job:
        job.wait_until_underway()
        kills = 0
        while not job.row().ended_at:
            harness.process().kill()
            kills += 1
            harness.process()
            time.sleep(5)

    assert kills > 1
    harness.note(f"5 worker killed every 5 s under 10,000 images, {kills} times")


def test_a_rolling_restart_wastes_no_attempt(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault("6 SIGTERM under load", limit_s=20):
            worker = harness.process()
            worker.terminate()
            worker.wait(10)

    assert {shard.attempt for shard in job.shards()} == {1}


@pytest.mark.fast_fault
def test_a_long_shard_is_released_at_shutdown(harness: FaultHarness) -> None:
    with harness.job(240) as job:
        harness.failpoints.inject(Point.BATCH_INFERRED, "always sleep 3")
        job.wait_until_running()
        with job.fault("6 SIGTERM under shards of 12 s", limit_s=20):
            worker = harness.process()
            worker.terminate()
            worker.wait(10)
            harness.failpoints.clear()

    assert not any(shard.crashes or shard.expiries for shard in job.shards())
    assert max(shard.attempt for shard in job.shards()) == 2


@pytest.mark.fast_fault
def test_a_signal_to_the_whole_group_counts_no_crash(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault("6 SIGTERM to worker and children at once", limit_s=20):
            worker = harness.process()
            os.killpg(worker.pid, signal.SIGTERM)
            worker.wait(10)

    assert not any(shard.crashes or shard.expiries for shard in job.shards())


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGINT])
def test_a_signal_during_the_commit_loses_and_duplicates_nothing(harness: FaultHarness, number: signal.Signals) -> None:
    with harness.job(IMAGES) as job:
        harness.failpoints.inject(Point.SHARD_FINISHED, "sleep 1")
        harness.failpoints.wait_for_hit(Point.SHARD_FINISHED)
        with job.fault(f"7 {number.name} during COMMIT", limit_s=20):
            worker = harness.process()
            worker.send_signal(number)
            worker.wait(15)

    assert not any(shard.crashes for shard in job.shards())


def test_a_zombie_writes_nothing(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        harness.failpoints.inject(Point.SHARD_INFERRED, "sleep 1")
        zombie = psutil.Process(harness.failpoints.wait_for_hit(Point.SHARD_INFERRED))
        with job.fault("8 child suspended for longer than its lease", limit_s=20):
            zombie.suspend()
        zombie.resume()

    assert [shard.expiries for shard in job.shards() if shard.attempt == 2] == [1]


@pytest.mark.parametrize("offset_s", [-3600, 3600])
def test_a_worker_whose_clock_is_wrong_changes_nothing(harness: FaultHarness, offset_s: int, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WRONG_CLOCK.format(offset_s=offset_s))
    log = tmp_path / "worker.log"
    with second_worker(harness, {"PYTHONPATH": str(tmp_path)}, log=log):
        wait_for_log(log, "second@")
        wait_for_log(log, "ready")
        with harness.job(IMAGES) as job:
            job.wait_for_end()
        wait_for_log(log, "succeeded")

    assert {(shard.attempt, shard.expiries) for shard in job.shards()} == {(1, 0)}
    harness.note(f"32 a worker's clock {offset_s:+} s")


def test_a_worker_without_its_model_exits_with_the_reason(harness: FaultHarness, tmp_path: Path) -> None:
    (tmp_path / "artifacts").mkdir()
    log = tmp_path / "worker.log"
    with second_worker(harness, {"BATCHLIGHT_ARTIFACTS_DIR": str(tmp_path / "artifacts")}, log=log) as worker:
        status = worker.wait(20)

    assert status == EX_CONFIG
    assert "This worker cannot start: there is no model 'fashion-mnist'" in log.read_text()


def test_jobs_wait_while_the_model_is_damaged(harness: FaultHarness) -> None:
    weights = next((harness.artifacts / "fashion-mnist").glob("*/model.onnx"))
    whole = weights.read_bytes()
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault("35 model damaged while a worker restarts", limit_s=40):
            weights.write_bytes(whole[:-1] + b"?")
            harness.process().kill()
            time.sleep(6)
            assert job.row().state == JobState.RUNNING
            weights.write_bytes(whole)
