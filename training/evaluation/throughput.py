"""Throughput of several models, measured in alternation so that other load on the machine slows all alike."""

import statistics
import time
from collections.abc import Sequence

import numpy as np

from model.arrays import Images
from model.artifact import Artifact
from model.engines.interface import Engine
from model.engines.load import load_engine

REPETITIONS = 9
BATCH_SIZE = 16
REPETITION_S = 0.3


def measure_throughputs(artifacts: Sequence[Artifact], *, precision: str, threads: int = 1) -> list[float]:
    """Return images/s of each artifact with ONNX Runtime, the median of `REPETITIONS`. Raises ArtifactError."""
    engines = [load_engine(one, precision=precision, engine="onnx", threads=threads) for one in artifacts]
    batches = [_noise(one) for one in artifacts]
    for engine in engines:
        engine.warm_up()
    measured = [
        [_images_per_s(engine, batch) for engine, batch in zip(engines, batches, strict=True)]
        for _ in range(REPETITIONS)
    ]
    return [statistics.median(column) for column in zip(*measured, strict=True)]


def _images_per_s(engine: Engine, images: Images) -> float:
    done, started_s = 0, time.perf_counter()
    while (elapsed_s := time.perf_counter() - started_s) < REPETITION_S:
        engine.infer(images)
        done += len(images)
    return done / elapsed_s


def _noise(artifact: Artifact) -> Images:
    size = artifact.manifest.input
    return np.random.default_rng(0).integers(0, 256, (BATCH_SIZE, size.height, size.width, 3), np.uint8)
