"""Random faults for a chosen time (`make soak`). Prints the seed and the faults."""

import random
import threading
import time
from contextlib import ExitStack

import httpx
import pytest
from sqlalchemy import select

from core.db.tables import Job
from tests.faults.harness import FaultHarness
from tests.faults.nemesis import Nemesis
from tests.faults.poller import Poller
from tests.http import submit_zip, zipped

OPEN_JOBS = 3
END_TIMEOUT_S = 120


class Load(threading.Thread):
    """Submits jobs one after another, a few open at a time, each polled until it has ended."""

    def __init__(self, harness: FaultHarness, *, seed: int) -> None:
        super().__init__(name="load", daemon=True)
        self._harness = harness
        self._random = random.Random(seed)
        self._done = threading.Event()
        self.accepted: list[str] = []
        self.failure: BaseException | None = None

    def finish(self) -> None:
        """Wait until every submitted job has ended; raise what failed."""
        self._done.set()
        self.join()
        if self.failure is not None:
            raise self.failure

    def run(self) -> None:
        try:
            with self._harness.stack.client() as client, ExitStack() as polls:
                self._submit_all(client, polls)
        except BaseException as failure:  # noqa: BLE001  # raised by `finish`
            self.failure = failure

    def _submit_all(self, client: httpx.Client, polls: ExitStack) -> None:
        seed = self._random.randrange(2**32)
        while not self._done.is_set():
            job_id = submitted(self._harness, client, self._random.randrange(1, 2000))
            if job_id is not None:
                polls.enter_context(Poller(self._harness.stack.database, job_id, seed=seed))
                self.accepted.append(job_id)
            for open_id in self.accepted[-OPEN_JOBS - 1 : -OPEN_JOBS]:
                self._harness.observe(open_id, client).wait_for_end(timeout_s=END_TIMEOUT_S)
        for open_id in self.accepted[-OPEN_JOBS:]:
            self._harness.observe(open_id, client).wait_for_end(timeout_s=END_TIMEOUT_S)


def submitted(harness: FaultHarness, client: httpx.Client, count: int) -> str | None:
    """Submit a job and return its id; None if the API is away or refuses with Retry-After."""
    try:
        response = submit_zip(client, zipped(harness.images(count)))
    except httpx.TransportError:
        time.sleep(0.2)
        return None
    assert response.status_code in (202, 503, 507), response.text
    if response.status_code != 202:
        assert response.headers["Retry-After"]
        time.sleep(0.2)
        return None
    return str(response.json()["id"])


@pytest.mark.fast_fault
@pytest.mark.timeout(0)
def test_random_faults_lose_and_duplicate_nothing(harness: FaultHarness, soak_s: float, seed: int | None) -> None:
    seed = random.randrange(2**32) if seed is None else seed
    print(f"seed {seed}")
    load, nemesis, earlier = Load(harness, seed=seed), Nemesis(harness, seed=seed), harness.jobs()

    load.start()
    nemesis.inject_for(soak_s)
    load.finish()

    jobs = [job for job in all_jobs(harness, load.accepted) if job.id not in earlier]
    with harness.stack.client() as client:
        for job in jobs:
            observed = harness.observe(job.id, client)
            observed.wait_for_end(timeout_s=END_TIMEOUT_S)
            harness.check(observed)
    faults = ", ".join(f"{name} {times}" for name, times in sorted(nemesis.injected.items()))
    images = sum(job.total for job in jobs)
    print(f"seed {seed}: {len(jobs)} jobs, {images} images; {faults}")
    harness.note(f"40 {nemesis.injected.total()} random faults in {soak_s:.0f} s under {images} images (seed {seed})")


def all_jobs(harness: FaultHarness, accepted: list[str]) -> list[Job]:
    """Return every job, including those whose acceptance did not reach the client."""
    with harness.stack.database.read.begin() as session:
        jobs = list(session.scalars(select(Job).where(Job.purged_at.is_(None)).order_by(Job.created_at)))
    assert set(accepted) <= {job.id for job in jobs}, "an accepted job is gone"
    return jobs
