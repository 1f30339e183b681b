"""Keeps a few processes running: starts them, restarts those that die, and stops them in reverse order."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

MIN_RESTART_DELAY_S = 0.5
MAX_RESTART_DELAY_S = 10.0
STABLE_AFTER_S = 3.0
"""After a process has run this long, the delay of its next restart starts at the minimum again."""

TAIL_LINES = 12

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class Program:
    """A command to keep running. Secrets belong in its environment, which extends that of this process."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Child:
    """A program's current process, and the time of its restart if the process has died."""

    program: Program
    process: subprocess.Popen[bytes]
    started_at_s: float
    failures: int = 0
    restart_at_s: float | None = None


class Supervisor:
    """Runs each program in a process group of its own with a log file of its own; all die with this process.

    `report` gets one line for every event that a person should see.
    """

    def __init__(
        self, *, folder: Path, log_dir: Path, report: Callable[[str], None], stop_timeout_s: float = 10.0
    ) -> None:
        self._folder = folder
        self._log_dir = log_dir
        self._report = report
        self._stop_timeout_s = stop_timeout_s
        self._stages: list[list[Child]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *programs: Program) -> None:
        """Start these programs as one stage; `stop` stops a later stage before an earlier one.

        The log of the program's previous process is kept as `.log.old`.
        """
        stage: list[Child] = []
        self._stages.append(stage)
        for program in programs:
            log = self.log_of(program)
            if log.exists():
                log.replace(log.with_suffix(".log.old"))
            stage.append(Child(program, self._spawn(program), time.monotonic()))

    def run(self, program: Program) -> int:
        """Run this program once, wait for its end, and return its exit status."""
        return self._spawn(program).wait()

    def log_of(self, program: Program) -> Path:
        """Return the path of the program's log."""
        return self._log_dir / f"{program.name}.log"

    def max_failures(self) -> int:
        """Return the largest number of deaths in a row soon after a start, over all programs."""
        return max((child.failures for child in self._children), default=0)

    def log_tails(self, *programs: Program) -> str:
        """Return the last lines of the logs of these programs, by default of all programs that have died."""
        chosen = programs or [child.program for child in self._children if child.failures]
        logs = [self.log_of(program) for program in chosen]
        return "\n".join([f"See the logs in {self._log_dir}.", *map(_tail, logs)])

    def pids(self) -> dict[str, int]:
        """Return the process id of every program that runs now, by its name."""
        running = (child for child in self._children if child.process.poll() is None)
        return {child.program.name: child.process.pid for child in running}

    def watch(self) -> None:
        """Check every process once: schedule a restart for those that died, and restart those whose delay is over."""
        for child in self._children:
            if child.restart_at_s is None and child.process.poll() is not None:
                self._schedule_restart(child)
            if child.restart_at_s is not None and time.monotonic() >= child.restart_at_s:
                child.process = self._spawn(child.program)
                child.started_at_s, child.restart_at_s = time.monotonic(), None

    def stop(self) -> None:
        """Stop every process, the last stage first: with SIGTERM, and after `stop_timeout_s` with SIGKILL."""
        while self._stages:
            stage = self._stages.pop()
            until_s = time.monotonic() + self._stop_timeout_s
            for child in stage:
                child.process.terminate()
            for child in reversed(stage):
                try:
                    child.process.wait(max(0.0, until_s - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self._report(f"{child.program.name} did not stop within {self._stop_timeout_s:.0f} s and is killed")
                kill_group(child.process)

    @property
    def _children(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    def _schedule_restart(self, child: Child) -> None:
        kill_group(child.process)
        now_s = time.monotonic()
        child.failures = child.failures + 1 if now_s - child.started_at_s < STABLE_AFTER_S else 1
        delay_s = min(MIN_RESTART_DELAY_S * 2 ** (child.failures - 1), MAX_RESTART_DELAY_S)
        child.restart_at_s = now_s + delay_s
        name, status, log = child.program.name, child.process.returncode, self.log_of(child.program)
        self._report(f"{name} exited with status {status}; restarting it in {delay_s:.1f} s (see {log})")

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with self.log_of(program).open("ab") as log:
            return subprocess.Popen(
                program.command,
                cwd=self._folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=die_with_parent,  # noqa: PLW1509  # only a system call; nothing there takes a lock
            )


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f"--- {log.name}", *lines])


def die_with_parent() -> None:
    """Have Linux kill the calling process when the thread that started it ends; for use as `preexec_fn`."""
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill this process and every other process in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
