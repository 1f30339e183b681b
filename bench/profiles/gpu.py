"""A GPU: images/s of its engine alone and of a worker that uses it, and how busy the device is in each case."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from pathlib import Path
from uuid import uuid4

from api.uploads.writer import UploadWriter
from bench.harness.bench_harness import BenchHarness
from bench.harness.corpus import small_images
from bench.harness.results import Unavailable
from bench.measurements.engine import decoded_images
from core.db.tables import Job, Shard
from core.objects.storage import Storage
from core.settings import Settings
from core.states import Explain
from model.artifact import Artifact
from model.engines.interface import Engine
from model.engines.load import choose_engine, load_engine
from worker.inference.pipeline import Work, infer_shard

SAMPLE_INTERVAL_S = 0.2

ReadBusyShare = Callable[[], float]
"""Returns the share (0 to 1) of the last moments in which the device was busy."""


def gpu_facts(harness: BenchHarness) -> Mapping[str, object]:
    """Return what a worker of one process achieves with one GPU.

    Raises Unavailable if TensorFlow sees no NVIDIA GPU, or if NVML cannot be read.
    """
    if choose_engine() != "keras":
        raise Unavailable(
            "TensorFlow sees no GPU. On a machine with an NVIDIA GPU and its driver, `make bench-gpu` installs CUDA."
        )
    name, read_busy_share = nvidia_gpus()
    engine = load_engine(harness.artifact, engine="keras")
    engine.warm_up()
    folder, run_s = harness.folder / "gpu", harness.sizes.gpu_s
    facts = {
        "device": name,
        **rates(engine, harness.artifact, folder, run_s=run_s, read_busy_share=read_busy_share),
    }
    harness.report("  " + ", ".join(f"{key} {figure}" for key, figure in facts.items()))
    return facts


def rates(
    engine: Engine, artifact: Artifact, folder: Path, *, run_s: float, read_busy_share: ReadBusyShare
) -> dict[str, float]:
    """Return images/s and the busy share, first of decoded images in memory, then of shards stored in `folder`.

    Args:
        run_s: how long each of the two is measured.
    """
    return {
        "batch_size": engine.batch_size,
        **_measure("engine", _infer_decoded(engine, artifact), run_s=run_s, read_busy_share=read_busy_share),
        **_measure("worker", _infer_stored(engine, artifact, folder), run_s=run_s, read_busy_share=read_busy_share),
    }


def nvidia_gpus() -> tuple[str, ReadBusyShare]:
    """Return the first GPU's name, and a reader (NVML) of the busiest GPU's share of time with a running kernel."""
    import pynvml

    try:
        pynvml.nvmlInit()
        gpus = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
        name = str(pynvml.nvmlDeviceGetName(gpus[0]))
    except pynvml.NVMLError as error:
        raise Unavailable(f"NVIDIA's management library (NVML) does not answer; check `nvidia-smi`: {error}") from error

    def busiest() -> float:
        return float(max(pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu for gpu in gpus)) / 100

    return name, busiest


def _measure(name: str, counts: Iterator[int], *, run_s: float, read_busy_share: ReadBusyShare) -> dict[str, float]:
    """Rate of the finished images that `counts` yields; the first count is a warm-up and is left out."""
    next(counts)
    done, shares = 0, []
    started_s = sampled_s = now_s = time.perf_counter()
    while now_s - started_s < run_s:
        done += next(counts)
        now_s = time.perf_counter()
        if now_s - sampled_s >= SAMPLE_INTERVAL_S:
            shares.append(read_busy_share())
            sampled_s = now_s
    busy = statistics.fmean(shares or [read_busy_share()])
    return {f"{name}_images_per_s": round(done / (now_s - started_s), 1), f"{name}_busy_share": round(busy, 3)}


def _infer_decoded(engine: Engine, artifact: Artifact) -> Iterator[int]:
    """Infer batches in memory without end, and yield the number of images of each."""
    batch = decoded_images(engine.batch_size, artifact.manifest.input)
    return (len(inference.cam) for _, inference in engine.infer_each(repeat((None, batch))))


def _infer_stored(engine: Engine, artifact: Artifact, folder: Path) -> Iterator[int]:
    """Do without end what a worker does with a full shard between claim and commit; yield the number of images."""
    settings, storage = Settings(database_url="sqlite://", redis_url="redis://", storage_dir=folder), Storage(folder)
    upload = UploadWriter(storage, settings, job_id=uuid4().hex)
    for number, data in enumerate(small_images(settings.shard_images)):
        upload.add(f"{number:06d}.png", data)
    upload.close()
    (stored,) = upload.stored
    shard = Shard(
        object_key=stored.object_key, object_digest=stored.digest, positions=list(range(stored.count)),
        first_index=0, count=stored.count, crashes=0,
    )  # fmt: skip
    work = Work(shard, Job(top_k=3, explain=Explain.CAM), artifact, engine)
    return (len(infer_shard(work, storage, settings, check=lambda: None)) for _ in repeat(None))
