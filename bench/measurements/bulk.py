"""Whole jobs, from the submit over HTTP to the last committed item."""

import time
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from bench.harness.bench_harness import Ground
from bench.harness.results import Findings, paired
from bench.harness.stack import UNDURABLE, BenchError, BenchStack
from bench.measurements.ceiling import ceiling


def bulk_rate(stack: BenchStack, zipped: Path) -> float:
    """Images/s from the moment the request is sent to the moment the last item is committed; the job is deleted."""
    started_s = time.time()
    job = stack.ended(stack.submit(zipped))
    duration_s = datetime.fromisoformat(job["ended_at"]).timestamp() - started_s
    if job["state"] != "succeeded":
        raise BenchError(f"A job ended as {job['state']}: {job['counts']}")
    stack.delete(job)
    return float(job["counts"]["total"]) / duration_s


def bulk_efficiency(ground: Ground) -> Findings:
    """The whole path against bare decoding and inference on the same cores."""
    images = ground.sizes.bulk_images
    with ceiling(ground) as bare:
        found = paired(
            lambda: bulk_rate(ground.stack, ground.small_zip(images)),
            lambda: bare.rate(images),
            pairs=ground.sizes.pairs,
            names=("bulk_images_per_s", "ceiling_images_per_s"),
        )
        ground.say(f"the ceiling's best batch: {bare.batch_size}")
    return {"bulk_efficiency": found}


def fsync_cost(ground: Ground) -> Findings:
    """The stack as it ships against one whose files and Postgres never wait for the disk."""
    zipped = ground.small_zip(ground.sizes.bulk_images)
    with ground.another_stack(variant="no_sync", postgres=UNDURABLE) as careless:
        found = paired(
            lambda: bulk_rate(ground.stack, zipped),
            lambda: bulk_rate(careless, zipped),
            pairs=ground.sizes.pairs,
            names=("durable_images_per_s", "careless_images_per_s"),
        )
    return {"fsync_cost": found}


def two_workers(ground: Ground) -> Findings:
    """Two bulk processes against one, the job waiting for them before they go."""
    zipped = ground.small_zip(ground.sizes.queued_images)
    has_two = ground.stack.plan.workers == 2
    with (
        nullcontext(ground.stack) if has_two else ground.another_stack(workers=2) as two,
        ground.another_stack(workers=1) as one,
    ):
        found = paired(
            lambda: _rate_of_queued(two, zipped),
            lambda: _rate_of_queued(one, zipped),
            pairs=ground.sizes.pairs,
            names=("two_images_per_s", "one_images_per_s"),
        )
    return {"two_workers": found}


def photo_gain(ground: Ground) -> Findings:
    """Photographs through the stack as it ships against one that decodes every JPEG in full."""
    zipped = ground.photo_zip(ground.sizes.photos)
    with ground.another_stack(variant="full_decode") as full:
        found = paired(
            lambda: bulk_rate(ground.stack, zipped),
            lambda: bulk_rate(full, zipped),
            pairs=ground.sizes.pairs,
            names=("photos_per_s", "full_decode_photos_per_s"),
        )
    return {"photo_gain": found}


def _rate_of_queued(stack: BenchStack, zipped: Path) -> float:
    with stack.bulk_frozen():
        job = stack.submit(zipped)
        started_s = time.time()
    ended = stack.ended(job)
    stack.delete(job)
    return float(ended["counts"]["total"]) / (datetime.fromisoformat(ended["ended_at"]).timestamp() - started_s)
