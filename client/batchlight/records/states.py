"""The closed sets of values in the API's responses.

A later server may send a value that this version does not list. The value is kept as it was sent: it equals its text,
and `job.state == "paused"` works without an update of the client.
"""

from enum import StrEnum
from typing import Literal, Self

Explain = Literal["cam", "full"]
"""`cam`: every prediction has its Grad-CAM. `full`: the faithfulness of every Grad-CAM is measured too."""

ItemStateName = Literal["succeeded", "failed"]
"""The item states as text, for filtering a list of items."""


class _OpenEnum(StrEnum):
    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """A member for a text that this version does not list."""
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member


class JobState(_OpenEnum):
    """State of a job.

    `queued`: accepted or retried, not started yet. `running`: at least one shard has started. The other states are
    final until a retry: `succeeded` (every image has a prediction), `partially_succeeded` (some images failed),
    `failed` (every image failed), `cancelled` (on request) and `expired` (its deadline passed).
    """

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIALLY_SUCCEEDED = "partially_succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class ItemState(_OpenEnum):
    """State of an item: `succeeded` with a prediction, or `failed` with an error."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class JobKind(_OpenEnum):
    """Kind of a job: `batch` for submitted jobs, `predict` for a single image sent to `/predict`."""

    BATCH = "batch"
    PREDICT = "predict"


class Queue(_OpenEnum):
    """Queue that a job runs in: `interactive` for small jobs and `/predict`, `bulk` for large jobs."""

    INTERACTIVE = "interactive"
    BULK = "bulk"
