"""A server process that a test or a benchmark starts, stops, crashes and starts again over the same data folder."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ops.errors import DidNotStart
from ops.supervisor import die_with_parent, kill_group

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
READY_POLL_INTERVAL_S = 0.01


@dataclass(frozen=True)
class UnixUser:
    """The user and group that a process runs as; None keeps those of this process."""

    uid: int | None = None
    gid: int | None = None

    @property
    def extra_groups(self) -> list[int] | None:
        """No supplementary groups for another user; None keeps those of this process."""
        return None if self.uid is None else []


CURRENT_USER = UnixUser()


class ServerProcess:
    """One server over one data folder; the data survive a stop and a crash until the next start.

    Args:
        command: the program and its arguments.
        log: the file that collects the server's output.
        is_ready: tells whether the server accepts commands.
        stop_signal: asks the server to shut down cleanly.
        crash_signal: ends the server without a clean shutdown.
        user: the Unix user that the server runs as.
    """

    def __init__(
        self,
        command: list[str],
        *,
        log: Path,
        is_ready: Callable[[], bool],
        stop_signal: signal.Signals,
        crash_signal: signal.Signals,
        user: UnixUser = CURRENT_USER,
    ) -> None:
        self._command = command
        self._log = log
        self._is_ready = is_ready
        self._stop_signal = stop_signal
        self._crash_signal = crash_signal
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running; call start() first"
        return self._process.pid

    def start(self) -> None:
        """Start the server and return when it is ready; raise DidNotStart, with its log, if it is not in 30 s."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self._user.uid,
                group=self._user.gid,
                extra_groups=self._user.extra_groups,
                process_group=0,
                preexec_fn=die_with_parent,  # noqa: PLW1509  # only a system call; nothing there takes a lock
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            status = self._process.poll()
            if status is not None or time.monotonic() > deadline_s:
                self.crash()
                raise DidNotStart(self._start_failure(status))
            time.sleep(READY_POLL_INTERVAL_S)

    def stop(self) -> None:
        """Shut the server down cleanly and wait for its end; do nothing if it is not running."""
        self._end(self._stop_signal)

    def crash(self) -> None:
        """End the server without a clean shutdown; data that it had not written to its files are lost."""
        self._end(self._crash_signal)

    def _end(self, signal_number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal_number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        finally:
            kill_group(self._process)
            self._process = None

    def _start_failure(self, status: int | None) -> str:
        """Say how the start failed (`status` is None after a timeout), with the command and the log."""
        failure = f"was not ready after {START_TIMEOUT_S:.0f} s" if status is None else f"ended with status {status}"
        log = self._log.read_text(errors="replace")
        return f"{Path(self._command[0]).name} {failure}. Command: {' '.join(self._command)}\nIts log:\n{log}"


AnyServer = TypeVar("AnyServer", bound=ServerProcess)


@contextmanager
def running(server: AnyServer) -> Iterator[AnyServer]:
    """Run the server during the block."""
    server.start()
    try:
        yield server
    finally:
        server.stop()
