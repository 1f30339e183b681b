"""Where each millisecond goes: Batchlight's own functions over one shard, each stage timed alone in one process."""

import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from api.uploads.writer import UploadWriter
from api.uploads.zip_entries import unpack
from bench.harness.bench_harness import BenchHarness
from bench.harness.corpus import small_images
from bench.harness.idle_database import idle_settings
from bench.measurements.engine import decoded_images, engine_rate, rate_without_cam
from core.db.tables import Job, Shard
from core.jobs import archives, claims, items, lookup, shards, submission
from core.jobs.submission import NewJob, StoredObject
from core.objects.shard_format import ShardReader
from core.states import JobKind, Queue
from model.decode import decode
from worker.context import Context, open_context
from worker.inference.pipeline import Work, infer_shard
from worker.rendering.archive_contents import write_archive
from worker.rendering.item_overlay import overlay_png

OWNER = "stages"
REPETITIONS = 7
WARM_UP_REPETITIONS = 2
LEASE_S = 600
RETENTION_S = 3600
STAGES = ("receive", "store", "queue", "fetch", "decode", "infer", "explain", "commit", "draw", "archive")


class StageTimer:
    """Adds up the seconds that the timed blocks of each stage take."""

    def __init__(self) -> None:
        self.spent_s = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Add the time of the block to this stage."""
        started_s = time.perf_counter()
        try:
            yield
        finally:
            self.spent_s[stage] += time.perf_counter() - started_s


def stages_ms(harness: BenchHarness) -> dict[str, float]:
    """Return the milliseconds that an image of a full shard takes in each stage: the median of five repetitions."""
    settings = idle_settings(harness.stack, harness.folder / "stages")
    context = open_context(settings)
    count = settings.shard_images
    zip_file = harness.small_zip(count)
    try:
        repetitions = [_time_stages(harness, context, zip_file) for _ in range(REPETITIONS)][WARM_UP_REPETITIONS:]
    finally:
        context.database.dispose()
    return {stage: statistics.median(one[stage] for one in repetitions) * 1000 / count for stage in STAGES}


def _time_stages(harness: BenchHarness, context: Context, zip_file: Path) -> dict[str, float]:
    """Take one shard through all stages; returns the seconds of each."""
    timer, images = StageTimer(), small_images(context.settings.shard_images)
    job_id, stored = _receive(context, zip_file, images, timer)
    shard, job = _queue(harness, context, job_id, stored, timer)
    work = Work(shard, job, *context.models.get(job))
    _infer(harness, context, work, timer)
    results = infer_shard(work, context.storage, context.settings, check=lambda: None)
    with timer.time("commit"), context.database.write.begin() as session:
        shards.finish(session, shard, results, engine=work.engine.name)
    _archive(context, job, images, timer)
    return timer.spent_s


def _receive(
    context: Context, zip_file: Path, images: list[bytes], timer: StageTimer
) -> tuple[str, list[StoredObject]]:
    """Time `store`, and as `receive` what unpacking a ZIP takes beyond storing the same images."""
    upload = UploadWriter(context.storage, context.settings, job_id=uuid4().hex)
    with timer.time("receive"), zip_file.open("rb") as file:
        unpack(file, upload, settings=context.settings)
        upload.close()
    second_upload = UploadWriter(context.storage, context.settings, job_id=uuid4().hex)
    with timer.time("store"):
        for number, data in enumerate(images):
            second_upload.add(f"{number:06d}.png", data)
        second_upload.close()
    timer.spent_s["receive"] -= timer.spent_s["store"]
    return upload.job_id, upload.stored


def _queue(
    harness: BenchHarness, context: Context, job_id: str, stored: list[StoredObject], timer: StageTimer
) -> tuple[Shard, Job]:
    """Time `queue`: the job's transaction, its notification, and the claim."""
    manifest = harness.artifact.manifest
    new = NewJob(
        id=job_id, owner=OWNER, kind=JobKind.BATCH, model_name=manifest.name, model_version=manifest.version,
        precision=next(iter(manifest.precisions)), top_k=3, retention_s=RETENTION_S,
    )  # fmt: skip
    count = context.settings.shard_images
    with timer.time("queue"):
        with context.database.write.begin() as session:
            job = submission.submit(session, new, stored, interactive_images=0, shard_images=count)
        context.notifier.notify_job(job)
        with context.database.write.begin() as session:
            claimed = claims.claim(session, Queue.BULK, worker=OWNER, lease_s=LEASE_S)
    assert claimed is not None, "no other process claims shards of this database"
    return claimed


def _infer(harness: BenchHarness, context: Context, work: Work, timer: StageTimer) -> None:
    """Time `fetch`, `decode`, `infer` and `explain` one after another; a worker may decode while it infers."""
    size = work.artifact.manifest.input
    with (
        timer.time("fetch"),
        context.storage.open(work.shard.object_key) as file,
        closing(ShardReader(file, digest=work.shard.object_digest)) as reader,
    ):
        images = [reader.read(position) for position in work.shard.positions]
    with timer.time("decode"):
        for data in images:
            decode(data, height=size.height, width=size.width)
    decoded = decoded_images(len(images), size)
    with_cam_s = len(images) / engine_rate(work.engine, decoded)
    without_cam_s = len(images) / rate_without_cam(harness, decoded)
    timer.spent_s["infer"] += without_cam_s
    timer.spent_s["explain"] += with_cam_s - without_cam_s


def _archive(context: Context, job: Job, images: list[bytes], timer: StageTimer) -> None:
    """Time `draw`, and as `archive` what building an archive takes beyond drawing its overlays."""
    with context.database.write.begin() as session:
        requested = archives.request(session, lookup.find_job(session, job.id, owner=OWNER))
        archive = archives.claim(session, requested.id, worker=OWNER, lease_s=LEASE_S)
    assert archive is not None, "no other process builds archives of this database"
    with timer.time("archive"):
        write_archive(context, archive, check=lambda: None)
    with context.database.read.begin() as session:
        drawn = items.list_items(session, job, state=None, after=-1, limit=len(images))
    with timer.time("draw"):
        for item in drawn:
            overlay_png(item, images[item.index])
    timer.spent_s["archive"] -= timer.spent_s["draw"]
