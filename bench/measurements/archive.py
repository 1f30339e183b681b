"""Building an archive, against drawing and encoding its overlays alone."""

import time
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from bench.harness.bench_harness import BenchHarness
from bench.harness.results import Results, ratio
from bench.harness.stack import JOB_TIMEOUT_S, BenchError, BenchStack
from core.db.tables import Item
from core.jobs import items, lookup
from core.objects.shard_format import ShardReader
from core.objects.storage import Storage
from worker.rendering.archive_contents import ITEMS_PER_READ
from worker.rendering.item_overlay import overlay_png

STACK_OWNER = "local"
"""The owner of the stack's API key."""

POLL_INTERVAL_S = 0.02


def archive_ratio(harness: BenchHarness) -> Results:
    """Measure an archive from its request to its first byte, against drawing its overlays in one process."""
    stack, zip_file = harness.stack, harness.small_zip(harness.sizes.archive_images)
    archive_s, drawing_s = [], []
    for _ in range(harness.sizes.archive_pairs):
        job = stack.wait_for(stack.submit(zip_file))
        archive_s.append(_build_s(stack, job))
        drawing_s.append(_draw_s(stack, job))
        stack.delete(job)
    return {"archive_ratio": ratio(archive_s, drawing_s, names=("archive_s", "drawing_alone_s"))}


def _build_s(stack: BenchStack, job: dict[str, Any]) -> float:
    started_s = time.perf_counter()
    while stack.client.head(f"/v1/jobs/{job['id']}/archive").status_code != 200:
        if time.perf_counter() - started_s > JOB_TIMEOUT_S:
            raise BenchError(f"The archive of job {job['id']} was not built in {JOB_TIMEOUT_S:.0f} s.")
        time.sleep(POLL_INTERVAL_S)
    return time.perf_counter() - started_s


def _draw_s(stack: BenchStack, job: dict[str, Any]) -> float:
    """Seconds of drawing and encoding alone: items and originals are read between the timed parts."""
    drawing_s = 0.0
    for part in _items_with_originals(stack, str(job["id"])):
        started_s = time.perf_counter()
        for item, original in part:
            overlay_png(item, original)
        drawing_s += time.perf_counter() - started_s
    return drawing_s


def _items_with_originals(stack: BenchStack, job_id: str) -> Iterator[list[tuple[Item, bytes]]]:
    storage, after = Storage(stack.plan.settings.storage_dir), -1
    with stack.database() as database:
        while True:
            with database.read.begin() as session:
                job = lookup.find_job(session, job_id, owner=STACK_OWNER)
                part = items.list_items(session, job, state=None, after=after, limit=ITEMS_PER_READ)
            if not part:
                return
            yield list(_with_originals(storage, part))
            after = part[-1].index


def _with_originals(storage: Storage, part: list[Item]) -> Iterator[tuple[Item, bytes]]:
    for key, shard_items in groupby(part, key=lambda item: item.shard.object_key):
        with storage.open(key) as file:
            reader = ShardReader(file, digest=None)
            for item in shard_items:
                yield item, reader.read(item.index - item.shard.first_index)
