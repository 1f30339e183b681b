"""The archive a client downloads, streamed to storage: memory does not grow with the images' bytes."""

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import groupby
from tempfile import TemporaryFile
from typing import BinaryIO

from core.db.tables import Archive, Item, Job, Shard
from core.failpoints import Point, failpoint
from core.jobs import items
from core.names import entry_name
from core.objects.shard_format import ShardReader
from core.objects.storage import archive_key
from core.states import ItemState
from model.artifact import find_artifact
from worker.context import Context
from worker.rendering.archive_file import Contents
from worker.rendering.item_overlay import overlay_png
from worker.rendering.result_tables import ResultTables

PAGE = 256
NOT_KEPT = frozenset({"image_too_large", "object_missing", "object_corrupt"})


@dataclass(frozen=True)
class Built:
    """A complete archive object."""

    object_key: str
    size_bytes: int
    sha256: str


def write_archive(context: Context, archive: Archive, *, check: Callable[[], None]) -> Built:
    """Writes originals, overlays, both result tables and the manifest; `check` may raise between two pages."""
    for attempt in range(1, archive.attempt):  # of builders that died between storing and committing
        context.storage.delete(archive_key(archive.job_id, run=archive.run, attempt=attempt))
    key = archive_key(archive.job_id, run=archive.run, attempt=archive.attempt)
    with context.storage.create(key) as target:
        _write(context, archive.job, target, check=check)
    with context.storage.open(key) as complete:
        sha256 = hashlib.file_digest(complete, "sha256").hexdigest()
        return Built(key, complete.seek(0, io.SEEK_END), sha256)


def _write(context: Context, job: Job, target: BinaryIO, *, check: Callable[[], None]) -> None:
    contents = Contents(target)
    with ExitStack() as stack:
        csv_file = stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline=""))
        jsonl_file = stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline="\n"))
        tables = ResultTables(job, csv_file=csv_file, jsonl_file=jsonl_file)
        for page in _pages(context, job):
            check()
            _add_images(context, page, contents, tables)
            failpoint(Point.ARCHIVE_PAGE_WRITTEN)
        for name, file in (("results.csv", csv_file), ("results.jsonl", jsonl_file)):
            contents.add_text(name, file)
    contents.close(_provenance(context, job))


def _pages(context: Context, job: Job) -> Iterator[list[Item]]:
    after = -1
    while True:
        with context.database.read.begin() as session:
            page = items.list_items(session, job, state=None, after=after, limit=PAGE)
        if not page:
            return
        yield page
        after = page[-1].index


def _add_images(context: Context, page: list[Item], contents: Contents, tables: ResultTables) -> None:
    for _, of_object in groupby(page, key=lambda item: item.shard.object_key):
        with ExitStack() as stack:
            reader = None
            for item in of_object:
                original = overlay = None
                if item.error_code not in NOT_KEPT:
                    reader = reader or _opened(context, item.shard, stack)
                    position = item.index - item.shard.first_index
                    data = reader.read(position)  # which compares it with its digest
                    original = f"originals/{entry_name(item.index, item.name)}"
                    contents.add(original, data, sha256=reader.entry(position).sha256)
                    if item.state == ItemState.SUCCEEDED:
                        overlay = f"overlays/{entry_name(item.index, item.name, suffix='.png')}"
                        contents.add(overlay, overlay_png(item, data))
                tables.add(item, original=original, overlay=overlay)


def _opened(context: Context, shard: Shard, stack: ExitStack) -> ShardReader:
    file = stack.enter_context(context.storage.open(shard.object_key))
    return stack.enter_context(closing(ShardReader(file, digest=shard.object_digest)))


def _provenance(context: Context, job: Job) -> dict[str, object]:
    """Whose results these are and what made them."""
    model = find_artifact(context.settings.artifacts_dir, job.model_name, job.model_version)
    return {
        "job": {
            "id": job.id,
            "name": job.name,
            "run": job.run,
            "explain": job.explain.value,
            "state": job.state.value,
            "total": job.total,
            "succeeded": job.succeeded,
            "failed": job.failed,
            "cancelled": job.cancelled,
            "created_at": job.created_at.isoformat(),
            "ended_at": job.ended_at and job.ended_at.isoformat(),
        },
        "model": {
            "name": job.model_name,
            "version": job.model_version,
            "precision": job.precision,
            "files": dict(model.manifest.files),
        },
        "skipped": [dict(skip) for skip in job.skipped],
        "skipped_total": job.skipped_total,
    }
