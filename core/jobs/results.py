"""What a worker found out: about an image, and about a shard of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.db.tables import Score, Shard
from core.states import ShardState


@dataclass(frozen=True)
class Outcome:
    """What a worker found out about one image; `error_code` is set where there is no prediction."""

    index: int
    name: str
    sha256: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    label: str | None = None
    confidence: float | None = None
    top_k: list[Score] | None = None
    cam: bytes | None = None
    cam_height: int | None = None
    cam_width: int | None = None
    faithfulness: float | None = None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True)
class Finished:
    """A leased shard and what its images became. One that has none, nobody wants any more: it has no item."""

    shard: Shard
    outcomes: Sequence[Outcome]

    @property
    def moves(self) -> dict[str, int]:
        """What its commit adds to the job's counters."""
        failed = sum(outcome.error_code is not None for outcome in self.outcomes)
        known = len(self.outcomes)
        count = self.shard.count
        return {"running": -count, "succeeded": known - failed, "failed": failed, "cancelled": count - known}

    @property
    def end(self) -> ShardState:
        return ShardState.DONE if len(self.outcomes) == self.shard.count else ShardState.CANCELLED
