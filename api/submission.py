"""From a request's body to a committed job whose bells have rung."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import uuid4

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError

from api.context import Context
from api.intake import Intake
from core import jobs
from core.database import disk_is_full
from core.errors import Malformed, Unavailable
from core.failpoints import Point, failpoint
from core.jobs import NewJob
from core.names import clean
from core.settings import Settings
from core.states import Explain, JobKind
from core.tables import Job, Key
from model.artifact import Artifact, ArtifactError, find_artifact

PART = "[A-Za-z0-9][A-Za-z0-9._-]*"
MODEL = re.compile(f"({PART})(?:/({PART}))?(?:/({PART}))?")

EXPLAIN = (
    "`cam`: every prediction has its Grad-CAM. `full`: each also has `faithfulness`, which takes "
    f"{Explain.FULL.cost - 1} more classifications an image"
)

Receive = Callable[[Request, Context, Intake], Awaitable[None]]


class Options:
    """What a client may choose for a job, in the query string."""

    def __init__(
        self,
        model: Annotated[str | None, Query(description="`name`, `name/version` or `name/version/precision`")] = None,
        top_k: Annotated[int, Query(ge=1, le=100, description="How many classes each item lists")] = 3,
        explain: Annotated[Explain, Query(description=EXPLAIN)] = Explain.CAM,
        name: Annotated[str | None, Query(max_length=200, description="A label for people")] = None,
    ) -> None:
        self.model = model
        self.top_k = top_k
        self.explain = explain
        self.name = None if name is None else clean(name)


async def accept(
    request: Request, context: Context, key: Key, *, kind: JobKind, options: Options, receive: Receive
) -> Job:
    """Stores the body's images and commits the job; leaves nothing behind if the body is refused."""
    artifact, precision = _pin(options.model, context.settings)
    intake = Intake(context.storage, context.settings, job_id=uuid4().hex)
    try:
        await receive(request, context, intake)
    except BaseException:
        intake.discard()
        raise
    new = NewJob(
        id=intake.job_id,
        owner=key.owner,
        kind=kind,
        name=options.name,
        model_name=artifact.manifest.name,
        model_version=artifact.manifest.version,
        precision=precision,
        top_k=options.top_k,
        explain=options.explain,
        retention_s=_retention_s(kind, context.settings),
        skipped=intake.skipped,
        skipped_total=intake.skipped_total,
    )
    return await run_in_threadpool(_commit, context, intake, new)


def _commit(context: Context, intake: Intake, new: NewJob) -> Job:
    """Commits, then rings. Only if the commit's outcome is unknown do the objects stay: the sweep removes orphans."""
    if not all(context.storage.exists(shard.object_key) for shard in intake.stored):
        raise Unavailable("The upload took too long and was cleared away. Send it again.", code="upload_lost")
    failpoint(Point.UPLOAD_STORED)
    committing = False
    try:
        with context.database.write.begin() as session:
            job = jobs.submit(
                session,
                new,
                intake.stored,
                interactive_images=context.settings.interactive_images,
                shard_images=context.settings.shard_images,
            )
            failpoint(Point.ROWS_WRITTEN)
            committing = True
    except SQLAlchemyError as failure:
        if not committing or disk_is_full(failure):
            intake.discard()
        raise
    failpoint(Point.SUBMIT_COMMITTED)
    context.bells.ring_job(job)
    return job


def _pin(spec: str | None, settings: Settings) -> tuple[Artifact, str]:
    """The artefact and precision this job will run on, whatever the alias says later."""
    matched = MODEL.fullmatch(spec or settings.default_model)
    if matched is None:
        raise Malformed(f"The model {spec!r} is not of the form name/version/precision.", code="unknown_model")
    name, version, precision = matched.groups()
    try:
        artifact = find_artifact(settings.artifacts_dir, name, version)
    except ArtifactError as reason:
        detail = f"There is no model {spec or settings.default_model!r} here. GET /v1/models lists those there are."
        raise Malformed(detail, code="unknown_model") from reason
    precision = precision or next(iter(artifact.manifest.precisions))
    if precision not in artifact.manifest.precisions:
        raise Malformed(
            f"{name} {artifact.manifest.version} has no precision {precision!r}, only "
            f"{', '.join(artifact.manifest.precisions)}.",
            code="unknown_model",
        )
    return artifact, precision


def _retention_s(kind: JobKind, settings: Settings) -> float:
    return settings.predict_retention_s if kind == JobKind.PREDICT else settings.job_retention_s
