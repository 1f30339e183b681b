"""Latency of `/predict`, idle and under bulk load, against FastAPI with the model in its own process."""

import statistics
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from bench.harness.bench_harness import BenchHarness
from bench.harness.corpus import small_images
from bench.harness.load_generator import Endpoint, response_times_s
from bench.harness.multipart import MULTIPART_TYPE, multipart_body
from bench.harness.programs import listening
from bench.harness.results import Results, paired_ratio, ratio
from bench.harness.stack import BenchStack
from ops.ports import LOOPBACK, free_port
from ops.supervisor import Program

IN_PROCESS_APP = "bench.baselines.fastapi_app:create_app"
WARM_UP_REQUESTS = 20
JOBS_IN_QUEUE = 2
"""Bulk jobs in the queue during the measurement under load, so that no bulk worker is ever idle."""


def predict_p50_ratio(harness: BenchHarness) -> Results:
    """Measure the median response time of one client, which sends one image after another."""
    bodies = [multipart_body(data) for data in small_images(harness.sizes.predict_requests)]
    port = free_port()
    arguments = ("--factory", IN_PROCESS_APP, "--port", str(port), "--log-level", "warning")
    program = Program("fastapi-in-process", (sys.executable, "-m", "uvicorn", *arguments))
    with listening(harness, program, port=port):
        in_process = Endpoint(f"http://{LOOPBACK}:{port}/predict", MULTIPART_TYPE)
        p50_ratio = paired_ratio(
            lambda: p50_ms(predict_endpoint(harness.stack), bodies),
            lambda: p50_ms(in_process, bodies),
            pairs=harness.sizes.pairs,
            names=("predict_p50_ms", "in_process_p50_ms"),
        )
    return {"predict_p50_ratio": p50_ratio}


def predict_p99_loaded_ratio(harness: BenchHarness) -> Results:
    """Measure one client's 99th percentile while bulk jobs keep every worker busy, against that of an idle stack."""
    bodies = [multipart_body(data) for data in small_images(harness.sizes.loaded_predict_requests)]
    endpoint = predict_endpoint(harness.stack)
    p99_ms(endpoint, bodies[:WARM_UP_REQUESTS])
    idle = [p99_ms(endpoint, bodies) for _ in range(harness.sizes.pairs)]
    with bulk_load(harness):
        loaded = [p99_ms(endpoint, bodies) for _ in range(harness.sizes.pairs)]
    return {"predict_p99_loaded_ratio": ratio(loaded, idle, names=("loaded_p99_ms", "idle_p99_ms"))}


@contextmanager
def bulk_load(harness: BenchHarness) -> Iterator[None]:
    """Keep the bulk workers busy during the block: submit a job whenever one ends."""
    stack, zip_file = harness.stack, harness.small_zip(harness.sizes.queued_images)
    done = threading.Event()
    queued = [stack.submit(zip_file) for _ in range(JOBS_IN_QUEUE)]

    def replace_ended_jobs() -> None:
        while not done.is_set():
            job = queued.pop(0)
            stack.delete(stack.wait_for(job))
            queued.append(stack.submit(zip_file))

    with ThreadPoolExecutor(1, thread_name_prefix="bulk-load") as pool:
        submitter = pool.submit(replace_ended_jobs)
        try:
            yield
        finally:
            done.set()
    submitter.result()
    for job in queued:
        stack.delete(job)


def predict_endpoint(stack: BenchStack) -> Endpoint:
    """Return the stack's `/predict` with its API key."""
    return Endpoint(f"{stack.plan.address}/predict", MULTIPART_TYPE, f"Authorization: Bearer {stack.key}\r\n")


def p50_ms(endpoint: Endpoint, bodies: list[bytes]) -> float:
    """Return the median response time of one client in milliseconds."""
    return statistics.median(response_times_s(endpoint, bodies, clients=1)) * 1000


def p99_ms(endpoint: Endpoint, bodies: list[bytes]) -> float:
    """Return the 99th percentile (nearest rank) of one client's response times in milliseconds."""
    durations_s = sorted(response_times_s(endpoint, bodies, clients=1))
    return durations_s[max(0, -(-len(durations_s) * 99 // 100) - 1)] * 1000
