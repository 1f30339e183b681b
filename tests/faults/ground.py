"""A stack to break: its own Redis and database, faults to plant in its processes, and what it must answer."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from core.db.tables import Item, Job, Shard
from core.failpoints import Point
from core.objects.storage import Storage
from core.states import ItemState, ShardState
from servers.postgres import PostgresServer
from servers.redis import RedisServer
from tests.faults.checker import Prediction, check
from tests.faults.poller import Poller
from tests.faults.recovery import RECOVERIES, Recovery
from tests.http import PATIENCE_S, submit_zip, zipped
from tests.stacks import RunningStack

SHARD_IMAGES = 60
LOOK_EVERY_S = 0.02
SETTINGS = {
    "BATCHLIGHT_SHARD_IMAGES": str(SHARD_IMAGES),
    "BATCHLIGHT_SHARD_LIMIT_S": "20",
    "BATCHLIGHT_STALL_S": "8",
    "BATCHLIGHT_CHILD_MEMORY_BYTES": str(640 * 1024 * 1024),
}
"""Small shards, so that every fault meets several; otherwise the defaults, which the recovery times are of."""


@dataclass
class Ground:
    """One stack under faults."""

    stack: RunningStack
    redis: RedisServer
    postgres: PostgresServer | None
    failpoints: Path
    samples: Mapping[str, bytes]
    expected: dict[str, Prediction] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "SQLite" if self.postgres is None else "Postgres"

    @property
    def artifacts(self) -> Path:
        """A copy of the shipped models, to damage."""
        return self.stack.settings.artifacts_dir

    @property
    def storage(self) -> Storage:
        return Storage(self.stack.settings.storage_dir)

    def images(self, count: int) -> dict[str, bytes]:
        """So many images: the samples, over and over."""
        names = list(self.samples)
        return {f"{n:05d}-{names[n % len(names)]}": self.samples[names[n % len(names)]] for n in range(count)}

    def jobs(self) -> set[str]:
        """The id of every job there is."""
        with self.stack.database.read.begin() as session:
            return set(session.scalars(select(Job.id)))

    def files(self) -> set[Path]:
        """Every file in storage, unfinished ones too."""
        return {path for path in self.storage.path("").rglob("*") if path.is_file()}

    def plant(self, point: Point, action: str) -> None:
        """Has the next process that passes this point suffer the action (core.failpoints)."""
        part = self.failpoints / f".{point}"
        part.write_text(action)
        part.replace(self.failpoints / point)

    def struck(self, point: Point) -> list[int]:
        """The processes that a planted fault has struck here."""
        return [int(hit.name.split(".")[1]) for hit in self.failpoints.glob(f"{point}.*.hit")]

    def await_strike(self, point: Point, *, patience_s: float = PATIENCE_S) -> int:
        """The process that a fault planted at this point has struck, once it has."""
        until = time.monotonic() + patience_s
        while not (struck := self.struck(point)):
            assert time.monotonic() < until, f"nothing passed {point}"
            time.sleep(LOOK_EVERY_S)
        return struck[0]

    def clear(self) -> None:
        """Takes every planted fault away."""
        for file in self.failpoints.iterdir():
            file.unlink(missing_ok=True)

    def worker(self, name: str = "worker-bulk") -> psutil.Process:
        """The worker's parent process, once it runs."""
        while (pid := self.stack.supervisor.pids().get(name)) is None:
            time.sleep(LOOK_EVERY_S)
        return psutil.Process(pid)

    def learn(self) -> None:
        """The fault-free run: what every sample must be answered with."""
        with self.job(len(self.samples), check_after=False) as run:
            run.end()
        with self.stack.database.read.begin() as session:
            items = session.scalars(select(Item).where(Item.job_id == run.id)).all()
            assert all(item.state == ItemState.SUCCEEDED for item in items)
            self.expected.update({item.sha256: Prediction.of(item) for item in items})
        assert len(items) == len(self.samples)

    @contextmanager
    def job(
        self, count: int, *, planted: int = 0, check_after: bool = True, images: Mapping[str, bytes] | None = None
    ) -> Iterator["Run"]:
        """A job of so many images, polled throughout, and ended and checked when the block ends."""
        with self.stack.client() as client:
            response = submit_zip(client, zipped(images or self.images(count)))
            assert response.status_code == 202, response.text
            with self.watched(response.json()["id"], client, planted=planted, check_after=check_after) as run:
                yield run

    @contextmanager
    def watched(
        self, job_id: str, client: httpx.Client, *, planted: int = 0, check_after: bool = True
    ) -> Iterator["Run"]:
        """The same for a job that was accepted already."""
        run = Run(self, client, job_id)
        with Poller(self.stack.database, job_id, seed=int(job_id[:8], 16)):
            yield run
            run.end()
        if check_after:
            self.check(run, planted=planted)

    def check(self, run: "Run", *, planted: int = 0) -> None:
        job = run.row()
        check(self.stack.database, self.storage, job.id, expected=self.expected, total=job.total, planted=planted)

    def note(self, fault: str, *, seconds: float | None = None, limit_s: float | None = None) -> None:
        """Adds a line to the table of recoveries; asserts the limit."""
        RECOVERIES.append(Recovery(fault, self.name, seconds, limit_s))
        if seconds is not None and limit_s is not None:
            assert seconds <= limit_s, f"{fault}: recovered after {seconds:.1f} s, the limit is {limit_s:.0f} s"


@dataclass
class Run:
    """One job under a fault."""

    ground: Ground
    client: httpx.Client
    id: str

    def row(self) -> Job:
        with self.ground.stack.database.read.begin() as session:
            return session.scalars(select(Job).where(Job.id == self.id)).one()

    def held(self) -> dict[str, int]:
        """The attempts of the shards that run now, by id."""
        with self.ground.stack.database.read.begin() as session:
            running = select(Shard.id, Shard.attempt).where(Shard.job_id == self.id, Shard.state == ShardState.RUNNING)
            return dict(session.execute(running).all())

    def crashes(self) -> int:
        """How many crashes its shards are blamed for."""
        with self.ground.stack.database.read.begin() as session:
            return session.scalar(select(func.sum(Shard.crashes)).where(Shard.job_id == self.id)) or 0

    def under_way(self, *, patience_s: float = PATIENCE_S) -> None:
        """Returns when some images are done and some are running."""
        until = time.monotonic() + patience_s
        while not ((job := self.row()).succeeded and job.running):
            assert not job.ended_at, "the job was over before the fault"
            assert time.monotonic() < until, "the job did not start"
            time.sleep(LOOK_EVERY_S)

    def running(self, *, patience_s: float = PATIENCE_S) -> None:
        """Returns when the first images are running."""
        until = time.monotonic() + patience_s
        while not self.row().running:
            assert time.monotonic() < until, "the job did not start"
            time.sleep(LOOK_EVERY_S)

    def struck(self, point: Point, *, patience_s: float = PATIENCE_S) -> int:
        """The process that a fault planted at this point has struck, once it has."""
        return self.ground.await_strike(point, patience_s=patience_s)

    @contextmanager
    def fault(self, name: str, *, limit_s: float | None = None, heard: bool = False) -> Iterator[None]:
        """The fault is in the block. Measured is the time from its end until every shard that was running when it
        began or ended is done or claimed anew, and more images have succeeded; with `heard`, more than were running,
        so that a worker must have heard of them since."""
        held, succeeded = set(self.held().items()), self.row().succeeded
        yield
        began_s = time.monotonic()
        with suppress(SQLAlchemyError):  # the database may still be away
            held |= set(self.held().items())
            job = self.row()
            succeeded = job.succeeded + (job.running if heard else 0)
        until_s = began_s + max(PATIENCE_S, 2 * (limit_s or 0))
        while not self._went_on(held, succeeded):
            assert time.monotonic() < until_s, f"{name}: no recovery"
            time.sleep(LOOK_EVERY_S)
        self.ground.note(name, seconds=time.monotonic() - began_s, limit_s=limit_s)

    def _went_on(self, held: set[tuple[str, int]], succeeded: int) -> bool:
        try:
            job = self.row()
            return bool(job.ended_at) or (job.succeeded > succeeded and not held & set(self.held().items()))
        except Exception:  # noqa: BLE001  # the database may still be away
            return False

    def shards(self) -> list[Shard]:
        with self.ground.stack.database.read.begin() as session:
            return list(session.scalars(select(Shard).where(Shard.job_id == self.id)))

    def failures(self) -> list[Item]:
        with self.ground.stack.database.read.begin() as session:
            return list(session.scalars(select(Item).where(Item.job_id == self.id, Item.state == ItemState.FAILED)))

    def end(self, *, patience_s: float = 90.0) -> dict[str, Any]:
        """The job as a client sees it, once it has ended."""
        until = time.monotonic() + patience_s
        while True:
            try:
                now: dict[str, Any] = self.client.get(f"/v1/jobs/{self.id}").raise_for_status().json()
            except httpx.HTTPError:
                now = {"ended_at": None}
            if now["ended_at"]:
                return now
            assert time.monotonic() < until, f"the job did not end: {now}\n{self.ground_logs()}"
            time.sleep(0.05)

    def ground_logs(self) -> str:
        return f"logs: {self.ground.stack.supervisor.last_words()}"


def settings_of(redis: RedisServer, database_url: str | None, *, failpoints: Path, artifacts: Path) -> dict[str, str]:
    """The environment of a stack under faults."""
    failpoints.mkdir(mode=0o700)
    own = {
        "BATCHLIGHT_REDIS_URL": redis.url,
        "BATCHLIGHT_FAILPOINTS": str(failpoints),
        "BATCHLIGHT_ARTIFACTS_DIR": str(artifacts),
    }
    if database_url is not None:
        own["BATCHLIGHT_DATABASE_URL"] = database_url
    return SETTINGS | own
