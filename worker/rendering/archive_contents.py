"""The contents of an archive, streamed to storage: memory does not grow with the size of the images."""

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
from core.states import ItemErrorCode, ItemState
from model.artifact import find_artifact
from worker.context import Context
from worker.rendering.archive_file import ArchiveFile
from worker.rendering.item_overlay import overlay_png
from worker.rendering.result_tables import ResultTables

ITEMS_PER_READ = 256


@dataclass(frozen=True)
class WrittenArchive:
    """A complete archive object."""

    object_key: str
    size_bytes: int
    sha256: str


def write_archive(context: Context, archive: Archive, *, check: Callable[[], None]) -> WrittenArchive:
    """Write originals, overlays, both result tables and the manifest; `check` is called before each read of items."""
    for attempt in range(1, archive.attempt):  # objects of attempts whose builder died before its commit
        context.storage.delete(archive_key(archive.job_id, run=archive.run, attempt=attempt))
    key = archive_key(archive.job_id, run=archive.run, attempt=archive.attempt)
    with context.storage.create(key) as target:
        _write(context, archive.job, target, check=check)
    with context.storage.open(key) as complete:
        sha256 = hashlib.file_digest(complete, "sha256").hexdigest()
        return WrittenArchive(key, complete.seek(0, io.SEEK_END), sha256)


def _write(context: Context, job: Job, target: BinaryIO, *, check: Callable[[], None]) -> None:
    archive_file = ArchiveFile(target)
    with ExitStack() as stack:
        csv_file = stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline=""))
        jsonl_file = stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline="\n"))
        tables = ResultTables(job, csv_file=csv_file, jsonl_file=jsonl_file)
        for part in _items(context, job):
            check()
            _add_images(context, part, archive_file, tables)
            failpoint(Point.ARCHIVE_PART_WRITTEN)
        for name, file in (("results.csv", csv_file), ("results.jsonl", jsonl_file)):
            archive_file.add_text(name, file)
    archive_file.close(_provenance(context, job))


def _items(context: Context, job: Job) -> Iterator[list[Item]]:
    """The job's items by index, ITEMS_PER_READ at a time."""
    after = -1
    while True:
        with context.database.read.begin() as session:
            part = items.list_items(session, job, state=None, after=after, limit=ITEMS_PER_READ)
        if not part:
            return
        yield part
        after = part[-1].index


def _add_images(context: Context, part: list[Item], archive_file: ArchiveFile, tables: ResultTables) -> None:
    for _, of_object in groupby(part, key=lambda item: item.shard.object_key):
        with ExitStack() as stack:
            reader = None
            for item in of_object:
                original = overlay = None
                if item.error_code is None or ItemErrorCode(item.error_code).original_is_stored:
                    reader = reader or _open_shard(context, item.shard, stack)
                    position = item.index - item.shard.first_index
                    data = reader.read(position)  # compared with its SHA-256
                    original = f"originals/{entry_name(item.index, item.name)}"
                    archive_file.add(original, data, sha256=reader.entry(position).sha256)
                    if item.state == ItemState.SUCCEEDED:
                        overlay = f"overlays/{entry_name(item.index, item.name, suffix='.png')}"
                        archive_file.add(overlay, overlay_png(item, data))
                tables.add(item, original=original, overlay=overlay)


def _open_shard(context: Context, shard: Shard, stack: ExitStack) -> ShardReader:
    file = stack.enter_context(context.storage.open(shard.object_key))
    return stack.enter_context(closing(ShardReader(file, digest=shard.object_digest)))


def _provenance(context: Context, job: Job) -> dict[str, object]:
    """The job whose results these are, and the model version that made them."""
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
