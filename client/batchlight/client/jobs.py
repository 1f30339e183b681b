"""Methods for jobs: their state, waiting for their end, cancel, retry, delete."""

from collections.abc import Iterator

from batchlight.client.connection import Connection, job_path, page_params
from batchlight.parsing import parse
from batchlight.polling import JobProgress, wait_for
from batchlight.records import Job, Page


class JobMethods(Connection):
    """Methods for jobs that exist."""

    def job(self, job_id: str) -> Job:
        """The current state of a job.

        Args:
            job_id: Identifier of the job.

        Returns:
            The job, with the number of images in each state.

        Raises:
            Problem: The owner of the key has no such job (`job_not_found`).
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond within 2 seconds of retries.
            UnexpectedResponse: The response is not a job.

        Example:
            ```python
            print(client.job(job_id).state)
            ```
        """
        return self._get(Job, job_path(job_id))

    def wait(self, job_id: str, *, timeout_s: float | None = None, progress: JobProgress | None = None) -> Job:
        """Wait until a job has ended.

        Args:
            job_id: Identifier of the job.
            timeout_s: Longest wait in seconds; None waits without a limit.
            progress: Called with the job at first and whenever it has changed.

        Returns:
            The ended job. It may have failed images or be cancelled; see `Job.succeeded`.

        Raises:
            WaitTimeout: The job has not ended after `timeout_s` seconds. It continues on the server.
            Problem: The owner of the key has no such job (`job_not_found`).
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond within 60 seconds of retries. The job may continue.
            UnexpectedResponse: The response is not a job.

        Example:
            ```python
            job = client.wait(job.id, timeout_s=600, progress=lambda job: print(job.counts.ended))
            ```
        """
        return wait_for(self._transport, job_path(job_id), timeout_s=timeout_s, progress=progress)

    def jobs(self) -> Iterator[Job]:
        """Every job of the key's owner, newest first.

        Returns:
            An iterator that requests further pages while it is consumed.

        Raises:
            NotAuthenticated: The key is not valid.
            Problem: The server refuses the request, for example because the key may not read.
            Unreachable: The server did not respond within 2 seconds of retries.
            UnexpectedResponse: The response is not a list of jobs.

        Example:
            ```python
            newest = next(client.jobs(), None)
            ```
        """
        return self._pages(Page[Job], "/v1/jobs")

    def jobs_page(self, *, limit: int, after: str | None = None) -> Page[Job]:
        """One page of the jobs of the key's owner, newest first.

        Args:
            limit: Largest number of jobs in the page.
            after: `next` of the previous page; None for the first page.

        Returns:
            The jobs, and the cursor of the next page.

        Raises:
            Problem: The cursor is not one of the server's (`bad_cursor`).
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond within 2 seconds of retries.
            UnexpectedResponse: The response is not a list of jobs.

        Example:
            ```python
            page = client.jobs_page(limit=20)
            ```
        """
        return self._get(Page[Job], "/v1/jobs", page_params(limit=limit, after=after))

    def cancel(self, job_id: str) -> Job:
        """Cancel a job. Queued images stop at once, running images at their next batch; finished items stay.

        Args:
            job_id: Identifier of the job.

        Returns:
            The job. It may still be running for a moment; `wait` returns when it has ended.

        Raises:
            Problem: There is no such job (`job_not_found`) or it has ended (`job_ended`).
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond. The request is not sent again.
            UnexpectedResponse: The response is not a job.

        Example:
            ```python
            job = client.wait(client.cancel(job_id).id)
            ```
        """
        return self._act_on(f"{job_path(job_id)}/cancel")

    def retry(self, job_id: str) -> Job:
        """Infer the failed images of an ended job once more. Succeeded items stay as they are.

        Args:
            job_id: Identifier of the job.

        Returns:
            The job, queued again, with `run` one higher.

        Raises:
            Problem: There is no such job (`job_not_found`), it has not ended (`job_not_finished`) or no image failed
                (`nothing_to_retry`).
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond. The request is not sent again.
            UnexpectedResponse: The response is not a job.

        Example:
            ```python
            job = client.wait(client.retry(job_id).id)
            ```
        """
        return self._act_on(f"{job_path(job_id)}/retry")

    def delete(self, job_id: str) -> None:
        """Delete a job's images and results permanently. A running job is cancelled first.

        Args:
            job_id: Identifier of the job.

        Raises:
            Problem: There is no such job (`job_not_found`).
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond. The request is not sent again.

        Example:
            ```python
            client.delete(job_id)
            ```
        """
        self._transport.act("DELETE", job_path(job_id))

    def _act_on(self, path: str) -> Job:
        response = self._transport.act("POST", path)
        return parse(Job, response.content, source=str(response.url))
