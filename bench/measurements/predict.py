"""One image at a time: `/predict` against the model in a web server's own process, idle and under bulk load."""

import statistics
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from bench.harness.bench_harness import Ground
from bench.harness.corpus import small_images
from bench.harness.load import Call, send_all
from bench.harness.programs import running
from bench.harness.results import Findings, paired, ratio
from bench.harness.stack import BenchStack
from ops.ports import LOOPBACK, free_port
from ops.supervisor import Program

BOUNDARY = "batchlight-bench"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
JOBS_AHEAD = 2
"""Bulk jobs in the queue during the measurement under load, so that no worker ever idles."""


def predict_p50_ratio(ground: Ground) -> Findings:
    """One client, one image after another."""
    bodies = [form(data) for data in small_images(ground.sizes.predicts)]
    port = free_port()
    server = (
        "uvicorn",
        "--factory",
        "bench.peers.fastapi_inprocess:create_app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    )
    command = (sys.executable, "-m", *server)
    with running(ground, Program("inprocess", command), port=port):
        theirs = Call(f"http://{LOOPBACK}:{port}/predict", FORM)
        found = paired(
            lambda: p50_ms(predict_call(ground.stack), bodies),
            lambda: p50_ms(theirs, bodies),
            pairs=ground.sizes.pairs,
            names=("predict_p50_ms", "in_process_p50_ms"),
        )
    return {"predict_p50_ratio": found}


def predict_p99_loaded_ratio(ground: Ground) -> Findings:
    """One client, alone at first, then while bulk jobs keep every worker busy."""
    bodies = [form(data) for data in small_images(ground.sizes.loaded_predicts)]
    call = predict_call(ground.stack)
    p99_ms(call, bodies[:20])
    idle = [p99_ms(call, bodies) for _ in range(ground.sizes.pairs)]
    with bulk_load(ground):
        loaded = [p99_ms(call, bodies) for _ in range(ground.sizes.pairs)]
    return {"predict_p99_loaded_ratio": ratio(loaded, idle, names=("loaded_p99_ms", "idle_p99_ms"))}


@contextmanager
def bulk_load(ground: Ground) -> Iterator[None]:
    """Bulk jobs without end while the block runs."""
    stack, zipped = ground.stack, ground.small_zip(ground.sizes.queued_images)
    done = threading.Event()
    waiting = [stack.submit(zipped) for _ in range(JOBS_AHEAD)]

    def feed() -> None:
        while not done.is_set():
            job = waiting.pop(0)
            stack.delete(stack.ended(job))
            waiting.append(stack.submit(zipped))

    with ThreadPoolExecutor(1, thread_name_prefix="bulk-load") as pool:
        feeding = pool.submit(feed)
        try:
            yield
        finally:
            done.set()
    feeding.result()
    for job in waiting:
        stack.delete(job)


def predict_call(stack: BenchStack) -> Call:
    return Call(f"{stack.plan.address}/predict", FORM, f"Authorization: Bearer {stack.key}\r\n")


def form(data: bytes, *, field: str = "file") -> bytes:
    """A multipart body with one PNG."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="image.png"\r\n'
    return f"{head}Content-Type: image/png\r\n\r\n".encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def p50_ms(call: Call, bodies: list[bytes]) -> float:
    return statistics.median(send_all(call, bodies, clients=1)) * 1000


def p99_ms(call: Call, bodies: list[bytes]) -> float:
    """The nearest rank: the time that 99 of 100 answers keep within."""
    durations_s = sorted(send_all(call, bodies, clients=1))
    return durations_s[max(0, -(-len(durations_s) * 99 // 100) - 1)] * 1000
