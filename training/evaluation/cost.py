"""The cost of serving a model: inference time and size on disk."""

import time
from statistics import median

import numpy as np

from model.arrays import Images
from model.artifact import Artifact
from model.engines.interface import Engine
from model.engines.processor import processor_name
from training.findings import Cost

MEGABYTE = 1_000_000
TIMED_BATCHES = 40


def measure_cost(engine: Engine, artifact: Artifact, *, precision: str, threads: int, batch_size: int) -> Cost:
    """Time an engine, which must have been loaded with these threads and this batch size, on random pixels."""
    contract = artifact.manifest.input
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch_size, contract.height, contract.width, 3), np.uint8)
    engine.warm_up()
    batch_s, single_s = (median(_elapsed_s(engine, batch)) for batch in (images, images[:1]))
    graph = artifact.path / artifact.manifest.precisions[precision].graph
    return Cost(
        cpu=processor_name(),
        threads=threads,
        batch_size=batch_size,
        images_per_s=round(batch_size / batch_s, 1),
        single_ms=round(1000 * single_s, 3),
        graph_mb=round(graph.stat().st_size / MEGABYTE, 2),
        artifact_mb=round(sum(file.stat().st_size for file in artifact.path.iterdir()) / MEGABYTE, 2),
    )


def _elapsed_s(engine: Engine, images: Images) -> list[float]:
    """Return the seconds of each of `TIMED_BATCHES` inferences of these images."""
    elapsed_s = []
    for _ in range(TIMED_BATCHES):
        started_s = time.perf_counter()
        engine.infer(images)
        elapsed_s.append(time.perf_counter() - started_s)
    return elapsed_s
