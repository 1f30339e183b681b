"""Following a job to its end by conditional requests: an unchanged job costs a 304 without a body."""

import time
from collections.abc import Callable
from http import HTTPStatus

from batchlight.answers import json_of, retry_after_s
from batchlight.errors import WaitTimeout
from batchlight.parsing import parse
from batchlight.records import Job
from batchlight.transport import Transport

JobProgress = Callable[[Job], None]

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 2.0
PATIENCE_S = 60.0
"""A restart of the server takes less; a wait of hours must not end on it."""


def wait_for(
    transport: Transport, path: str, *, timeout_s: float | None = None, progress: JobProgress | None = None
) -> Job:
    """The job once it has ended; `progress` sees it at every change. Raises WaitTimeout after `timeout_s`."""
    give_up_at = None if timeout_s is None else time.monotonic() + timeout_s
    etag, pause_s = "", FIRST_PAUSE_S
    while True:
        answer = transport.get(path, headers={"If-None-Match": etag} if etag else None, patience_s=PATIENCE_S)
        if answer.status_code != HTTPStatus.NOT_MODIFIED:
            job = parse(Job, json_of(answer))
            etag = answer.headers.get("etag", "")
            if progress is not None:
                progress(job)
            if job.ended:
                return job
        rest_s = retry_after_s(answer, default=pause_s)
        if give_up_at is not None and time.monotonic() + rest_s > give_up_at:
            raise WaitTimeout(
                f"The job has not ended after {timeout_s:g} s. It goes on; wait for it again at any time."
            )
        time.sleep(rest_s)
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)
