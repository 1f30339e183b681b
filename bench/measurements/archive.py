"""Building an archive against drawing and encoding its overlays alone."""

import time
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from bench.harness.bench_harness import Ground
from bench.harness.results import Findings, ratio
from bench.harness.stack import PATIENCE_S, BenchError, BenchStack, closing_database
from core.db.tables import Item
from core.jobs import items, lookup
from core.objects.shard_format import ShardReader
from core.objects.storage import Storage
from worker.rendering.archive import ITEMS_PER_READ
from worker.rendering.item_overlay import overlay_png

STACK_OWNER = "local"
"""Whose the key of a stack is."""

POLL_EVERY_S = 0.02


def archive_ratio(ground: Ground) -> Findings:
    """The archive from the request for it to the moment it can be had; the drawing in one process, as the worker's."""
    stack, zipped = ground.stack, ground.small_zip(ground.sizes.archive_images)
    built, drawn = [], []
    for _ in range(ground.sizes.archive_pairs):
        job = stack.ended(stack.submit(zipped))
        built.append(_build_s(stack, job))
        drawn.append(_draw_s(stack, job))
        stack.delete(job)
    return {"archive_ratio": ratio(built, drawn, names=("archive_s", "drawing_alone_s"))}


def _build_s(stack: BenchStack, job: dict[str, Any]) -> float:
    started_s = time.perf_counter()
    while stack.client.head(f"/v1/jobs/{job['id']}/archive").status_code != 200:
        if time.perf_counter() - started_s > PATIENCE_S:
            raise BenchError(f"An archive was not built in {PATIENCE_S:.0f} s.")
        time.sleep(POLL_EVERY_S)
    return time.perf_counter() - started_s


def _draw_s(stack: BenchStack, job: dict[str, Any]) -> float:
    """Only drawing and encoding count: items and originals are read beforehand, page by page."""
    drawing_s = 0.0
    for page in _pages(stack, str(job["id"])):
        started_s = time.perf_counter()
        for item, original in page:
            overlay_png(item, original)
        drawing_s += time.perf_counter() - started_s
    return drawing_s


def _pages(stack: BenchStack, job_id: str) -> Iterator[list[tuple[Item, bytes]]]:
    storage, after = Storage(stack.plan.settings.storage_dir), -1
    with closing_database(stack.plan.settings.database_url) as database:
        while True:
            with database.read.begin() as session:
                job = lookup.find_job(session, job_id, owner=STACK_OWNER)
                page = items.list_items(session, job, state=None, after=after, limit=ITEMS_PER_READ)
            if not page:
                return
            yield list(_with_originals(storage, page))
            after = page[-1].index


def _with_originals(storage: Storage, page: list[Item]) -> Iterator[tuple[Item, bytes]]:
    for key, of_object in groupby(page, key=lambda item: item.shard.object_key):
        with storage.open(key) as file:
            reader = ShardReader(file, digest=None)
            for item in of_object:
                yield item, reader.read(item.index - item.shard.first_index)
