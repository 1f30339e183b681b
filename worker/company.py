"""Small shards of several callers in the same batches.

A batch of sixteen images takes a fraction of sixteen single inferences, and a claim and a commit of sixteen shards
little more than those of one. Each keeps its lease: one that is lost, cancelled or damaged changes nothing for others.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from core.failpoints import Point, failpoint
from core.outcomes import Outcome
from core.storage import Storage
from core.tables import Job
from model.decode import Decoded
from worker.pipeline import Image, Row, Work, decode_batch, inferred, opened, outcome

Placed = tuple[int, Image]
"""An image and the place of its shard among the company."""


def infer_company(works: Sequence[Work], storage: Storage, *, batch_size: int) -> list[list[Outcome]]:
    """The outcomes of each shard; all ask the same of one model, CAMs alone, and have never crashed."""
    outcomes: list[list[Outcome]] = [[] for _ in works]
    images: list[Placed] = []
    for place, work in enumerate(works):
        with ExitStack() as stack:
            if not _wanted(work.job):
                continue
            reader = opened(work, storage, stack)
            if isinstance(reader, list):
                outcomes[place] = reader
            else:
                images += [(place, image) for image in decode_batch(work, reader, work.shard.positions)]
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        rows = _rows(works[0], batch)
        for place, image in batch:
            outcomes[place].append(outcome(image, rows))
        failpoint(Point.BATCH_INFERRED)
    return outcomes


def _rows(work: Work, batch: Sequence[Placed]) -> Iterator[Row]:
    decoded = [image.decoded for _, image in batch if isinstance(image.decoded, Decoded)]
    return inferred(work, decoded, wanted=lambda: True)


def _wanted(job: Job) -> bool:
    """As it was claimed; a company is done sooner than anybody could ask again."""
    return job.cancel_requested_at is None and job.purged_at is None
