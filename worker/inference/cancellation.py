"""Noticing during inference that the job was cancelled."""

import time

from core.db.engines import Sessions
from core.jobs import cancellation

CHECK_INTERVAL_S = 0.5


class JobCancelled(Exception):
    """A client cancelled or deleted the job: the images that are left get no result."""


class CancellationCheck:
    """Reads from the database whether a job is cancelled: at the first check, then every CHECK_INTERVAL_S at most."""

    def __init__(self, read: Sessions, job_id: str) -> None:
        self._read = read
        self._job_id = job_id
        self._read_at_s = float("-inf")

    def check(self) -> None:
        """Raise JobCancelled if the job was cancelled or deleted."""
        now_s = time.monotonic()
        if now_s - self._read_at_s < CHECK_INTERVAL_S:
            return
        self._read_at_s = now_s
        with self._read.begin() as session:
            if cancellation.is_cancelled(session, self._job_id):
                raise JobCancelled
