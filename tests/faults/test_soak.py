"""Random faults for as long as one likes: `make soak`. Prints its seed and what struck."""

import random
import threading
import time
from contextlib import ExitStack

import httpx
import pytest
from sqlalchemy import select

from core.db.tables import Job
from tests.faults.ground import Ground, Run
from tests.faults.nemesis import Nemesis
from tests.faults.poller import Poller
from tests.http import submit_zip, zipped

OPEN_JOBS = 3
SETTLED_S = 120


class Load(threading.Thread):
    """Submits job after job, a few open at a time, each polled until it has ended."""

    def __init__(self, ground: Ground, *, seed: int) -> None:
        super().__init__(name="load", daemon=True)
        self._ground = ground
        self._dice = random.Random(seed)
        self._done = threading.Event()
        self.accepted: list[str] = []
        self.failure: BaseException | None = None

    def finish(self) -> None:
        """Waits until what was submitted has ended; raises what went wrong on the way."""
        self._done.set()
        self.join()
        if self.failure is not None:
            raise self.failure

    def run(self) -> None:
        try:
            with self._ground.stack.client() as client, ExitStack() as polls:
                self._submit_all(client, polls)
        except BaseException as failure:  # noqa: BLE001  # raised by `finish`
            self.failure = failure

    def _submit_all(self, client: httpx.Client, polls: ExitStack) -> None:
        seed = self._dice.randrange(2**32)
        while not self._done.is_set():
            job_id = submitted(self._ground, client, self._dice.randrange(1, 2000))
            if job_id is not None:
                polls.enter_context(Poller(self._ground.stack.database, job_id, seed=seed))
                self.accepted.append(job_id)
            for open_id in self.accepted[-OPEN_JOBS - 1 : -OPEN_JOBS]:
                Run(self._ground, client, open_id).end(patience_s=SETTLED_S)
        for open_id in self.accepted[-OPEN_JOBS:]:
            Run(self._ground, client, open_id).end(patience_s=SETTLED_S)


def submitted(ground: Ground, client: httpx.Client, count: int) -> str | None:
    """The job's id if the API says that it is accepted; None if it is away, or refuses in the words agreed on."""
    try:
        response = submit_zip(client, zipped(ground.images(count)))
    except httpx.TransportError:
        time.sleep(0.2)
        return None
    assert response.status_code in (202, 503, 507), response.text
    if response.status_code != 202:
        assert response.headers["Retry-After"]
        time.sleep(0.2)
        return None
    return str(response.json()["id"])


@pytest.mark.core
@pytest.mark.timeout(0)
def test_random_faults_lose_nothing_and_double_nothing(ground: Ground, soak_s: float, seed: int | None) -> None:
    seed = random.randrange(2**32) if seed is None else seed
    print(f"seed {seed}")
    load, nemesis, earlier = Load(ground, seed=seed), Nemesis(ground, seed=seed), ground.jobs()

    load.start()
    nemesis.strike_for(soak_s)
    load.finish()

    jobs = [job for job in all_jobs(ground, load.accepted) if job.id not in earlier]
    with ground.stack.client() as client:
        for job in jobs:
            run = Run(ground, client, job.id)
            run.end(patience_s=SETTLED_S)
            ground.check(run)
    struck = ", ".join(f"{name} {times}" for name, times in sorted(nemesis.struck.items()))
    images = sum(job.total for job in jobs)
    print(f"seed {seed}: {len(jobs)} jobs, {images} images; {struck}")
    ground.note(f"40 {nemesis.struck.total()} random faults in {soak_s:.0f} s under {images} images (seed {seed})")


def all_jobs(ground: Ground, accepted: list[str]) -> list[Job]:
    """Every job that was accepted, and those whose acceptance the client never heard of."""
    with ground.stack.database.read.begin() as session:
        known = list(session.scalars(select(Job).where(Job.purged_at.is_(None)).order_by(Job.created_at)))
    assert set(accepted) <= {job.id for job in known}, "an accepted job is gone"
    return known
