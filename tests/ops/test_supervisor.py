"""What a person relies on when the stack runs unattended."""

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
PATIENCE_S = 10.0
SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
DEAF = (sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)")
PARENT = (sys.executable, "-c", "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)")
OWNER = """
import time
from pathlib import Path
from ops.supervisor import Program, Supervisor
supervisor = Supervisor(folder=Path.cwd(), log_dir=Path({logs!r}), say=print)
supervisor.start(Program("sleeper", ("sleep", "600")))
print(supervisor.pids()["sleeper"], flush=True)
time.sleep(600)
"""


def eventually(holds: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < until_s:
        time.sleep(0.02)
    return holds()


def watched(supervisor: Supervisor) -> Supervisor:
    supervisor.watch()
    return supervisor


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    with Supervisor(folder=ROOT, log_dir=tmp_path, say=said.append, stop_wait_s=1.0) as supervisor:
        yield supervisor


def test_what_dies_is_started_again(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(Program("sleeper", SLEEP))
    first = supervisor.pids()["sleeper"]

    os.kill(first, signal.SIGKILL)

    assert eventually(lambda: watched(supervisor).pids().get("sleeper", first) != first)
    assert "sleeper ended with status -9" in said[0]


def test_what_dies_at_once_is_started_less_and_less_often(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(Program("broken", (sys.executable, "-c", "raise SystemExit('no such model')")))

    assert eventually(lambda: watched(supervisor).most_failures() == 2)

    assert "in 0.5 s" in said[0]
    assert "in 1.0 s" in said[1]
    assert "no such model" in supervisor.last_words()


def test_stopping_leaves_no_process_behind_however_deaf(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(Program("sleeper", SLEEP))
    supervisor.start(Program("deaf", DEAF), Program("parent", PARENT))
    assert eventually(lambda: len(psutil.Process(supervisor.pids()["parent"]).children()) == 1)
    time.sleep(0.2)  # until the deaf one no longer hears
    started = [*map(psutil.Process, supervisor.pids().values())]
    started += [child for process in started for child in process.children(recursive=True)]

    supervisor.stop()

    assert eventually(lambda: not any(is_alive(process.pid) for process in started))
    assert said == ["deaf does not stop; it is killed"]


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


def test_a_secret_in_the_environment_reaches_the_program_and_no_command_line(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    show = (sys.executable, "-c", "import os; print(os.environ['SECRET'])")

    assert supervisor.run(Program("show", show, {"SECRET": "hush"})) == 0

    assert (tmp_path / "show.log").read_text() == "hush\n"
