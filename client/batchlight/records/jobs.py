"""A job: its options, its progress and its instants."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from batchlight.records.models import ModelName
from batchlight.records.states import JobKind, JobState, Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Number of images of a job in each state. The five states always add up to `total`.

    Example:
        ```python
        print(f"{job.counts.ended} of {job.counts.total} images are done")
        ```
    """

    total: int
    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int

    @property
    def ended(self) -> int:
        """Number of images that are succeeded, failed or cancelled."""
        return self.succeeded + self.failed + self.cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that a job runs with, server defaults included.

    Attributes:
        top_k: Number of classes that each item lists.
        explain: `"cam"` or `"full"`; a later server may add values.

    Example:
        ```python
        if job.options.explain == "full":
            scores = [item.faithfulness for item in client.items(job.id)]
        ```
    """

    top_k: int
    explain: str = "cam"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that is not an image of a job because the client or the server left it out.

    Attributes:
        name: Path of the file, relative to the uploaded folder or ZIP.
        reason: Why it was left out, for example `"hidden"`.

    Example:
        ```python
        for file in job.skipped:
            print(file.name, file.reason)
        ```
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The state of a job when the server was asked. Ask again with `Client.job` or `Client.wait`.

    Attributes:
        id: Identifier of the job.
        kind: How the job was submitted.
        name: Label that the submitter chose, or None.
        state: State of the job.
        run: Number of the current run: 1 at first, one more with each retry.
        revision: Number that grows with every change of the job.
        queue: Queue that the job runs in.
        model: The exact model that the job runs on.
        options: The options that the job runs with.
        counts: Number of images in each state.
        skipped: The first files that the server left out.
        skipped_total: Number of files that the server left out.
        created_at: When the server accepted the job. All instants are in UTC.
        started_at: When the first image started, or None.
        cancel_requested_at: When a client asked to cancel, or None.
        ended_at: When the current run ended, or None.
        expires_at: When the server deletes the images and results.
        purged_at: When the server deleted the images and results, or None.
        links: Paths of the API by name: `self`, `items`, `archive`.

    Example:
        ```python
        job = client.job(job_id)
        print(job.state, job.counts.succeeded, job.counts.failed)
        ```
    """

    id: str
    kind: JobKind
    name: str | None
    state: JobState
    run: int
    revision: int
    queue: Queue
    model: ModelName
    options: Options
    counts: Counts
    skipped: tuple[Skipped, ...] = ()
    skipped_total: int = 0
    created_at: datetime
    started_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    purged_at: datetime | None = None
    links: Mapping[str, str]

    @property
    def ended(self) -> bool:
        """True once nothing more happens in this run.

        The property depends on `ended_at`, so it also holds for states that a later server adds.
        """
        return self.ended_at is not None

    @property
    def succeeded(self) -> bool:
        """True if every image has a prediction."""
        return self.state == JobState.SUCCEEDED
