"""Health: whether the process is alive, and whether it can accept work."""

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.context import Context, Ctx
from api.reference.responses import Responses, errors_without_key
from api.schemas.described import Described
from core.broker import BROKER_ERRORS
from core.states import Queue
from model.artifact import ArtifactError, find_artifact

PROBE_ERRORS = (SQLAlchemyError, ArtifactError, *BROKER_ERRORS, OSError)
"""What a service raises that cannot be used. Any other exception is a fault in the probe, and a problem response."""

router = APIRouter(tags=["health"])


class Health(Described):
    """Whether the process can do its work."""

    status: str = Field(examples=["ready"])
    """`ok` from `/healthz`. From `/readyz`: `ready`; `degraded` without Redis; `unready` without anything else."""

    checks: dict[str, str] = Field(default={}, examples=[{"database": "ok", "redis": "ConnectionError"}])
    """By service, `ok` or the class of the error that was met."""


UNREADY: Responses = {503: {"model": Health, "description": "Work cannot be accepted; `checks` says why."}}


@router.head("/healthz", include_in_schema=False)
@router.get(
    "/healthz",
    summary="Check that the process is alive",
    response_description="It is.",
    responses=errors_without_key(),
)
async def get_liveness() -> Health:
    """Answer without a look at any other service."""
    return Health(status="ok")


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    response_model=Health,
    summary="Check that work can be accepted",
    response_description="Work can be accepted.",
    responses=errors_without_key() | UNREADY,
)
def get_readiness(context: Ctx) -> JSONResponse:
    """Check database, storage, default model and Redis. Without Redis, jobs are accepted and run later."""
    checks = {
        "database": _check(_use_database, context),
        "storage": _check(_use_storage, context),
        "model": _check(_find_default_model, context),
        "redis": _check(_use_redis, context),
    }
    is_ready = all(checks[name] == "ok" for name in ("database", "storage", "model"))
    is_degraded = is_ready and checks["redis"] != "ok"
    health = Health(status="degraded" if is_degraded else "ready" if is_ready else "unready", checks=checks)
    return JSONResponse(health.model_dump(), 200 if is_ready else 503)


def _check(use: Callable[[Context], object], context: Context) -> str:
    """Return `ok`, or the class of the error; its message stays on the server."""
    try:
        use(context)
    except PROBE_ERRORS as failure:
        return type(failure).__name__
    return "ok"


def _use_database(context: Context) -> None:
    with context.database.read.begin() as session:
        session.execute(text("SELECT version_num FROM alembic_version"))


def _use_storage(context: Context) -> None:
    context.storage.spool_folder()


def _find_default_model(context: Context) -> None:
    find_artifact(context.settings.artifacts_dir, context.settings.default_model)


def _use_redis(context: Context) -> None:
    context.notifier.pending(Queue.INTERACTIVE)
