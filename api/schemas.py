"""What clients read: one schema per thing, made from the rows by `of`."""

import struct
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from core.db.tables import Item, Job, Score, Skip
from core.states import Explain, ItemState, JobKind, JobState, Queue

T = TypeVar("T")

FAITHFULNESS = (
    "How well the CAM tells what the model used, in [-1, 1], where `explain=full` asked for it; else null. In its "
    "order, highest first, pixels are added to the image's mean color (insertion) and replaced by it (deletion); the "
    "score is the area under the predicted class' probability over the share of pixels, insertion less deletion. "
    "Above 0 the CAM points at what the model used; a random order scores 0 on average, with a wide spread. "
    f"Costs {Explain.FULL.cost - 1} more classifications an image."
)
Faithfulness = Annotated[float | None, Field(description=FAITHFULNESS)]


class Counts(BaseModel):
    """Where the job's images are; the five add up to `total` at every moment."""

    total: int
    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int


class ModelRef(BaseModel):
    name: str
    version: str
    precision: str


class RanModel(ModelRef):
    """The model that made a prediction, and the engine that ran it."""

    engine: str | None


class Options(BaseModel):
    top_k: int
    explain: Explain


class JobLinks(BaseModel):
    self: str
    items: str
    archive: str


class JobOut(BaseModel):
    id: str
    kind: JobKind
    name: str | None
    state: JobState
    run: int
    revision: int
    queue: Queue
    model: ModelRef
    options: Options
    counts: Counts
    skipped: list[Skip]
    skipped_total: int
    created_at: datetime
    started_at: datetime | None
    cancel_requested_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime
    purged_at: datetime | None
    links: JobLinks

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        path = job_path(job.id)
        return cls(
            id=job.id, kind=job.kind, name=job.name, state=job.state, run=job.run, revision=job.revision,
            queue=job.queue, model=ModelRef(name=job.model_name, version=job.model_version, precision=job.precision),
            options=Options(top_k=job.top_k, explain=job.explain),
            counts=Counts(
                total=job.total, queued=job.queued, running=job.running,
                succeeded=job.succeeded, failed=job.failed, cancelled=job.cancelled,
            ),
            skipped=job.skipped, skipped_total=job.skipped_total,
            created_at=job.created_at, started_at=job.started_at,
            cancel_requested_at=job.cancel_requested_at, ended_at=job.ended_at,
            expires_at=job.expires_at, purged_at=job.purged_at,
            links=JobLinks(self=path, items=f"{path}/items", archive=f"{path}/archive"),
        )  # fmt: skip


class Cam(BaseModel):
    """The Grad-CAM grid of the predicted class before it is resized: height rows of width values ≥ 0."""

    height: int
    width: int
    values: list[float]

    @classmethod
    def of(cls, item: Item) -> "Cam | None":
        if item.cam is None or item.cam_height is None or item.cam_width is None:
            return None
        count = item.cam_height * item.cam_width
        return cls(height=item.cam_height, width=item.cam_width, values=list(struct.unpack(f"<{count}f", item.cam)))


class ItemError(BaseModel):
    code: str
    message: str


class ItemLinks(BaseModel):
    self: str
    image: str
    overlay: str | None


class ItemOut(BaseModel):
    index: int
    name: str
    state: ItemState
    sha256: str
    bytes: int
    width: int | None
    height: int | None
    label: str | None
    confidence: float | None
    top_k: list[Score] | None
    cam: Cam | None
    faithfulness: Faithfulness
    error: ItemError | None
    model: RanModel
    attempt: int
    links: ItemLinks

    @classmethod
    def of(cls, item: Item, job: Job) -> "ItemOut":
        error = None
        if item.error_code is not None:
            error = ItemError(code=item.error_code, message=item.error_message or "")
        return cls(
            index=item.index, name=item.name, state=item.state, sha256=item.sha256, bytes=item.size_bytes,
            width=item.width, height=item.height, label=item.label, confidence=item.confidence, top_k=item.top_k,
            cam=Cam.of(item), faithfulness=item.faithfulness, error=error, model=ran_model(item, job),
            attempt=item.shard.attempt, links=item_links(item),
        )  # fmt: skip


class PredictionOut(BaseModel):
    """The answer of `/predict`: class and confidence of one image, and where to see why."""

    label: str
    confidence: float
    top_k: list[Score]
    cam: Cam | None
    faithfulness: Faithfulness
    model: RanModel
    job_id: str
    links: ItemLinks

    @classmethod
    def of(cls, item: Item, job: Job) -> "PredictionOut":
        assert item.label is not None
        assert item.confidence is not None
        assert item.top_k is not None
        return cls(
            label=item.label, confidence=item.confidence, top_k=item.top_k, cam=Cam.of(item),
            faithfulness=item.faithfulness, model=ran_model(item, job), job_id=job.id, links=item_links(item),
        )  # fmt: skip


class Page(BaseModel, Generic[T]):
    """A page and the cursor of the next one; None where nothing is left for now."""

    data: list[T]
    next: str | None


class ArchiveOut(BaseModel):
    """An archive that is still being built."""

    state: str
    requested_at: datetime


class ModelOut(BaseModel):
    name: str
    version: str
    precisions: list[str]
    labels: list[str]
    input: dict[str, object]
    metrics: dict[str, object]
    aliases: list[str]
    default: bool


class ModelList(BaseModel):
    data: list[ModelOut]


def job_path(job_id: str) -> str:
    return f"/v1/jobs/{job_id}"


def item_links(item: Item) -> ItemLinks:
    path = f"{job_path(item.job_id)}/items/{item.index}"
    drawn = f"{path}/overlay.png" if item.state == ItemState.SUCCEEDED else None
    return ItemLinks(self=path, image=f"{path}/image", overlay=drawn)


def ran_model(item: Item, job: Job) -> RanModel:
    return RanModel(name=job.model_name, version=job.model_version, precision=job.precision, engine=item.shard.engine)
