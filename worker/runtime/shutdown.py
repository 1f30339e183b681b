"""A worker that is told to stop: its children finish what is short, and give back what is long.

    SIGTERM to the worker    takes no further work; after `FINISH_WAIT_S` tells its children to give back (SIGUSR2)
    SIGUSR2 to a child       gives back at the next batch
    SIGTERM to a child       gives back, then ends (a supervisor may signal the whole group)

Celery's own soft shutdown would kill a child after its time and leave the lease to run out.
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

FINISH_WAIT_S = 3.0


class Shutdown:
    """What this child was told, and whether it is at work. Only plain attributes: signal handlers touch it."""

    def __init__(self) -> None:
        self.asked = False
        self._ends = False
        self._working = False

    @contextmanager
    def work(self) -> Iterator[None]:
        """A block during which SIGTERM asks to stop, and ends the process only after it."""
        self._working = True
        try:
            yield
        finally:
            self._working = False
            if self._ends:
                _end()

    def listen(self) -> None:
        """Takes over both signals; call it in the child, after the fork."""
        signal.signal(signal.SIGUSR2, self._give_back)
        signal.signal(signal.SIGTERM, self._terminate)

    def _give_back(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True

    def _terminate(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = self._ends = True
        if not self._working:
            _end()


shutdown = Shutdown()


@worker_process_init.connect
def listen(**_signal: object) -> None:
    shutdown.listen()


@worker_shutting_down.connect
def hurry_children(**_signal: object) -> None:
    """In the parent, from its signal handler: what still runs after a while is given back."""
    timer = Timer(FINISH_WAIT_S, _tell_children)
    timer.daemon = True
    timer.start()


def is_stopping() -> bool:
    """Whether this worker, the parent, was told to stop. (Celery's flags hold None, False or an exit status.)"""
    told: tuple[object, object] = (state.should_stop, state.should_terminate)
    return any(status is not None and status is not False for status in told)


def signal_children(number: signal.Signals) -> None:
    """From the parent to every child that runs."""
    for child in active_children():
        if child.pid is not None:
            os.kill(child.pid, number)


def _tell_children() -> None:
    signal_children(signal.SIGUSR2)


def _end() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
