"""Resident memory of a stack's processes, and its peak while something runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.harness.stack import BenchStack

MIB = 1024 * 1024
SAMPLE_INTERVAL_S = 0.02
JOIN_TIMEOUT_S = 5.0


class Peak:
    """The largest of all samples so far."""

    def __init__(self, read_mib: Callable[[], float]) -> None:
        self._read_mib = read_mib
        self.highest_mib = read_mib()

    def sample(self) -> None:
        """Take one sample."""
        self.highest_mib = max(self.highest_mib, self._read_mib())


@contextmanager
def sampled_peak(read_mib: Callable[[], float]) -> Iterator[Peak]:
    """Sample `read_mib` every 20 ms during the block."""
    peak, done = Peak(read_mib), threading.Event()

    def sample_until_done() -> None:
        while not done.wait(SAMPLE_INTERVAL_S):
            peak.sample()

    sampler = threading.Thread(target=sample_until_done, name="memory-sampler", daemon=True)
    sampler.start()
    try:
        yield peak
    finally:
        done.set()
        sampler.join(JOIN_TIMEOUT_S)


def worker_memory_mib(stack: BenchStack) -> dict[int, float]:
    """Return the resident memory of every bulk process in MiB, by process id."""
    return {process.pid: process.memory_info().rss / MIB for process in stack.bulk_processes()}


def api_memory_reader(stack: BenchStack) -> Callable[[], float]:
    """Return a function that reads the API's resident memory in MiB."""
    process = stack.process("api")
    return lambda: float(process.memory_info().rss / MIB)
