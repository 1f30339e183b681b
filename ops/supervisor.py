"""Keeps a handful of processes running: starts them, restarts what dies, stops the last started first."""

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

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 10.0
SETTLED_S = 3.0  # a process that lived this long failed by accident, so its next restart is prompt again
TAIL_LINES = 12

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class Program:
    """A command to keep running. Secrets belong in its environment, which comes on top of ours."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Child:
    """One program's current process, and when to start the next one if it is dead."""

    program: Program
    process: subprocess.Popen[bytes]
    started_at_s: float
    failures: int = 0
    restart_at_s: float | None = None


class Supervisor:
    """Each program runs in its own process group, logs to a file of its own, and dies when we do.

    `say` hears one short line for whatever a person should know.
    """

    def __init__(self, *, folder: Path, log_dir: Path, say: Callable[[str], None], stop_wait_s: float = 10.0) -> None:
        self._folder = folder
        self._log_dir = log_dir
        self._say = say
        self._stop_wait_s = stop_wait_s
        self._stages: list[list[Child]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *programs: Program) -> None:
        """Starts these programs and keeps them running; they are a stage, which is stopped before earlier stages.

        The log of a program's last run is kept as `.log.old`.
        """
        stage: list[Child] = []
        self._stages.append(stage)
        for program in programs:
            log = self.log_of(program)
            if log.exists():
                log.replace(log.with_suffix(".log.old"))
            stage.append(Child(program, self._spawn(program), time.monotonic()))

    def run(self, program: Program) -> int:
        """Runs this program to its end, once; returns its exit status."""
        return self._spawn(program).wait()

    def log_of(self, program: Program) -> Path:
        return self._log_dir / f"{program.name}.log"

    def most_failures(self) -> int:
        """How often in a row the worst program died soon after it was started."""
        return max((child.failures for child in self._children), default=0)

    def last_words(self, *programs: Program) -> str:
        """The end of the logs of these programs; without any, of those that died since they were started."""
        chosen = programs or [child.program for child in self._children if child.failures]
        logs = [self.log_of(program) for program in chosen]
        return "\n".join([f"See the logs in {self._log_dir}.", *map(_tail, logs)])

    def pids(self) -> dict[str, int]:
        """The process id of every program that is running now."""
        running = (child for child in self._children if child.process.poll() is None)
        return {child.program.name: child.process.pid for child in running}

    def watch(self) -> None:
        """Looks at every process once: notes the dead, and restarts those whose delay has passed."""
        for child in self._children:
            if child.restart_at_s is None and child.process.poll() is not None:
                self._note_death(child)
            if child.restart_at_s is not None and time.monotonic() >= child.restart_at_s:
                child.process = self._spawn(child.program)
                child.started_at_s, child.restart_at_s = time.monotonic(), None

    def stop(self) -> None:
        """Ends everything, the last stage first: politely, then after `stop_wait_s` by force."""
        while self._stages:
            stage = self._stages.pop()
            until_s = time.monotonic() + self._stop_wait_s
            for child in stage:
                child.process.terminate()
            for child in reversed(stage):
                try:
                    child.process.wait(max(0.0, until_s - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self._say(f"{child.program.name} does not stop; it is killed")
                kill_group(child.process)

    @property
    def _children(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    def _note_death(self, child: Child) -> None:
        kill_group(child.process)
        now_s = time.monotonic()
        child.failures = child.failures + 1 if now_s - child.started_at_s < SETTLED_S else 1
        delay_s = min(FIRST_DELAY_S * 2 ** (child.failures - 1), LONGEST_DELAY_S)
        child.restart_at_s = now_s + delay_s
        name, status, log = child.program.name, child.process.returncode, self.log_of(child.program)
        self._say(f"{name} ended with status {status}; starting it again in {delay_s:.1f} s (see {log})")

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
    """For a new process on Linux: have the kernel kill it when the thread that started it is gone."""
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills this process and all that it left behind in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
