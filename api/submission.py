"""From a request's body to a committed job whose bells have rung."""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from fastapi import Depends, Query, Request

from api.context import Context
from api.uploads.writer import Intake
from core.db.tables import Job, Key
from core.errors import Malformed
from core.jobs.submission import NewJob, Submission
from core.names import clean
from core.settings import Settings
from core.states import Explain, JobKind
from model.artifact import Artifact, ArtifactError, find_artifact

PART = "[A-Za-z0-9][A-Za-z0-9._-]*"
MODEL = re.compile(f"({PART})(?:/({PART}))?(?:/({PART}))?")

EXPLAIN = (
    "`cam`: every prediction has its Grad-CAM. `full`: each also has `faithfulness`, which takes "
    f"{Explain.FULL.cost - 1} more classifications an image"
)

Receive = Callable[[Request, Context, Intake], Awaitable[None]]


@dataclass(frozen=True)
class Options:
    """What a client may choose for a job."""

    model: str | None
    top_k: int
    explain: Explain
    name: str | None


async def _options(
    model: Annotated[str | None, Query(description="`name`, `name/version` or `name/version/precision`")] = None,
    top_k: Annotated[int, Query(ge=1, le=100, description="How many classes each item lists")] = 3,
    explain: Annotated[Explain, Query(description=EXPLAIN)] = Explain.CAM,
    name: Annotated[str | None, Query(max_length=200, description="A label for people")] = None,
) -> Options:
    """The choices in the query string. (Not a coroutine for its own sake: FastAPI runs others in a thread.)"""
    return Options(model, top_k, explain, None if name is None else clean(name))


Chosen = Annotated[Options, Depends(_options)]


async def accept(
    request: Request,
    context: Context,
    key: Key,
    *,
    kind: JobKind,
    options: Options,
    receive: Receive,
    job_id: str | None = None,
) -> Job:
    """Stores the body's images and commits the job; leaves nothing behind if the body is refused."""
    artifact, precision = _pin(options.model, context.settings)
    intake = Intake(context.storage, context.settings, job_id=job_id or uuid4().hex)
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
    return await context.submissions.commit(Submission(new, intake.stored))


def _pin(spec: str | None, settings: Settings) -> tuple[Artifact, str]:
    """The artifact and precision this job will run on, whatever the alias says later."""
    matched = MODEL.fullmatch(spec or settings.default_model)
    if matched is None:
        raise Malformed(f"The model {spec!r} is not of the form name/version/precision.", code="unknown_model")
    name, version, precision = matched.groups()
    try:
        artifact = _found(settings.artifacts_dir, name, version, second=int(time.monotonic()))
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


@lru_cache(maxsize=64)
def _found(folder: Path, name: str, version: str | None, *, second: int) -> Artifact:
    """Read once a second at most: a version never changes, and the alias of the newest may be that old."""
    return find_artifact(folder, name, version)


def _retention_s(kind: JobKind, settings: Settings) -> float:
    return settings.predict_retention_s if kind == JobKind.PREDICT else settings.job_retention_s
