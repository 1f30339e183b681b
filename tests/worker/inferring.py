"""One shard of images through the worker's pipeline, without a database."""

from collections.abc import Callable
from pathlib import Path

from core.db.tables import Job, Shard
from core.jobs.items import InferenceResult
from core.objects.shard_format import ShardWriter
from core.objects.storage import Storage, shard_key
from core.settings import Settings
from core.states import Explain
from model.engines.interface import Engine
from tests.model.samples import shipped
from worker.inference.cancellation import JobCancelled
from worker.inference.pipeline import Work, infer_shard

BATCH = 4


class CountedCheck:
    """A check that passes so many times, then raises `error`."""

    def __init__(self, times: float = float("inf"), *, error: type[Exception] = JobCancelled) -> None:
        self.times = times
        self.error = error
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        if self.count > self.times:
            raise self.error


def infer(
    engine: Engine, folder: Path, images: list[Path], *, explain: Explain, check: Callable[[], None], threads: int = 1
) -> list[InferenceResult]:
    """Return the results of one shard of these images, in batches of 4."""
    storage, key = Storage(folder), shard_key("0" * 32, 1)
    with storage.create(key) as file:
        writer = ShardWriter(file)
        for image in images:
            writer.add(image.name, image.read_bytes())
        writer.close()
    count = len(images)
    shard = Shard(
        positions=[*range(count)], first_index=0, count=count, crashes=0, object_key=key, object_digest=writer.digest
    )
    settings = Settings(
        database_url="sqlite://", redis_url="redis://", storage_dir=folder, batch_size=BATCH, engine_threads=threads
    )
    job = Job(top_k=1, explain=explain)
    return infer_shard(Work(shard, job, shipped(), engine), storage, settings, check=check)
