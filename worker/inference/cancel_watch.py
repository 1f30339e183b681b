"""Asks now and then whether a job is still wanted."""

import time

from core.db.engines import Sessions
from core.jobs import cancellation

ASK_EVERY_S = 0.5


class CancelWatch:
    """True once the job was cancelled or deleted; asks the database at first, then at most every half second."""

    def __init__(self, read: Sessions, job_id: str) -> None:
        self._read = read
        self._job_id = job_id
        self._asked_at = float("-inf")

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._asked_at < ASK_EVERY_S:
            return False
        self._asked_at = now
        with self._read.begin() as session:
            return cancellation.is_cancelled(session, self._job_id)
