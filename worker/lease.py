"""Working under a lease: renew it while the work goes on, stop when it is lost, release it when the worker stops."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.db.engines import Sessions
from core.failpoints import Point, failpoint

log = logging.getLogger(__name__)

StopRequested = Callable[[], bool]
"""Whether this process was told to stop."""


class LeaseLost(Exception):
    """Raised when the lease has expired and another attempt may hold the work; the caller writes nothing."""


class Released(Exception):
    """Raised when this process was told to stop; the caller releases the work, so that another worker claims it."""


class Lease:
    """Renews a lease every `heartbeat_s` seconds in a thread while its block runs."""

    def __init__(
        self,
        write: Sessions,
        renew: Callable[[Session], bool],
        *,
        heartbeat_s: float,
        stop_requested: StopRequested,
    ) -> None:
        """`renew` extends the lease in a session and returns False if it is lost."""
        self._write = write
        self._renew = renew
        self._heartbeat_s = heartbeat_s
        self._stop_requested = stop_requested
        self._done = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_done, name="lease", daemon=True)

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def check(self) -> None:
        """Raise LeaseLost if the lease is lost, Released if this process was told to stop; call it between steps."""
        if self._lost.is_set():
            raise LeaseLost
        if self._stop_requested():
            raise Released

    def _renew_until_done(self) -> None:
        while not self._done.wait(self._heartbeat_s):
            try:
                with self._write.begin() as session:
                    held = self._renew(session)
                failpoint(Point.LEASE_RENEWED)
            except SQLAlchemyError as failure:
                log.warning("cannot renew a lease (%s); trying again in %g s", failure, self._heartbeat_s)
                continue
            if not held:
                self._lost.set()
                return


def run_leased(
    work: Callable[[], None], *, title: str, on_stop: Callable[[], None], on_failure: Callable[[Exception], None]
) -> str:
    """Run leased work at the edge of a Celery task and return a line for the worker's log.

    `on_stop` releases the work of a worker that stops. `on_failure` releases it after any error, which is then raised
    for Celery to record.
    """
    started_s = time.monotonic()
    try:
        work()
    except LeaseLost:
        return f"{title}: the lease expired; another worker has the work"
    except Released:
        on_stop()
        return f"{title}: released, because this worker stops"
    except Exception as failure:  # the task's outermost edge
        on_failure(failure)
        raise
    return f"{title}, {time.monotonic() - started_s:.1f} s"
