"""Submitting jobs: the rows of a job and its shards, once its images lie in object storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from core.db.tables import Job, Shard, Skip
from core.jobs.fair_queue import VirtualTimes
from core.jobs.sharding import NewShard, StoredImages, new_shards
from core.states import Explain, JobKind, JobState, Queue


@dataclass(frozen=True)
class StoredObject:
    """A complete shard object in storage, with `count` images; `digest` is the SHA-256 of its index."""

    object_key: str
    digest: str
    count: int


@dataclass(frozen=True)
class NewJob:
    """What a client asked for; the model version never changes."""

    id: str
    owner: str
    kind: JobKind
    model_name: str
    model_version: str
    precision: str
    top_k: int
    retention_s: float
    explain: Explain = Explain.CAM
    name: str | None = None
    skipped: Sequence[Skip] = ()
    skipped_total: int = 0


@dataclass(frozen=True)
class Submission:
    """A job whose images are stored and whose rows are not written yet."""

    new: NewJob
    stored: Sequence[StoredObject]

    @property
    def total(self) -> int:
        """The number of the job's images."""
        return sum(one.count for one in self.stored)

    def queue(self, *, interactive_images: int) -> Queue:
        """Return the job's queue: interactive for `predict` and for up to `interactive_images` images."""
        small = self.new.kind == JobKind.PREDICT or self.total <= interactive_images
        return Queue.INTERACTIVE if small else Queue.BULK


def submit(
    session: Session, new: NewJob, stored: Sequence[StoredObject], *, interactive_images: int, shard_images: int
) -> Job:
    """Write the rows of one job and its queued shards and return the job; notify the workers after the commit."""
    submissions = [Submission(new, stored)]
    (job,) = submit_batch(session, submissions, interactive_images=interactive_images, shard_images=shard_images)
    return job


def submit_batch(
    session: Session, submissions: Sequence[Submission], *, interactive_images: int, shard_images: int
) -> list[Job]:
    """Write the rows of these jobs in three statements, however many jobs they are, and return the jobs in order."""
    queues = [submission.queue(interactive_images=interactive_images) for submission in submissions]
    owners = {(queue, submission.new.owner) for queue, submission in zip(queues, submissions, strict=True)}
    times = VirtualTimes(session, owners)
    jobs: list[Job] = []
    shards: list[NewShard] = []
    for submission, queue in zip(submissions, queues, strict=True):
        job = _new_job(submission, queue, created_at=times.now)
        rows = new_shards(
            job, _images(submission.stored), run=job.run, after=times.last(queue, job.owner), ready_at=times.now,
            shard_images=shard_images,
        )  # fmt: skip
        times.add(queue, job.owner, [row["virtual_time"] for row in rows])
        job.shards = len(rows)
        jobs.append(job)
        shards += rows
    session.execute(insert(Job), [_columns(job) for job in jobs])
    session.execute(insert(Shard), shards)
    return jobs


def _new_job(submission: Submission, queue: Queue, *, created_at: datetime) -> Job:
    new, total = submission.new, submission.total
    return Job(
        id=new.id, owner=new.owner, kind=new.kind, queue=queue, name=new.name, state=JobState.QUEUED, run=1, revision=1,
        model_name=new.model_name, model_version=new.model_version, precision=new.precision, top_k=new.top_k,
        explain=new.explain, shards=0, total=total,
        queued=total, running=0, succeeded=0, failed=0, cancelled=0,
        skipped=list(new.skipped), skipped_total=new.skipped_total,
        created_at=created_at, expires_at=created_at + timedelta(seconds=new.retention_s),
    )  # fmt: skip


def _images(stored: Sequence[StoredObject]) -> list[StoredImages]:
    """All images of the stored objects, their indexes running on from one object to the next."""
    images: list[StoredImages] = []
    first_index = 0
    for one in stored:
        images.append(StoredImages(one.object_key, one.digest, first_index, range(one.count)))
        first_index += one.count
    return images


def _columns(job: Job) -> dict[str, object]:
    """The column values of a job that is not in the database yet."""
    return {column.key: getattr(job, column.key) for column in Job.__table__.columns}
