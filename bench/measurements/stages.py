"""Where each millisecond goes: the product's own functions, one shard at a time, each timed alone in one process."""

import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from api.uploads.writer import UploadWriter
from api.uploads.zip_entries import unpack
from bench.harness.bench_harness import Ground
from bench.harness.corpus import small_images
from bench.harness.idle_database import quiet_settings
from bench.measurements.engine import bare_rate, engine_rate, pixels
from core.db.tables import Job, Shard
from core.jobs import archives, claims, items, lookup, shards, submission
from core.jobs.submission import NewJob, StoredShard
from core.objects.shard_format import ShardReader
from core.states import JobKind, Queue
from model.decode import decode
from worker.context import Context, open_context
from worker.inference.pipeline import Work, infer_shard
from worker.rendering.archive import write_archive
from worker.rendering.item_overlay import overlay_png

OWNER = "stages"
ROUNDS = 7
WARM_ROUNDS = 2
STAGES = ("receive", "store", "queue", "fetch", "decode", "infer", "explain", "commit", "draw", "archive")


class Clock:
    """Adds up what its blocks take, by stage."""

    def __init__(self) -> None:
        self.spent_s = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def times(self, stage: str) -> Iterator[None]:
        started_s = time.perf_counter()
        try:
            yield
        finally:
            self.spent_s[stage] += time.perf_counter() - started_s


def stages_ms(ground: Ground) -> dict[str, float]:
    """Milliseconds an image of a full shard takes in each stage: the median of several rounds."""
    settings = quiet_settings(ground.stack, ground.folder / "stages")
    context = open_context(settings)
    count = settings.shard_images
    zipped = ground.small_zip(count)
    try:
        rounds = [_round(ground, context, zipped) for _ in range(ROUNDS)][WARM_ROUNDS:]
    finally:
        context.database.dispose()
    return {stage: statistics.median(one[stage] for one in rounds) * 1000 / count for stage in STAGES}


def _round(ground: Ground, context: Context, zipped: Path) -> dict[str, float]:
    clock, images = Clock(), small_images(context.settings.shard_images)
    job_id, stored = _receive(context, zipped, images, clock)
    shard, job = _queue(ground, context, job_id, stored, clock)
    work = Work(shard, job, *context.models.get(job))
    _infer(ground, context, work, clock)
    outcomes = infer_shard(work, context.storage, context.settings, check=lambda: None)
    with clock.times("commit"), context.database.write.begin() as session:
        shards.finish(session, shard, outcomes, engine=work.engine.name)
    _archive(context, job, images, clock)
    return clock.spent_s


def _receive(context: Context, zipped: Path, images: list[bytes], clock: Clock) -> tuple[str, list[StoredShard]]:
    """Receiving is what unpacking a ZIP takes on top of storing the same images."""
    intake = UploadWriter(context.storage, context.settings, job_id=uuid4().hex)
    with clock.times("receive"), zipped.open("rb") as file:
        unpack(file, intake, settings=context.settings)
        intake.close()
    again = UploadWriter(context.storage, context.settings, job_id=uuid4().hex)
    with clock.times("store"):
        for number, data in enumerate(images):
            again.add(f"{number:06d}.png", data)
        again.close()
    clock.spent_s["receive"] -= clock.spent_s["store"]
    return intake.job_id, intake.stored


def _queue(ground: Ground, context: Context, job_id: str, stored: list[StoredShard], clock: Clock) -> tuple[Shard, Job]:
    """The job's transaction, its bell, the claim."""
    manifest = ground.artifact.manifest
    new = NewJob(
        id=job_id, owner=OWNER, kind=JobKind.BATCH, model_name=manifest.name, model_version=manifest.version,
        precision=next(iter(manifest.precisions)), top_k=3, retention_s=3600,
    )  # fmt: skip
    count = context.settings.shard_images
    with clock.times("queue"):
        with context.database.write.begin() as session:
            job = submission.submit(session, new, stored, interactive_images=0, shard_images=count)
        context.notifier.notify_job(job)
        with context.database.write.begin() as session:
            claimed = claims.claim(session, Queue.BULK, worker="stages", lease_s=60)
    assert claimed is not None, "nobody else claims here"
    return claimed


def _infer(ground: Ground, context: Context, work: Work, clock: Clock) -> None:
    """Fetching, decoding, inferring, explaining: one after the other, where a worker decodes ahead."""
    size = work.artifact.manifest.input
    with (
        clock.times("fetch"),
        context.storage.open(work.shard.object_key) as file,
        closing(ShardReader(file, digest=work.shard.object_digest)) as reader,
    ):
        images = [reader.read(position) for position in work.shard.positions]
    with clock.times("decode"):
        for data in images:
            decode(data, height=size.height, width=size.width)
    decoded = pixels(len(images), size)
    whole_s, bare_s = len(images) / engine_rate(work.engine, decoded), len(images) / bare_rate(ground, decoded)
    clock.spent_s["infer"] += bare_s
    clock.spent_s["explain"] += whole_s - bare_s


def _archive(context: Context, job: Job, images: list[bytes], clock: Clock) -> None:
    """The archive's own share is what it takes on top of drawing its overlays."""
    with context.database.write.begin() as session:
        asked = archives.request(session, lookup.find_job(session, job.id, owner=OWNER))
        archive = archives.claim(session, asked.id, worker="stages", lease_s=600)
    assert archive is not None, "nobody else builds here"
    with clock.times("archive"):
        write_archive(context, archive, check=lambda: None)
    with context.database.read.begin() as session:
        drawn = items.list_items(session, job, state=None, after=-1, limit=len(images))
    with clock.times("draw"):
        for item in drawn:
            overlay_png(item, images[item.index])
    clock.spent_s["archive"] -= clock.spent_s["draw"]
