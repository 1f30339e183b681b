"""Small shards of several callers in the same batches.

A batch of sixteen images takes a fraction of sixteen single inferences, and a claim and a commit of sixteen shards
little more than those of one. Each keeps its lease: one that is lost, cancelled or damaged changes nothing for others.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from core.db.tables import Job
from core.failpoints import Point, failpoint
from core.jobs.results import InferenceResult
from core.objects.shard_format import ShardReader
from core.objects.storage import Storage
from worker.inference.decoding import Image, decode_batch, pixels_of
from worker.inference.pipeline import Work, opened, outcomes_of


def infer_company(works: Sequence[Work], storage: Storage, *, check: Callable[[], None]) -> list[list[InferenceResult]]:
    """The outcomes of each shard; all ask the same of one model, CAMs alone, and are tried for the first time.

    `check` raises, between two shards or batches, what ends the work.
    """
    outcomes: list[list[InferenceResult]] = [[] for _ in works]
    images: list[Image] = []
    places: list[int] = []
    """For each image that of its shard among the company."""
    for place, work in enumerate(works):
        check()
        with ExitStack() as stack:
            if not _wanted(work.job):
                continue
            reader = opened(work.shard, storage, stack)
            if isinstance(reader, ShardReader):
                images += decode_batch(work.shard, reader, work.shard.positions, work.size)
                places += [place] * work.shard.count
            else:
                outcomes[place] = reader
    for place, outcome in zip(places, _infer(works[0], images, check=check), strict=True):
        outcomes[place].append(outcome)
    return outcomes


def _infer(any_work: Work, images: Sequence[Image], *, check: Callable[[], None]) -> list[InferenceResult]:
    outcomes: list[InferenceResult] = []
    for start in range(0, len(images), any_work.engine.batch_size):
        check()
        batch = images[start : start + any_work.engine.batch_size]
        inference = any_work.engine.infer(pixels_of(batch, any_work.size))
        outcomes += outcomes_of(any_work, batch, inference, wanted=lambda: True)
        failpoint(Point.BATCH_INFERRED)
    return outcomes


def _wanted(job: Job) -> bool:
    """As it was claimed; a company is done sooner than anybody could ask again."""
    return job.cancel_requested_at is None and job.purged_at is None
