"""Following a job to its end by conditional requests: an unchanged job costs a 304 without a body."""

import time
from collections.abc import Callable
from http import HTTPStatus

import httpx

from batchlight.errors import WaitTimeout
from batchlight.http.responses import retry_after_s
from batchlight.http.transport import Transport
from batchlight.parsing import parse
from batchlight.records import Job

JobProgress = Callable[[Job], None]
"""Called with the job whenever it has changed."""

FIRST_PAUSE_S = 0.2
MAX_PAUSE_S = 2.0
RETRY_FOR_S = 60.0
"""Longer than a restart of the server takes, so that a restart does not end a wait of hours."""


def wait_for(
    transport: Transport, path: str, *, timeout_s: float | None = None, progress: JobProgress | None = None
) -> Job:
    """The job once it has ended. `progress` receives it at every change. Raises WaitTimeout after `timeout_s`."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    response = transport.get(path, retry_for_s=RETRY_FOR_S)
    job, etag, pause_s = _changed(response, progress), response.headers.get("etag"), FIRST_PAUSE_S
    while not job.ended:
        next_pause_s = retry_after_s(response, default_s=pause_s)
        if deadline is not None and time.monotonic() + next_pause_s > deadline:
            raise WaitTimeout(
                f"Job {job.id} has not ended after {timeout_s:g} s: {job.counts.ended:,} of {job.counts.total:,} images"
                f" are done. It continues on the server. Wait again: client.wait({job.id!r})"
            )
        time.sleep(next_pause_s)
        pause_s = min(pause_s * 1.5, MAX_PAUSE_S)
        response = transport.get(path, headers={"If-None-Match": etag} if etag else None, retry_for_s=RETRY_FOR_S)
        if response.status_code != HTTPStatus.NOT_MODIFIED:
            job, etag = _changed(response, progress), response.headers.get("etag")
    return job


def _changed(response: httpx.Response, progress: JobProgress | None) -> Job:
    job = parse(Job, response.content, source=str(response.url))
    if progress is not None:
        progress(job)
    return job
