"""Micro-batches: small shards of several jobs inferred in the same batches.

A batch of sixteen images takes a fraction of the time of sixteen single inferences, and one claim and one commit of
sixteen shards little more than those of one. Each shard keeps its lease. A lost lease, a cancelled job or a damaged
object affects only its own shard; an I/O error ends the attempt of all.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from core.db.tables import Job
from core.failpoints import Point, failpoint
from core.jobs.items import InferenceResult
from core.objects.shard_format import ShardReader
from core.objects.storage import Storage
from worker.inference.decoding import Image, decode_batch, pixels_of
from worker.inference.pipeline import Check, Work, open_shard, results_of


def infer_micro_batch(works: Sequence[Work], storage: Storage, *, check: Check) -> list[list[InferenceResult]]:
    """Return the results of each shard; all ask for the same model with the same options, and for CAMs alone.

    `check` is called between two shards and between two batches, and raises what ends the work.
    """
    results: list[list[InferenceResult]] = [[] for _ in works]
    images: list[Image] = []
    shard_numbers: list[int] = []
    """For each image the number of its shard."""
    for number, work in enumerate(works):
        check()
        with ExitStack() as stack:
            if _is_cancelled(work.job):
                continue
            reader = open_shard(work.shard, storage, stack)
            if isinstance(reader, ShardReader):
                images += decode_batch(work.shard, reader, work.shard.positions, work.input)
                shard_numbers += [number] * work.shard.count
            else:
                results[number] = reader
    for number, result in zip(shard_numbers, _infer(works[0], images, check=check), strict=True):
        results[number].append(result)
    return results


def _infer(any_work: Work, images: Sequence[Image], *, check: Check) -> list[InferenceResult]:
    results: list[InferenceResult] = []
    for start in range(0, len(images), any_work.engine.batch_size):
        check()
        batch = images[start : start + any_work.engine.batch_size]
        inference = any_work.engine.infer(pixels_of(batch, any_work.input))
        results += results_of(any_work, batch, inference, check=check)
        failpoint(Point.BATCH_INFERRED)
    return results


def _is_cancelled(job: Job) -> bool:
    """Read the job as it was at the claim: a query would cost more time than it could save."""
    return job.cancel_requested_at is not None or job.purged_at is not None
