"""Ray Data: `python -m bench.peers.raydata_job FOLDER RUNS` prints images/s, one line a run.

It follows Ray's guide "End-to-end: Offline Batch Inference": files are read, actors that hold the model map them in
batches, one actor a core, and the results are written to Parquet. The measured time begins when the last actor has
loaded its model.
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
"""What each actor reserves. Actors that reserve every core leave none for reading and writing, and the job hangs."""

Batch = dict[str, NDArray[np.object_]]


class Predictor:
    """An actor that classifies batches; it records the time at which its model was loaded as a file's name."""

    def __init__(self, ready_times: str) -> None:
        self.model = Classifier()
        Path(ready_times, str(time.time())).touch()

    def __call__(self, batch: Batch) -> Batch:
        results = self.model.classify([self.model.decode(data) for data in batch["bytes"]])
        return {name: np.array([result[name] for result in results]) for name in ("label", "confidence", "cam")}


def rate(folder: str) -> float:
    """Return images/s from the moment when all actors are ready to the last written result."""
    with TemporaryDirectory() as ready_times, TemporaryDirectory() as output:
        images = ray.data.read_binary_files(folder)
        predicted = images.map_batches(
            Predictor,
            fn_constructor_args=(ready_times,),
            concurrency=CORES,
            batch_size=BATCH_SIZE,
            num_cpus=CPUS_PER_ACTOR,
        )
        predicted.write_parquet(output)
        ended_s = time.time()
        ready_s = max(float(file.name) for file in Path(ready_times).iterdir())
        return len(list(Path(folder).iterdir())) / (ended_s - ready_s)


if __name__ == "__main__":
    ray.init(num_cpus=CORES, include_dashboard=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    for _ in range(int(sys.argv[2])):
        sys.stdout.write(f"images/s {rate(sys.argv[1])}\n")
        sys.stdout.flush()
