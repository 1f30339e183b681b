"""The supervisor restarts processes that die, stops every process, and reports both."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ops.supervisor import Program, Supervisor

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 10.0
SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
IGNORES_SIGTERM = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
)
PARENT = (sys.executable, "-c", "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)")
OWNER = """
import time
from pathlib import Path
from ops.supervisor import Program, Supervisor
supervisor = Supervisor(folder=Path.cwd(), log_dir=Path({logs!r}), report=print)
supervisor.start(Program("sleeper", ("sleep", "600")))
print(supervisor.pids()["sleeper"], flush=True)
time.sleep(600)
"""


def eventually(holds: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + TIMEOUT_S
    while not holds() and time.monotonic() < until_s:
        time.sleep(0.02)
    return holds()


def watched(supervisor: Supervisor) -> Supervisor:
    supervisor.watch()
    return supervisor


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def reported() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, reported: list[str]) -> Iterator[Supervisor]:
    with Supervisor(folder=ROOT, log_dir=tmp_path, report=reported.append, stop_timeout_s=1.0) as supervisor:
        yield supervisor


def test_a_program_that_dies_is_restarted(supervisor: Supervisor, reported: list[str]) -> None:
    supervisor.start(Program("sleeper", SLEEP))
    first = supervisor.pids()["sleeper"]

    os.kill(first, signal.SIGKILL)

    assert eventually(lambda: watched(supervisor).pids().get("sleeper", first) != first)
    assert "sleeper exited with status -9" in reported[0]


def test_a_program_that_dies_at_once_is_restarted_ever_later(supervisor: Supervisor, reported: list[str]) -> None:
    supervisor.start(Program("broken", (sys.executable, "-c", "raise SystemExit('no such model')")))

    assert eventually(lambda: watched(supervisor).max_failures() == 2)

    assert "in 0.5 s" in reported[0]
    assert "in 1.0 s" in reported[1]
    assert "no such model" in supervisor.log_tails()


def test_stopping_ends_every_process_even_if_it_ignores_sigterm(supervisor: Supervisor, reported: list[str]) -> None:
    supervisor.start(Program("sleeper", SLEEP))
    supervisor.start(Program("stubborn", IGNORES_SIGTERM), Program("parent", PARENT))
    assert eventually(lambda: len(psutil.Process(supervisor.pids()["parent"]).children()) == 1)
    time.sleep(0.2)  # until the stubborn process ignores SIGTERM
    started = [*map(psutil.Process, supervisor.pids().values())]
    started += [child for process in started for child in process.children(recursive=True)]

    supervisor.stop()

    assert eventually(lambda: not any(is_alive(process.pid) for process in started))
    assert reported == ["stubborn did not stop within 1 s and is killed"]


def test_the_later_stage_is_stopped_first(supervisor: Supervisor, tmp_path: Path) -> None:
    note = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print(time.time()), sys.exit())); "
    program = (sys.executable, "-c", note + "print('on'); time.sleep(600)")
    supervisor.start(Program("redis", program))
    supervisor.start(Program("worker", program))
    logs = [tmp_path / "worker.log", tmp_path / "redis.log"]
    assert eventually(lambda: all("on" in log.read_text() for log in logs))

    supervisor.stop()

    first, second = (float(log.read_text().split()[1]) for log in logs)
    assert first < second


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER.format(logs=str(tmp_path))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        sleeper = int(owner.stdout.readline())
        assert is_alive(sleeper)

        owner.kill()

        assert eventually(lambda: not is_alive(sleeper))


def test_a_secret_is_passed_to_the_program_in_its_environment(supervisor: Supervisor, tmp_path: Path) -> None:
    show = (sys.executable, "-c", "import os; print(os.environ['SECRET'])")

    assert supervisor.run(Program("show", show, {"SECRET": "hush"})) == 0

    assert (tmp_path / "show.log").read_text() == "hush\n"
