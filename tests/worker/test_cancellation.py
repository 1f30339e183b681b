"""A worker notices that a client cancelled its job."""

import pytest

from core.db.engines import Database
from core.jobs import cancellation, claims
from core.states import Queue
from tests.databases import submit
from worker.inference.cancellation import CancellationCheck, JobCancelled


def test_a_cancelled_job_is_noticed_at_the_first_batch(database: Database) -> None:
    with database.write.begin() as session:
        job = submit(session)
        assert claims.claim(session, Queue.BULK, worker="w", lease_s=60)
    with database.write.begin() as session:
        cancellation.cancel(session, job)

    with pytest.raises(JobCancelled):
        CancellationCheck(database.read, job.id).check()


def test_a_running_job_is_read_at_most_every_half_second(database: Database) -> None:
    with database.write.begin() as session:
        job = submit(session)
    check = CancellationCheck(database.read, job.id)

    check.check()
    with database.write.begin() as session:
        cancellation.cancel(session, job)

    check.check()  # within half a second of the first
