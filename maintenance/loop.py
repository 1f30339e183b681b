"""A maintenance loop: one step repeated in a thread of its own, so that a slow step delays no other."""

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from core.broker import BROKER_ERRORS

log = logging.getLogger(__name__)

Step = Callable[[], bool]
"""One pass of the loop; returns whether more work is left, so that the next pass follows at once."""


class Loop(threading.Thread):
    """Runs a step every `interval_s` seconds until it is stopped; errors of the database or broker are logged."""

    def __init__(self, name: str, step: Step, *, interval_s: float, first_after_s: float | None = None) -> None:
        """The first pass runs after `first_after_s` seconds, by default after one interval."""
        super().__init__(name=name, daemon=True)
        self._step = step
        self._interval_s = interval_s
        self._first_after_s = interval_s if first_after_s is None else first_after_s
        self._stopped = threading.Event()
        self._started_at_s: float | None = None

    def run(self) -> None:
        delay_s = self._first_after_s
        while not self._stopped.wait(delay_s):
            delay_s = 0.0 if self.run_step() else self._interval_s

    def run_step(self) -> bool:
        """Run one pass; return whether more work is left."""
        self._started_at_s = time.monotonic()
        try:
            return self._step()
        except (SQLAlchemyError, *BROKER_ERRORS) as failure:
            log.error("the %s failed and tries again in %g s: %s", self.name, self._interval_s, failure)
            return False
        finally:
            self._started_at_s = None

    def running_for_s(self) -> float:
        """Return how long the current pass has been running, in seconds; 0 between two passes."""
        started_at_s = self._started_at_s
        return 0.0 if started_at_s is None else time.monotonic() - started_at_s

    def stop(self) -> None:
        """Make the loop end after its current pass."""
        self._stopped.set()
