"""The application: `uvicorn api.app:create_app --factory`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api import problems
from api.context import open_context
from api.reference.responses import add_problem_schema
from api.routes import archives, health, items, jobs, models, predict
from core import failpoints
from core.settings import Settings, settings
from core.version import VERSION

DESCRIPTION = """
Classifies images in bulk and shows why. Submit a job, poll it, read its items, download its archive.

Every call except health needs an API key: `Authorization: Bearer bl_…`. Every error is a problem (RFC 9457) with a
stable `code`; each operation lists its codes.
"""

TAGS: list[dict[str, str]] = [
    {"name": "predict", "description": "One image, answered in the response."},
    {"name": "jobs", "description": "Many images, classified in the background."},
    {"name": "items", "description": "The result of each image of a job."},
    {"name": "archives", "description": "The images, overlays and results of a job as one ZIP."},
    {"name": "models", "description": "The model versions that jobs can name."},
    {"name": "health", "description": "For load balancers and supervisors; needs no key."},
]


def create_app(config: Settings | None = None) -> FastAPI:
    """Return the API over these settings, or over the environment's."""
    config = config or settings()
    failpoints.arm(config.failpoints)
    context = open_context(config)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with context.completions.listening():
            yield
        context.database.dispose()

    app = FastAPI(
        title="Batchlight",
        version=VERSION,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
    )
    app.state.context = context
    problems.install(app)
    for part in (predict, jobs, items, archives, models, health):
        app.include_router(part.router)
    add_problem_schema(app)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
