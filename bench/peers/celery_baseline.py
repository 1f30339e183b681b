"""The usual Celery code, its own worker with as many processes as there are cores, on a Redis of its own."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery, group

from bench.harness.bench_harness import Ground
from bench.harness.corpus import small_images
from bench.harness.programs import supervised
from bench.harness.results import Findings, ratio
from bench.harness.stack import PATIENCE_S
from bench.measurements.bulk import bulk_rate
from ops.supervisor import Program
from servers.redis import redis_server

TASK = "usual.classify"
CORES = os.cpu_count() or 1


def bulk_vs_usual(ground: Ground) -> Findings:
    """Both from the submit to the last result; the usual code gets its images in memory, with no upload to receive."""
    sizes = ground.sizes
    each = -(-sizes.usual_images // sizes.pairs)
    zipped = ground.small_zip(sizes.bulk_images)
    ours, theirs = [], []
    bulk_rate(ground.stack, zipped)
    with usual_worker(ground) as app:
        usual_rate(app, images=4 * CORES)
        for _ in range(sizes.pairs):
            ours.append(bulk_rate(ground.stack, zipped))
            theirs.append(usual_rate(app, images=each))
    return {"bulk_vs_usual": ratio(ours, theirs, names=("bulk_images_per_s", "usual_images_per_s"))}


def usual_rate(app: Celery, *, images: int) -> float:
    """Images/s of so many tasks sent at once."""
    started_s = time.perf_counter()
    results = group(app.signature(TASK, (data,)) for data in small_images(images)).apply_async()
    results.get(timeout=PATIENCE_S)
    return images / (time.perf_counter() - started_s)


@contextmanager
def usual_worker(ground: Ground) -> Iterator[Celery]:
    """A producer whose worker is up."""
    with redis_server() as redis:
        app = Celery("usual", broker=redis.url, backend=redis.url, set_as_current=False)
        app.conf.update(accept_content=["pickle", "json"], task_serializer="pickle")
        command = (
            sys.executable,
            "-m",
            "celery",
            "-A",
            "bench.peers.celery_baseline_app",
            "worker",
            "--loglevel=WARNING",
        )
        environment = {"CELERY_BROKER_URL": redis.url, "CELERY_RESULT_BACKEND": redis.url, "C_FORCE_ROOT": "1"}
        with supervised(ground, Program("usual", command, environment), ready=lambda: bool(app.control.ping())):
            yield app
