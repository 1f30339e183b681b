"""Jobs: what was asked for, where its images are, and when each thing happened."""

from datetime import datetime

from pydantic import Field, with_config
from typing_extensions import TypedDict

from api.schemas.described import Described
from api.schemas.models import ModelRef
from core.db.tables import Job
from core.states import Explain, JobKind, JobState, Queue


class Counts(Described):
    """How many of the job's images are in which state; the five states add up to `total` at every moment."""

    total: int
    """Images of the job."""

    queued: int
    """Images that wait for a worker."""

    running: int
    """Images that a worker classifies now."""

    succeeded: int
    """Images that have a prediction."""

    failed: int
    """Images that have an error instead."""

    cancelled: int
    """Images that were cancelled before they were classified; they have no item."""


class OptionsOut(Described):
    """The options that the job was submitted with."""

    top_k: int
    """How many classes each item lists."""

    explain: Explain
    """How far predictions are explained: `cam`, or `full`, which also measures their `faithfulness`."""


@with_config(Described.model_config)
class SkipOut(TypedDict):
    """An entry of the upload that is not an image and was skipped."""

    name: str
    """The entry's name."""

    reason: str
    """Why it was skipped: `folder`, `system file` or `hidden file`."""


class JobLinks(Described):
    """Paths of the job's resources."""

    self: str
    """The job."""

    items: str
    """Its items."""

    archive: str
    """Its archive, once it has ended."""


class JobOut(Described):
    """A job and where it stands."""

    id: str = Field(examples=["0f8fad5bd9cb469fa165708867283950"])
    """The job's id: 32 hexadecimal digits."""

    kind: JobKind
    """`batch`: submitted to `/v1/jobs`. `predict`: made by `/predict`, not listed, kept for a short time."""

    name: str | None
    """The label that the client gave the job."""

    state: JobState
    """`queued` and `running` jobs go on; every other state is final until the job is retried."""

    run: int
    """1, and one more with each retry of the failed images."""

    revision: int
    """Rises with every change of the job."""

    queue: Queue
    """The queue that its shards wait in: `interactive` for few images, else `bulk`."""

    model: ModelRef
    """The model version that classifies its images."""

    options: OptionsOut
    """The options that it was submitted with."""

    counts: Counts
    """How many of its images are in which state."""

    skipped: list[SkipOut]
    """The first 100 entries of the upload that are not images."""

    skipped_total: int
    """How many entries of the upload are not images."""

    created_at: datetime
    """When it was accepted."""

    started_at: datetime | None
    """When a worker claimed its first shard; null before."""

    cancel_requested_at: datetime | None
    """When a client cancelled it; null if none did."""

    ended_at: datetime | None
    """When its last image was done; null before, and again during a retry."""

    expires_at: datetime
    """When its images and results are deleted."""

    purged_at: datetime | None
    """When its images and results were deleted; null while they are kept."""

    links: JobLinks
    """Paths of its resources."""

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        path = job_path(job.id)
        return cls(
            id=job.id, kind=job.kind, name=job.name, state=job.state, run=job.run, revision=job.revision,
            queue=job.queue, model=ModelRef(name=job.model_name, version=job.model_version, precision=job.precision),
            options=OptionsOut(top_k=job.top_k, explain=job.explain),
            counts=Counts(
                total=job.total, queued=job.queued, running=job.running,
                succeeded=job.succeeded, failed=job.failed, cancelled=job.cancelled,
            ),
            skipped=job.skipped, skipped_total=job.skipped_total,
            created_at=job.created_at, started_at=job.started_at,
            cancel_requested_at=job.cancel_requested_at, ended_at=job.ended_at,
            expires_at=job.expires_at, purged_at=job.purged_at,
            links=JobLinks(self=path, items=f"{path}/items", archive=f"{path}/archive"),
        )  # fmt: skip


class JobList(Described):
    """A page of jobs, the newest first."""

    data: list[JobOut]
    """The jobs."""

    next: str | None
    """The cursor of the next page: pass it unchanged as `after`. Null if nothing follows for now."""


def job_path(job_id: str) -> str:
    """Return the path of a job."""
    return f"/v1/jobs/{job_id}"
