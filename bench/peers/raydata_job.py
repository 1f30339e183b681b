"""Ray Data: `python -m bench.peers.raydata_job FOLDER RUNS`; prints images/s of each run, a line each.

After its guide "End-to-end: Offline Batch Inference": files are read, mapped in batches by a class whose actors hold
the model, an actor a core, and the results written to Parquet. What counts begins when the last actor has its model.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import ray
from numpy.typing import NDArray

from bench.peers.model import CORES, Classifier

BATCH_SIZE = 64
CPUS_PER_ACTOR = 0.5
"""On paper: actors that claim every core leave none for the tasks that read and write, and nothing ever moves."""

Batch = dict[str, NDArray[np.object_]]


class Predictor:
    def __init__(self, marks: str) -> None:
        self.model = Classifier()
        Path(marks, str(time.time())).touch()

    def __call__(self, batch: Batch) -> Batch:
        results = self.model.classify([self.model.decode(data) for data in batch["bytes"]])
        return {name: np.array([result[name] for result in results]) for name in ("label", "confidence", "cam")}


def rate(folder: str) -> float:
    """Images/s from the moment the actors are ready to the last result written."""
    with TemporaryDirectory() as marks, TemporaryDirectory() as output:
        images = ray.data.read_binary_files(folder)
        predicted = images.map_batches(
            Predictor, fn_constructor_args=(marks,), concurrency=CORES, batch_size=BATCH_SIZE, num_cpus=CPUS_PER_ACTOR
        )
        predicted.write_parquet(output)
        ended_s = time.time()
        ready_s = max(float(mark.name) for mark in Path(marks).iterdir())
        return len(list(Path(folder).iterdir())) / (ended_s - ready_s)


if __name__ == "__main__":
    ray.init(num_cpus=CORES, include_dashboard=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    for _ in range(int(sys.argv[2])):
        sys.stdout.write(f"images/s {rate(sys.argv[1])}\n")
        sys.stdout.flush()
