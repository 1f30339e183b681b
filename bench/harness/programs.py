"""Other people's servers, started for as long as they are measured."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.harness.bench_harness import Ground
from bench.harness.results import Unavailable
from core.settings import ROOT
from ops.ports import is_open
from ops.supervisor import Program, Supervisor

START_WAIT_S = 90.0
LOOK_EVERY_S = 0.1


@contextmanager
def running(ground: Ground, program: Program, *, port: int) -> Iterator[Supervisor]:
    """This program, listening; gone when the block ends. Raises Unavailable, with its last words, if it ends first."""
    with supervised(ground, program, ready=lambda: is_open(port)) as supervisor:
        yield supervisor


@contextmanager
def supervised(ground: Ground, program: Program, *, ready: Callable[[], bool]) -> Iterator[Supervisor]:
    """The same for a program that says in another way that it is ready."""
    logs = ground.folder / "logs"
    logs.mkdir(exist_ok=True)
    with Supervisor(folder=ROOT, log_dir=logs, report=ground.say) as supervisor:
        supervisor.start(program)
        until_s = time.monotonic() + START_WAIT_S
        while not ready():
            if program.name not in supervisor.pids() or time.monotonic() > until_s:
                raise Unavailable(f"{program.name} did not start. {last_line(supervisor, program)}")
            time.sleep(LOOK_EVERY_S)
        yield supervisor


def run_to_end(ground: Ground, program: Program, *, wait_s: float) -> str:
    """What the program said until it ended, or until it took too long and was ended."""
    with supervised(ground, program, ready=lambda: True) as supervisor:
        until_s = time.monotonic() + wait_s
        while program.name in supervisor.pids() and time.monotonic() < until_s:
            time.sleep(LOOK_EVERY_S)
        return supervisor.log_of(program).read_text(errors="replace")


@contextmanager
def frozen(supervisor: Supervisor, program: Program) -> Iterator[None]:
    """The program stands still during the block, so that it takes no time from what is measured meanwhile."""
    os.killpg(supervisor.pids()[program.name], signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(supervisor.pids()[program.name], signal.SIGCONT)


def last_line(supervisor: Supervisor, program: Program) -> str:
    """The end of its log, in one line."""
    lines = [line for line in supervisor.log_of(program).read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "It said nothing."
