"""A stack under faults: its own Redis and database, failpoints in its processes, and the expected predictions."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from sqlalchemy import select

from core.db.tables import Item, Job
from core.objects.storage import Storage
from core.states import ItemState
from servers.postgres import PostgresServer
from servers.redis import RedisServer
from tests.faults import recovery
from tests.faults.checker import Prediction, check
from tests.faults.failpoints import POLL_INTERVAL_S, Failpoints
from tests.faults.observed_job import ObservedJob
from tests.faults.poller import Poller
from tests.http import submit_zip, zipped
from tests.stacks import RunningStack

SHARD_IMAGES = 60
SETTINGS = {
    "BATCHLIGHT_SHARD_IMAGES": str(SHARD_IMAGES),
    "BATCHLIGHT_SHARD_LIMIT_S": "20",
    "BATCHLIGHT_STALL_S": "8",
    "BATCHLIGHT_CHILD_MEMORY_BYTES": str(640 * 1024 * 1024),
}
"""Small shards, so that every fault meets several; otherwise the defaults, for which the recovery times hold."""


@dataclass
class FaultHarness:
    """One stack under faults."""

    stack: RunningStack
    redis: RedisServer
    postgres: PostgresServer | None
    failpoints: Failpoints
    samples: Mapping[str, bytes]
    expected: dict[str, Prediction] = field(default_factory=dict)
    """The prediction of the fault-free run for every sample, by SHA-256."""

    @property
    def database(self) -> str:
        return "SQLite" if self.postgres is None else "Postgres"

    @property
    def artifacts(self) -> Path:
        """A copy of the shipped models, which a test may damage."""
        return self.stack.settings.artifacts_dir

    @property
    def storage(self) -> Storage:
        return Storage(self.stack.settings.storage_dir)

    def images(self, count: int) -> dict[str, bytes]:
        """Return this many images by name: the samples, repeated."""
        names = list(self.samples)
        return {f"{n:05d}-{names[n % len(names)]}": self.samples[names[n % len(names)]] for n in range(count)}

    def jobs(self) -> set[str]:
        """Return the id of every job in the database."""
        with self.stack.database.read.begin() as session:
            return set(session.scalars(select(Job.id)))

    def files(self) -> set[Path]:
        """Return every file in storage, unfinished ones too."""
        return {path for path in self.storage.path("").rglob("*") if path.is_file()}

    def process(self, name: str = "worker-bulk") -> psutil.Process:
        """Wait until this program of the stack runs, and return its process: of a worker the parent."""
        while (pid := self.stack.supervisor.pids().get(name)) is None:
            time.sleep(POLL_INTERVAL_S)
        return psutil.Process(pid)

    def record_expected(self) -> None:
        """Classify every sample without a fault and keep the predictions."""
        with self.job(len(self.samples), check_after=False) as job:
            job.wait_for_end()
        with self.stack.database.read.begin() as session:
            items = session.scalars(select(Item).where(Item.job_id == job.id)).all()
            assert all(item.state == ItemState.SUCCEEDED for item in items)
            self.expected.update({item.sha256: Prediction.of(item) for item in items})
        assert len(items) == len(self.samples)

    @contextmanager
    def job(
        self,
        count: int,
        *,
        expected_failures: int = 0,
        check_after: bool = True,
        images: Mapping[str, bytes] | None = None,
    ) -> Iterator[ObservedJob]:
        """Submit a job of this many images and observe it (see `observed`)."""
        with self.stack.client() as client:
            response = submit_zip(client, zipped(images or self.images(count)))
            assert response.status_code == 202, response.text
            job_id = response.json()["id"]
            with self.observed(job_id, client, expected_failures=expected_failures, check_after=check_after) as job:
                yield job

    @contextmanager
    def observed(
        self, job_id: str, client: httpx.Client, *, expected_failures: int = 0, check_after: bool = True
    ) -> Iterator[ObservedJob]:
        """Poll an accepted job while the block runs, then wait for its end and check it."""
        job = self.observe(job_id, client)
        with Poller(self.stack.database, job_id, seed=int(job_id[:8], 16)):
            yield job
            job.wait_for_end()
        if check_after:
            self.check(job, expected_failures=expected_failures)

    def observe(self, job_id: str, client: httpx.Client) -> ObservedJob:
        """Return an accepted job for a test to look at, without a poller."""
        return ObservedJob(self.stack, self.database, client, job_id)

    def check(self, job: ObservedJob, *, expected_failures: int = 0) -> None:
        """Assert that this ended job lost and doubled nothing (see `tests.faults.checker`)."""
        check(
            self.stack.database,
            self.storage,
            job.id,
            expected=self.expected,
            total=job.row().total,
            expected_failures=expected_failures,
        )

    def note(self, fault: str, *, seconds: float | None = None, limit_s: float | None = None) -> None:
        """Add a line to the table of recoveries, and assert the limit."""
        recovery.note(fault, database=self.database, seconds=seconds, limit_s=limit_s)


def settings_of(redis: RedisServer, database_url: str | None, *, failpoints: Path, artifacts: Path) -> dict[str, str]:
    """Create the folder of the failpoints and return the environment of a stack under faults."""
    failpoints.mkdir(mode=0o700)
    own = {
        "BATCHLIGHT_REDIS_URL": redis.url,
        "BATCHLIGHT_FAILPOINTS": str(failpoints),
        "BATCHLIGHT_ARTIFACTS_DIR": str(artifacts),
    }
    if database_url is not None:
        own["BATCHLIGHT_DATABASE_URL"] = database_url
    return SETTINGS | own
