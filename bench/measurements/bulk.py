"""Whole bulk jobs, from the HTTP request to the last committed item."""

import time
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.harness.bench_harness import BenchHarness
from bench.harness.results import Results, paired_ratio
from bench.harness.stack import UNDURABLE, BenchError, BenchStack
from bench.measurements.ceiling import running_ceiling


def bulk_rate(stack: BenchStack, zip_file: Path) -> float:
    """Return images/s of one job, from sending its request to the commit of its last item; the job is deleted."""
    started_s = time.time()
    job = stack.wait_for(stack.submit(zip_file))
    if job["state"] != "succeeded":
        raise BenchError(f"Job {job['id']} ended as {job['state']} instead of succeeded. Its images: {job['counts']}")
    stack.delete(job)
    return _images_per_s(job, started_s)


def bulk_efficiency(harness: BenchHarness) -> Results:
    """Measure the whole path against decoding and inference alone, on the same cores."""
    images = harness.sizes.bulk_images
    with running_ceiling(harness) as ceiling:
        efficiency = paired_ratio(
            lambda: bulk_rate(harness.stack, harness.small_zip(images)),
            lambda: ceiling.rate(images),
            pairs=harness.sizes.pairs,
            names=("bulk_images_per_s", "ceiling_images_per_s"),
        )
        harness.report(f"  the ceiling's fastest batch size: {ceiling.batch_size}")
    return {"bulk_efficiency": efficiency}


def fsync_speed_ratio(harness: BenchHarness) -> Results:
    """Measure a stack with the default settings against one whose files and Postgres never wait for the disk."""
    zip_file = harness.small_zip(harness.sizes.bulk_images)
    with harness.another_stack(variant="no_sync", postgres=UNDURABLE) as undurable:
        speed_ratio = paired_ratio(
            lambda: bulk_rate(harness.stack, zip_file),
            lambda: bulk_rate(undurable, zip_file),
            pairs=harness.sizes.pairs,
            names=("with_fsync_images_per_s", "without_fsync_images_per_s"),
        )
    return {"fsync_speed_ratio": speed_ratio}


def two_workers(harness: BenchHarness) -> Results:
    """Measure two bulk processes against one; the job is queued before they start on it."""
    zip_file = harness.small_zip(harness.sizes.queued_images)
    has_two = harness.stack.plan.workers == 2
    with (
        nullcontext(harness.stack) if has_two else harness.another_stack(workers=2) as two,
        harness.another_stack(workers=1) as one,
    ):
        speed_ratio = paired_ratio(
            lambda: _queued_rate(two, zip_file),
            lambda: _queued_rate(one, zip_file),
            pairs=harness.sizes.pairs,
            names=("two_images_per_s", "one_images_per_s"),
        )
    return {"two_workers": speed_ratio}


def photo_gain(harness: BenchHarness) -> Results:
    """Measure photographs on a stack with the default settings against one that decodes every JPEG in full."""
    zip_file = harness.photo_zip(harness.sizes.photos)
    with harness.another_stack(variant="full_decode") as full:
        gain = paired_ratio(
            lambda: bulk_rate(harness.stack, zip_file),
            lambda: bulk_rate(full, zip_file),
            pairs=harness.sizes.pairs,
            names=("photos_per_s", "full_decode_photos_per_s"),
        )
    return {"photo_gain": gain}


def _queued_rate(stack: BenchStack, zip_file: Path) -> float:
    """Images/s of a job from the moment when the paused bulk workers go on."""
    with stack.bulk_workers_paused():
        job = stack.submit(zip_file)
        started_s = time.time()
    ended = stack.wait_for(job)
    stack.delete(job)
    return _images_per_s(ended, started_s)


def _images_per_s(job: Mapping[str, Any], started_s: float) -> float:
    return float(job["counts"]["total"]) / (datetime.fromisoformat(job["ended_at"]).timestamp() - started_s)
