"""The ceiling of a bulk job: decoding and inference alone, one process a core, at the fastest of three batch sizes."""

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from bench.harness.bench_harness import BenchHarness
from bench.harness.corpus import small_images
from model.artifact import read_artifact
from model.decode import decode
from model.engines.interface import Engine
from model.engines.load import load_engine

BATCH_SIZES = (16, 32, 64)
CORES = os.cpu_count() or 1


class Ceiling:
    """Processes that hold the images and the loaded model, and are idle between measurements."""

    def __init__(self, pool: ProcessPoolExecutor, artifact: Path) -> None:
        self._pool = pool
        self._artifact = artifact
        self.batch_size = BATCH_SIZES[0]

    def choose_batch_size(self, images: int) -> None:
        """Set the batch size to the fastest one, each measured twice over `images` images."""
        rates = {size: self.rate(images, batch_size=size) for _ in range(2) for size in BATCH_SIZES}
        self.batch_size = max(rates, key=lambda size: rates[size])

    def rate(self, images: int, *, batch_size: int | None = None) -> float:
        """Return images/s of all processes in total."""
        share = images // CORES
        started_s = time.perf_counter()
        parts = [
            self._pool.submit(classify, self._artifact, images=share, batch_size=batch_size or self.batch_size)
            for _ in range(CORES)
        ]
        done = sum(part.result() for part in parts)
        return done / (time.perf_counter() - started_s)


@contextmanager
def running_ceiling(harness: BenchHarness) -> Iterator[Ceiling]:
    """Run the ceiling's processes during the block, warm and with the fastest batch size."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(CORES, mp_context=context) as pool:
        ceiling = Ceiling(pool, harness.artifact.path)
        ceiling.choose_batch_size(max(CORES * max(BATCH_SIZES), harness.sizes.bulk_images // 5))
        yield ceiling


def classify(artifact: Path, *, images: int, batch_size: int) -> int:
    """Decode and infer `images` images one batch after another, and return how many there were."""
    engine, size = _engine(artifact, batch_size), read_artifact(artifact).manifest.input
    data = small_images(images)
    for batch in _batches(data, batch_size):
        engine.infer(np.stack([decode(image, height=size.height, width=size.width).pixels for image in batch]))
    return len(data)


@cache
def _engine(artifact: Path, batch_size: int) -> Engine:
    engine = load_engine(read_artifact(artifact), engine="onnx", threads=1, batch_size=batch_size)
    engine.warm_up()
    return engine


def _batches(images: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    return (images[start : start + size] for start in range(0, len(images), size))
