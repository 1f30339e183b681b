"""What grows with a job: the time an image takes, and the memory of the processes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from bench.harness.bench_harness import Ground
from bench.harness.results import Findings, Measured, ratio
from bench.harness.stack import BenchError, BenchStack
from bench.measurements.bulk import bulk_rate

MIB = 1024 * 1024
LOOK_EVERY_S = 0.02
JOIN_WAIT_S = 5.0


class Peak:
    """The largest of all readings taken so far."""

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read
        self.highest = read()

    def look(self) -> None:
        self.highest = max(self.highest, self._read())


@contextmanager
def watched(read: Callable[[], float]) -> Iterator[Peak]:
    """Takes a reading every 20 ms while the block runs."""
    peak, done = Peak(read), threading.Event()

    def look() -> None:
        while not done.wait(LOOK_EVERY_S):
            peak.look()

    watcher = threading.Thread(target=look, name="memory", daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join(JOIN_WAIT_S)


def growth(ground: Ground) -> Findings:
    """Short jobs, then a long one: what an image costs in each, and what a worker's process weighs before and after."""
    stack, sizes = ground.stack, ground.sizes
    for _ in range(2):
        bulk_rate(stack, ground.small_zip(sizes.bulk_images))
    short = [bulk_rate(stack, ground.small_zip(sizes.short_images)) for _ in range(max(sizes.pairs, 2))]
    before = rss_mib(stack)
    with watched(lambda: max(rss_mib(stack).values())) as peak:
        long = bulk_rate(stack, ground.small_zip(sizes.long_images))
    after = rss_mib(stack)
    grown = [after[pid] / before[pid] - 1 for pid in before.keys() & after.keys()]
    if not grown:
        raise BenchError("Every bulk process was replaced during the long job.")
    return {
        "growth_1k_100k": ratio(short, [long] * len(short), names=("short_images_per_s", "long_images_per_s")),
        "worker_rss_mib": Measured([peak.highest], {"before_mib": max(before.values())}),
        "worker_growth": Measured([max(grown)], {"after_mib": max(after.values()), "images": sizes.long_images}),
    }


def rss_mib(stack: BenchStack) -> dict[int, float]:
    """The resident memory of every bulk process, by its id."""
    return {child.pid: child.memory_info().rss / MIB for child in stack.bulk_children()}


def api_memory(stack: BenchStack) -> Callable[[], float]:
    """A reading of the API's resident memory, in MiB."""
    process: psutil.Process = stack.process("api")
    return lambda: process.memory_info().rss / MIB
