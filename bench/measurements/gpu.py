"""A GPU: the images/s that its engine makes, alone and as a worker uses it, and how busy the device is meanwhile."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from pathlib import Path
from uuid import uuid4

from api.uploads.writer import Intake
from bench.harness.bench_harness import Ground
from bench.harness.corpus import small_images
from bench.harness.results import Unavailable
from bench.measurements.engine import pixels
from core.db.tables import Job, Shard
from core.objects.storage import Storage
from core.settings import Settings
from core.states import Explain
from model.artifact import Artifact
from model.engines.interface import Engine
from model.engines.load import choose_engine, load_engine
from worker.inference.pipeline import Work, infer_shard

GPU = "gpu"
"""Its key in a results file."""

LOOK_EVERY_S = 0.2

Look = Callable[[], float]
"""Tells the share of the moment before in which the device was busy."""


def gpu_facts(ground: Ground) -> Mapping[str, object]:
    """What a worker of one process makes of one GPU. Raises Unavailable where TensorFlow sees no NVIDIA GPU."""
    if choose_engine() != "keras":
        raise Unavailable("TensorFlow sees no GPU here")
    name, look = nvidia_gpus()
    engine = load_engine(ground.artifact, engine="keras")
    engine.warm_up()
    facts = {
        "device": name,
        **rates(engine, ground.artifact, ground.folder / "gpu", run_s=ground.sizes.gpu_s, look=look),
    }
    ground.say("  " + ", ".join(f"{key} {figure}" for key, figure in facts.items()))
    return facts


def rates(engine: Engine, artifact: Artifact, folder: Path, *, run_s: float, look: Look) -> dict[str, float]:
    """Images/s and the busy share over so many seconds each: of decoded images, then of shards in the folder."""
    return {
        "batch_size": engine.batch_size,
        **_watched("engine", _decoded(engine, artifact), run_s=run_s, look=look),
        **_watched("worker", _stored(engine, artifact, folder), run_s=run_s, look=look),
    }


def nvidia_gpus() -> tuple[str, Look]:
    """The name of the first GPU, and the busiest one's share of time in which a kernel ran, as NVML samples it."""
    import pynvml

    try:
        pynvml.nvmlInit()
        gpus = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
        name = str(pynvml.nvmlDeviceGetName(gpus[0]))
    except pynvml.NVMLError as error:
        raise Unavailable(f"NVIDIA's management library cannot be asked how busy the GPU is: {error}") from error

    def busiest() -> float:
        return float(max(pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu for gpu in gpus)) / 100

    return name, busiest


def _watched(name: str, counts: Iterator[int], *, run_s: float, look: Look) -> dict[str, float]:
    """The rate of these counts of finished images, of which the first warms up and does not count."""
    next(counts)
    done, shares = 0, []
    started_s = looked_s = now_s = time.perf_counter()
    while now_s - started_s < run_s:
        done += next(counts)
        now_s = time.perf_counter()
        if now_s - looked_s >= LOOK_EVERY_S:
            shares.append(look())
            looked_s = now_s
    busy = statistics.fmean(shares or [look()])
    return {f"{name}_images_per_s": round(done / (now_s - started_s), 1), f"{name}_busy_share": round(busy, 3)}


def _decoded(engine: Engine, artifact: Artifact) -> Iterator[int]:
    """The engine alone, on batches in memory without end."""
    batch = pixels(engine.batch_size, artifact.manifest.input)
    return (len(inference.cam) for inference in engine.infer_each(repeat(batch)))


def _stored(engine: Engine, artifact: Artifact, folder: Path) -> Iterator[int]:
    """What a worker does with a full shard of small PNGs between its claim and its commit, without end."""
    settings, storage = Settings(database_url="sqlite://", redis_url="redis://", storage_dir=folder), Storage(folder)
    intake = Intake(storage, settings, job_id=uuid4().hex)
    for number, data in enumerate(small_images(settings.shard_images)):
        intake.add(f"{number:06d}.png", data)
    intake.close()
    (stored,) = intake.stored
    shard = Shard(
        object_key=stored.object_key, object_digest=stored.digest, positions=list(range(stored.count)),
        first_index=0, count=stored.count, crashes=0,
    )  # fmt: skip
    work = Work(shard, Job(top_k=3, explain=Explain.CAM), artifact, engine)
    return (len(infer_shard(work, storage, settings, wanted=lambda: True)) for _ in repeat(None))
