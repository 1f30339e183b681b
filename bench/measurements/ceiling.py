"""The ceiling: nothing but decoding and inference, one process a core, the best of three batch sizes."""

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from bench.harness.bench_harness import Ground
from bench.harness.corpus import small_images
from model.artifact import read_artifact
from model.decode import decode
from model.engines.interface import Engine
from model.engines.load import load_engine

BATCHES = (16, 32, 64)
CORES = os.cpu_count() or 1


class Ceiling:
    """Processes that hold the images and the loaded model, idle until asked."""

    def __init__(self, pool: ProcessPoolExecutor, artifact: Path) -> None:
        self._pool = pool
        self._artifact = artifact
        self.batch_size = BATCHES[0]

    def choose_batch(self, images: int) -> None:
        """Fixes the batch size at the best of all, measured over so many images each."""
        rates = {size: self.rate(images, batch_size=size) for _ in range(2) for size in BATCHES}
        self.batch_size = max(rates, key=lambda size: rates[size])

    def rate(self, images: int, *, batch_size: int | None = None) -> float:
        """Images/s of all processes together."""
        share = images // CORES
        started_s = time.perf_counter()
        parts = [
            self._pool.submit(classify, self._artifact, images=share, batch_size=batch_size or self.batch_size)
            for _ in range(CORES)
        ]
        done = sum(part.result() for part in parts)
        return done / (time.perf_counter() - started_s)


@contextmanager
def ceiling(ground: Ground) -> Iterator[Ceiling]:
    """Started, warm and with its batch size chosen."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(CORES, mp_context=context) as pool:
        processes = Ceiling(pool, ground.artifact.path)
        processes.choose_batch(max(CORES * max(BATCHES), ground.sizes.bulk_images // 5))
        yield processes


def classify(artifact: Path, *, images: int, batch_size: int) -> int:
    """Decodes and infers so many images as plainly as can be; returns how many there were."""
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
