"""Many processes at one database: how many shards they claim and commit, of one job and of many."""

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from uuid import uuid4

from bench.harness.bench_harness import BenchHarness
from bench.harness.idle_database import idle_settings
from core.db.engines import open_database
from core.jobs import claims, shards, submission
from core.jobs.items import InferenceResult
from core.jobs.submission import NewJob, StoredObject
from core.states import JobKind, Queue

OWNER = "contention"
RETENTION_S = 3600
LEASE_S = 60
START_DELAY_S = 1.0
"""Time for every process to connect before all begin at the same instant."""


def contention(harness: BenchHarness) -> dict[str, dict[str, float]]:
    """Return the shards/s that each number of processes claims and commits in total, with one job and with many.

    Every shard has one image.
    """
    url = idle_settings(harness.stack, harness.folder / "contention").database_url
    count, process_counts = harness.sizes.contended_shards, harness.sizes.claiming_processes
    shards_by_job = {"one_job_shards_per_s": [count], "many_jobs_shards_per_s": [1] * count}
    with ProcessPoolExecutor(max(process_counts), mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_start_process, range(max(process_counts))))
        return {
            name: {str(processes): _rate(pool, url, processes, sizes) for processes in process_counts}
            for name, sizes in shards_by_job.items()
        }


def _start_process(_number: int) -> None:
    """Occupy a new process until the pool has started all of them and each has its imports."""
    time.sleep(START_DELAY_S)


def _rate(pool: ProcessPoolExecutor, url: str, processes: int, shards_by_job: Sequence[int]) -> float:
    _submit_jobs(url, shards_by_job)
    start_at = time.time() + START_DELAY_S
    ends = list(pool.map(_claim_and_commit, [url] * processes, [start_at] * processes))
    return sum(shards_by_job) / (max(ends) - start_at)


def _submit_jobs(url: str, shards_by_job: Sequence[int]) -> None:
    """Submit one job for each number of shards; each shard has one image."""
    database = open_database(url, pool_size=1)
    with database.write.begin() as session:
        for count in shards_by_job:
            job_id = uuid4().hex
            new = NewJob(
                id=job_id, owner=OWNER, kind=JobKind.BATCH, model_name="m", model_version="1", precision="fp32",
                top_k=1, retention_s=RETENTION_S,
            )  # fmt: skip
            stored = [StoredObject(f"jobs/{job_id}/{number}", "", 1) for number in range(count)]
            submission.submit(session, new, stored, interactive_images=0, shard_images=1)
    database.dispose()


def _claim_and_commit(url: str, start_at: float) -> float:
    """Claim and commit shards until none is claimable, and return the instant of the last attempt."""
    database = open_database(url, pool_size=1)
    with database.read.begin():
        time.sleep(max(0.0, start_at - time.time()))
    while True:
        with database.write.begin() as session:
            claimed = claims.claim(session, Queue.BULK, worker=OWNER, lease_s=LEASE_S)
        if claimed is None:
            database.dispose()
            return time.time()
        shard, _ = claimed
        index = shard.first_index + shard.positions[0]
        result = InferenceResult(index, "image", "0" * 64, 1, label="a", confidence=1.0)
        with database.write.begin() as session:
            shards.finish(session, shard, [result], engine="onnx")
