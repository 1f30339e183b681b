"""The states of jobs, shards and items, and what moves them; and the few values of lanes, kinds and options."""

from enum import StrEnum


class Lane(StrEnum):
    """Where a shard queues: small jobs and `/predict` never wait behind bulk work."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class JobKind(StrEnum):
    """A `batch` is submitted and listed; a `predict` is one waited-for image, kept an hour and not listed."""

    BATCH = "batch"
    PREDICT = "predict"


class Explain(StrEnum):
    """How far a job's predictions are explained. CAM: each has one. FULL: each CAM's faithfulness is measured too."""

    CAM = "cam"
    FULL = "full"

    @property
    def cost(self) -> int:
        """Classifications an image takes: its own, and for FULL those of model.explanation.faithfulness."""
        return 17 if self == Explain.FULL else 1


class JobState(StrEnum):
    """QUEUED: accepted, or retried, no shard claimed yet. RUNNING: at least one shard was claimed.

    Who closes the last open shard ends the job: SUCCEEDED (no image failed), PARTIALLY_SUCCEEDED (some did),
    FAILED (all did), CANCELLED (a client asked) or EXPIRED (its deadline passed; jobs have none yet).
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
    """QUEUED: may be claimed. RUNNING: leased. DONE: its items are committed. CANCELLED: closed without all items.

    A lease that ends without DONE (crash, expiry, release) makes a RUNNING shard QUEUED again.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class ItemState(StrEnum):
    """An item is written once, when its shard is done: with a prediction, or with an error code."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ArchiveState(StrEnum):
    """QUEUED: asked for. RUNNING: leased by a builder. READY: its object is complete. FAILED: given up."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class Scope(StrEnum):
    """What a key may do; writing does not imply reading."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    ADMIN = "admin"
