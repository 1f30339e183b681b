"""Many workers at one database: what claims and commits they get through together, of one job and of many."""

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from uuid import uuid4

from bench.harness.bench_harness import Ground
from bench.harness.idle_database import quiet_settings
from core.db.engines import open_database
from core.jobs import claims, shards, submission
from core.jobs.items import InferenceResult
from core.jobs.submission import NewJob, StoredShard
from core.states import JobKind, Queue

OWNER = "contention"
RETENTION_S = 3600
START_IN_S = 1.0
"""Time for every process to connect before all begin at once."""


def contention(ground: Ground) -> dict[str, dict[str, float]]:
    """Shards of one image a second that so many processes together claim and commit, by how the jobs are cut."""
    url = quiet_settings(ground.stack, ground.folder / "contention").database_url
    count, claimers = ground.sizes.contended_shards, ground.sizes.claimers
    cuts = {"one_job_shards_per_s": [count], "many_jobs_shards_per_s": [1] * count}
    with ProcessPoolExecutor(max(claimers), mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_start, range(max(claimers))))
        return {
            name: {str(number): _rate(pool, url, number, sizes) for number in claimers} for name, sizes in cuts.items()
        }


def _start(_number: int) -> None:
    """Keeps a new process so long that every one of them starts, everything imported."""
    time.sleep(START_IN_S)


def _rate(pool: ProcessPoolExecutor, url: str, claimers: int, sizes: Sequence[int]) -> float:
    _queue(url, sizes)
    start_at = time.time() + START_IN_S
    ends = list(pool.map(_work_off, [url] * claimers, [start_at] * claimers))
    return sum(sizes) / (max(ends) - start_at)


def _queue(url: str, sizes: Sequence[int]) -> None:
    """Jobs of so many shards each, one image a shard."""
    database = open_database(url, pool_size=1)
    with database.write.begin() as session:
        for size in sizes:
            job_id = uuid4().hex
            new = NewJob(
                id=job_id, owner=OWNER, kind=JobKind.BATCH, model_name="m", model_version="1", precision="fp32",
                top_k=1, retention_s=RETENTION_S,
            )  # fmt: skip
            stored = [StoredShard(f"jobs/{job_id}/{number}", "", 1) for number in range(size)]
            submission.submit(session, new, stored, interactive_images=0, shard_images=1)
    database.dispose()


def _work_off(url: str, start_at: float) -> float:
    """Claims and commits until there is nothing to claim; returns when that was."""
    database = open_database(url, pool_size=1)
    with database.read.begin():
        time.sleep(max(0.0, start_at - time.time()))
    while True:
        with database.write.begin() as session:
            claimed = claims.claim(session, Queue.BULK, worker=OWNER, lease_s=60)
        if claimed is None:
            database.dispose()
            return time.time()
        shard, _ = claimed
        outcome = InferenceResult(
            shard.first_index + shard.positions[0], "image", "0" * 64, 1, label="a", confidence=1.0
        )
        with database.write.begin() as session:
            shards.finish(session, shard, [outcome], engine="onnx")
