"""Bulk jobs against a Celery task per image: a worker of its own with one process a core, on a Redis of its own."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery, group

from bench.harness.bench_harness import BenchHarness
from bench.harness.corpus import small_images
from bench.harness.programs import supervised
from bench.harness.results import Results, ratio
from bench.harness.stack import JOB_TIMEOUT_S
from bench.measurements.bulk import bulk_rate
from ops.supervisor import Program
from servers.redis import redis_server

APP_MODULE = "bench.baselines.celery_app"
TASK = "baseline.classify"
CORES = os.cpu_count() or 1
WARM_UP_IMAGES = 4 * CORES


def bulk_vs_usual(harness: BenchHarness) -> Results:
    """Measure both from the submit to the last result; the baseline gets its images in messages, without an upload."""
    sizes = harness.sizes
    images_per_run = -(-sizes.baseline_images // sizes.pairs)
    zip_file = harness.small_zip(sizes.bulk_images)
    bulk, baseline = [], []
    bulk_rate(harness.stack, zip_file)
    with baseline_worker(harness) as app:
        baseline_rate(app, images=WARM_UP_IMAGES)
        for _ in range(sizes.pairs):
            bulk.append(bulk_rate(harness.stack, zip_file))
            baseline.append(baseline_rate(app, images=images_per_run))
    return {"bulk_vs_usual": ratio(bulk, baseline, names=("bulk_images_per_s", "baseline_images_per_s"))}


def baseline_rate(app: Celery, *, images: int) -> float:
    """Return images/s of `images` tasks that are sent at once."""
    started_s = time.perf_counter()
    results = group(app.signature(TASK, (data,)) for data in small_images(images)).apply_async()
    results.get(timeout=JOB_TIMEOUT_S)
    return images / (time.perf_counter() - started_s)


@contextmanager
def baseline_worker(harness: BenchHarness) -> Iterator[Celery]:
    """Run the baseline's worker during the block, and yield a Celery app that sends tasks to it."""
    with redis_server() as redis:
        app = Celery("baseline", broker=redis.url, backend=redis.url, set_as_current=False)
        app.conf.update(accept_content=["pickle", "json"], task_serializer="pickle")
        command = (sys.executable, "-m", "celery", "-A", APP_MODULE, "worker", "--loglevel=WARNING")
        environment = {"CELERY_BROKER_URL": redis.url, "CELERY_RESULT_BACKEND": redis.url, "C_FORCE_ROOT": "1"}
        program = Program("celery-baseline", command, environment)
        with supervised(harness, program, is_ready=lambda: bool(app.control.ping())):
            yield app
