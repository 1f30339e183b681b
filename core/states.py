"""The states of jobs, shards, items and archives with what moves each, and the small closed sets of values."""

from enum import StrEnum


class Queue(StrEnum):
    """Where a shard waits to be claimed: small jobs and `/predict` never wait behind bulk work."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class JobKind(StrEnum):
    """A `batch` is submitted and listed; a `predict` is one image whose client waits, kept an hour and not listed."""

    BATCH = "batch"
    PREDICT = "predict"


class Explain(StrEnum):
    """How far predictions are explained. CAM: each has a CAM. FULL: the faithfulness of each CAM is measured too."""

    CAM = "cam"
    FULL = "full"

    @property
    def cost(self) -> int:
        """Classifications per image: one, and for FULL those that `model.explanation.faithfulness` needs as well."""
        return 17 if self == Explain.FULL else 1


class JobState(StrEnum):
    """The state of a job.

    QUEUED: accepted or retried; no shard is claimed yet. RUNNING: at least one shard was claimed.
    The transaction that closes the last open shard ends the job: SUCCEEDED (no image failed), PARTIALLY_SUCCEEDED
    (some failed), FAILED (all failed) or CANCELLED (a client cancelled it). EXPIRED is reserved for deadlines.
    """

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIALLY_SUCCEEDED = "partially_succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def ended(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class ShardState(StrEnum):
    """The state of a shard.

    QUEUED: a worker may claim it. RUNNING: a worker holds its lease. DONE: its items are committed.
    CANCELLED: closed without all its items. A RUNNING shard whose lease ends without a commit (a crash, an expired
    lease, a release) becomes QUEUED again.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class ItemState(StrEnum):
    """The state of an item, which is inserted once, when its shard is done: a prediction, or an error with a code."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ItemErrorCode(StrEnum):
    """Why an image has no prediction. Codes are stable: the database stores them and the API returns them."""

    EMPTY_FILE = "empty_file"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_IMAGE = "unsupported_image"
    ANIMATED_IMAGE = "animated_image"
    TRUNCATED_IMAGE = "truncated_image"
    TOO_MANY_PIXELS = "too_many_pixels"
    IMAGE_TOO_LARGE = "image_too_large"
    CRASHED_WORKER = "crashed_worker"
    OBJECT_MISSING = "object_missing"
    OBJECT_CORRUPT = "object_corrupt"

    @property
    def is_server_fault(self) -> bool:
        """Whether the server, not the image, is to blame."""
        return self in (ItemErrorCode.CRASHED_WORKER, ItemErrorCode.OBJECT_MISSING, ItemErrorCode.OBJECT_CORRUPT)

    @property
    def original_is_stored(self) -> bool:
        """Whether object storage still holds the image's bytes as they were uploaded."""
        return self not in (
            ItemErrorCode.IMAGE_TOO_LARGE,
            ItemErrorCode.OBJECT_MISSING,
            ItemErrorCode.OBJECT_CORRUPT,
        )


class ArchiveState(StrEnum):
    """The state of an archive: QUEUED (requested), RUNNING (leased by a builder), READY or FAILED."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class Scope(StrEnum):
    """What a key permits; write access does not imply read access."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    ADMIN = "admin"
