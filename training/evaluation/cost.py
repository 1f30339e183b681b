"""What a served model costs: time for an image, bytes on the disk."""

import time
from statistics import median

import numpy as np

from model.artifact import Artifact
from model.engines.interface import Engine
from model.engines.processor import processor_name
from training.findings import Cost

MEGABYTE = 1_000_000
BATCHES = 40


def measure_cost(engine: Engine, artifact: Artifact, *, precision: str, threads: int, batch_size: int) -> Cost:
    """Time an engine that was loaded with these threads and this batch size; random pixels cost what pictures do."""
    contract = artifact.manifest.input
    dice = np.random.default_rng(0)
    images = dice.integers(0, 256, (batch_size, contract.height, contract.width, 3), np.uint8)
    engine.warm_up()
    batch_s, single_s = (median(_times(engine, batch)) for batch in (images, images[:1]))
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


def _times(engine: Engine, images: np.ndarray) -> list[float]:
    spent = []
    for _ in range(BATCHES):
        began_s = time.perf_counter()
        engine.infer(images)
        spent.append(time.perf_counter() - began_s)
    return spent
