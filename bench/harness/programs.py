"""Programs that are compared with Batchlight, each started for the time of its measurement."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.harness.bench_harness import BenchHarness
from bench.harness.results import Unavailable
from core.settings import ROOT
from ops.ports import is_open
from ops.supervisor import Program, Supervisor

START_TIMEOUT_S = 90.0
POLL_INTERVAL_S = 0.1
MAX_LOG_LINE_CHARS = 300


@contextmanager
def listening(harness: BenchHarness, program: Program, *, port: int) -> Iterator[Supervisor]:
    """Run a server during the block, which starts when its port is open; raises Unavailable as `supervised` does."""
    with supervised(harness, program, is_ready=lambda: is_open(port)) as supervisor:
        yield supervisor


@contextmanager
def supervised(harness: BenchHarness, program: Program, *, is_ready: Callable[[], bool]) -> Iterator[Supervisor]:
    """Run a program during the block, which starts when `is_ready` returns true.

    Raises Unavailable, with the last line of the program's log, if the program ends first or is not ready in time.
    """
    logs = harness.folder / "logs"
    logs.mkdir(exist_ok=True)
    with Supervisor(folder=ROOT, log_dir=logs, report=harness.report) as supervisor:
        supervisor.start(program)
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not is_ready():
            has_ended = program.name not in supervisor.pids()
            if has_ended or time.monotonic() > deadline_s:
                failure = "ended before it was ready" if has_ended else f"was not ready in {START_TIMEOUT_S:.0f} s"
                raise Unavailable(f"{program.name} {failure}. {last_log_line(supervisor, program)}")
            time.sleep(POLL_INTERVAL_S)
        yield supervisor


def output_of(harness: BenchHarness, program: Program, *, timeout_s: float) -> str:
    """Run a program to its end and return its output; a program that takes longer than `timeout_s` is stopped."""
    with supervised(harness, program, is_ready=lambda: True) as supervisor:
        deadline_s = time.monotonic() + timeout_s
        while program.name in supervisor.pids() and time.monotonic() < deadline_s:
            time.sleep(POLL_INTERVAL_S)
        return supervisor.log_of(program).read_text(errors="replace")


@contextmanager
def paused(supervisor: Supervisor, program: Program) -> Iterator[None]:
    """Pause the program (SIGSTOP) during the block, so that it takes no processor time from what is measured."""
    os.killpg(supervisor.pids()[program.name], signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(supervisor.pids()[program.name], signal.SIGCONT)


def last_log_line(supervisor: Supervisor, program: Program) -> str:
    """Return the last line of the program's log that is not blank, shortened to 300 characters."""
    lines = [line for line in supervisor.log_of(program).read_text(errors="replace").splitlines() if line.strip()]
    return f"Its log ends: {lines[-1].strip()[:MAX_LOG_LINE_CHARS]}" if lines else "Its log is empty."
