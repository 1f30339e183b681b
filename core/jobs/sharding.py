"""How the images of a stored object become shards: rows of a queue, each with about the same amount of work.

With `explain=full` an image takes 17 classifications, so a shard then stands for fewer images. The time limit of a
shard, the price of a crash and the steps of a job's progress therefore do not depend on the job's options, while an
upload is still stored in few objects.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from typing_extensions import TypedDict

from core.db.tables import Job, Shard
from core.states import Explain, Queue, ShardState


class NewShard(TypedDict):
    """The columns of a queued shard that is about to be inserted."""

    id: str
    job_id: str
    owner: str
    queue: Queue
    run: int
    number: int
    object_key: str
    object_digest: str | None
    first_index: int
    positions: list[int]
    count: int
    state: ShardState
    virtual_time: int
    ready_at: datetime
    attempt: int
    crashes: int
    expiries: int


@dataclass(frozen=True)
class StoredImages:
    """Images of one stored object that wait for inference.

    `positions` are entries of the object; the index of an image in its job is `first_index` + its position.
    """

    object_key: str
    digest: str | None
    first_index: int
    positions: Sequence[int]


def split_positions(positions: Sequence[int], *, explain: Explain, shard_images: int) -> Iterator[list[int]]:
    """Split the positions, in order, into lists of at most `shard_images` classifications; at least one image each."""
    size = max(1, shard_images // explain.cost)
    for start in range(0, len(positions), size):
        yield list(positions[start : start + size])


def new_shards(
    job: Job, stored: Sequence[StoredImages], *, run: int, after: int, ready_at: datetime, shard_images: int
) -> list[NewShard]:
    """Return the shards that stand for these images, queued, in the order of their virtual times.

    `after` is the owner's last virtual time in the queue; each shard follows by the classifications its images take.
    """
    shards: list[NewShard] = []
    virtual_time = after
    for images in stored:
        for positions in split_positions(images.positions, explain=job.explain, shard_images=shard_images):
            virtual_time += len(positions) * job.explain.cost
            shards.append(
                NewShard(
                    id=uuid4().hex, job_id=job.id, owner=job.owner, queue=job.queue, run=run, number=len(shards) + 1,
                    object_key=images.object_key, object_digest=images.digest, first_index=images.first_index,
                    positions=positions, count=len(positions), state=ShardState.QUEUED, virtual_time=virtual_time,
                    ready_at=ready_at, attempt=0, crashes=0, expiries=0,
                )
            )  # fmt: skip
    return shards


def halves(shard: Shard) -> list[NewShard]:
    """Return two queued shards that take the place of this one: same object, number and virtual time, no crash yet."""
    middle = shard.count // 2
    return [
        NewShard(
            id=uuid4().hex, job_id=shard.job_id, owner=shard.owner, queue=shard.queue, run=shard.run,
            number=shard.number, object_key=shard.object_key, object_digest=shard.object_digest,
            first_index=shard.first_index, positions=positions, count=len(positions), state=ShardState.QUEUED,
            virtual_time=shard.virtual_time, ready_at=shard.ready_at, attempt=shard.attempt, crashes=0,
            expiries=shard.expiries,
        )
        for positions in (shard.positions[:middle], shard.positions[middle:])
    ]  # fmt: skip
