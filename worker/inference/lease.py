"""Keeps a lease alive while the work goes on, and says when it is lost."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.db.engines import Sessions
from core.failpoints import Point, failpoint
from worker.runtime.shutdown import shutdown

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another attempt may hold what this one works on: stop, write nothing."""


class Released(Exception):
    """This process is to stop: give the work back, for another to do."""


class Lease:
    """Renews every `heartbeat_s` in a thread, while its block runs; `check` says between two steps whether to go on."""

    def __init__(self, write: Sessions, renew: Callable[[Session], bool], *, heartbeat_s: float) -> None:
        self._write = write
        self._renew = renew
        self._heartbeat_s = heartbeat_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._lost = threading.Event()

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def check(self) -> None:
        """Raises LeaseLost once it is lost, and Released once this process is to stop."""
        if self._lost.is_set():
            raise LeaseLost
        if shutdown.asked:
            raise Released

    def _beat(self) -> None:
        while not self._done.wait(self._heartbeat_s):
            try:
                with self._write.begin() as session:
                    held = self._renew(session)
                failpoint(Point.LEASE_RENEWED)
            except SQLAlchemyError as failure:
                log.warning("could not renew a lease (%s); trying again", failure)
                continue
            if not held:
                self._lost.set()
                return
