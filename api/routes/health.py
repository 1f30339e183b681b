"""Health: is the process alive, and can it accept work."""

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import text

from api.context import Context, Ctx
from core.states import Queue
from model.artifact import find_artifact

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: str
    checks: dict[str, str] = {}


@router.get("/healthz")
async def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", response_model=Health)
def readyz(context: Ctx) -> JSONResponse:
    """Work can be accepted: database, storage and model are there. Without Redis it is accepted, and runs later."""
    checks = {
        "database": _check(_database, context),
        "storage": _check(_storage, context),
        "model": _check(_model, context),
        "redis": _check(_redis, context),
    }
    ready = all(checks[name] == "ok" for name in ("database", "storage", "model"))
    degraded = ready and checks["redis"] != "ok"
    health = Health(status="degraded" if degraded else "ready" if ready else "unready", checks=checks)
    return JSONResponse(health.model_dump(), 200 if ready else 503)


def _check(probe: Callable[[Context], object], context: Context) -> str:
    """`ok`, or the class of what went wrong; details stay in the server."""
    try:
        probe(context)
    except Exception as failure:  # noqa: BLE001  # whatever a probe raises is its finding
        return type(failure).__name__
    return "ok"


def _database(context: Context) -> None:
    with context.database.read.begin() as session:
        session.execute(text("SELECT version_num FROM alembic_version"))


def _storage(context: Context) -> None:
    context.storage.spool_folder()


def _model(context: Context) -> None:
    find_artifact(context.settings.artifacts_dir, context.settings.default_model)


def _redis(context: Context) -> None:
    context.notifier.pending(Queue.INTERACTIVE)
