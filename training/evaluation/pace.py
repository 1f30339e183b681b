"""How fast models infer, measured side by side: in turns, so that whatever else the machine does slows all alike."""

import statistics
import time
from collections.abc import Sequence

import numpy as np

from model.artifact import Artifact
from model.engines.interface import Engine, Images, load_engine

ROUNDS = 9
BATCH = 16
ROUND_S = 0.3


def paces(artifacts: Sequence[Artifact], *, precision: str, threads: int = 1) -> list[float]:
    """Images/s of each artifact's graph with ONNX Runtime, the median of nine rounds. Raises ArtifactError."""
    engines = [load_engine(one, precision=precision, engine="onnx", threads=threads) for one in artifacts]
    batches = [_noise(one) for one in artifacts]
    for engine in engines:
        engine.warm_up()
    rounds = [[_pace(*pair) for pair in zip(engines, batches, strict=True)] for _ in range(ROUNDS)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def _pace(engine: Engine, images: Images) -> float:
    done, began_s = 0, time.perf_counter()
    while (elapsed_s := time.perf_counter() - began_s) < ROUND_S:
        engine.infer(images)
        done += len(images)
    return done / elapsed_s


def _noise(artifact: Artifact) -> Images:
    size = artifact.manifest.input
    return np.random.default_rng(0).integers(0, 256, (BATCH, size.height, size.width, 3), np.uint8)
