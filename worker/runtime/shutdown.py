"""Stopping a worker: its children finish short work and release long work.

    SIGTERM to the worker    claims nothing more; after FINISH_TIMEOUT_S it sends SIGUSR2 to its children
    SIGUSR2 to a child       releases its work at the next batch
    SIGTERM to a child       releases its work, then ends (a supervisor may signal the whole process group)

Celery's own soft shutdown kills a child after its time and leaves the lease to expire.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from types import FrameType

from billiard.process import active_children
from celery.signals import worker_process_init, worker_shutting_down
from celery.worker import state

FINISH_TIMEOUT_S = 3.0


class ChildShutdown:
    """Whether a child was told to stop, and whether it is working. Plain attributes only: signal handlers set them."""

    def __init__(self) -> None:
        self._requested = False
        self._must_end = False
        self._is_working = False

    def is_requested(self) -> bool:
        """Return whether the work is to be released."""
        return self._requested

    @contextmanager
    def working(self) -> Iterator[None]:
        """A block of work: SIGTERM during it requests the release, and ends the process only after the block."""
        self._is_working = True
        try:
            yield
        finally:
            self._is_working = False
            if self._must_end:
                _end()

    def install(self) -> None:
        """Handle both signals; call it in the child, after the fork."""
        signal.signal(signal.SIGUSR2, self._on_release)
        signal.signal(signal.SIGTERM, self._on_terminate)

    def _on_release(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = True

    def _on_terminate(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = self._must_end = True
        if not self._is_working:
            _end()


child_shutdown = ChildShutdown()
"""The state of this process; only `worker.tasks` reads it, and passes it on."""


@worker_process_init.connect
def install(**_signal: object) -> None:
    child_shutdown.install()


@worker_shutting_down.connect
def release_later(**_signal: object) -> None:
    """In the parent, from its signal handler: children that still work after FINISH_TIMEOUT_S release their work."""
    timer = Timer(FINISH_TIMEOUT_S, signal_children, [signal.SIGUSR2])
    timer.daemon = True
    timer.start()


def is_stopping() -> bool:
    """Return whether this worker, the parent, was told to stop. (Celery's flags hold None, False or an exit status.)"""
    flags: tuple[object, object] = (state.should_stop, state.should_terminate)
    return any(status is not None and status is not False for status in flags)


def signal_children(number: signal.Signals) -> None:
    """Send a signal from the parent to every running child."""
    for child in active_children():
        if child.pid is not None:
            os.kill(child.pid, number)


def _end() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
