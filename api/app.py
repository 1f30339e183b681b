"""The application: `uvicorn api.app:create_app --factory`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import problems
from api.context import open_context
from api.routes import archives, health, items, jobs, models, predict
from core import failpoints
from core.settings import Settings, settings
from core.version import VERSION

DESCRIPTION = """
Classifies images in bulk and shows why. Submit a job, follow its counters, read its items, download its archive.
Every call but health needs an API key: `Authorization: Bearer bl_…`.
"""


def create_app(given: Settings | None = None) -> FastAPI:
    """The API over these settings, or over the environment's."""
    config = given or settings()
    failpoints.arm(config.failpoints)
    context = open_context(config)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with context.endings.listening():
            yield
        context.database.dispose()

    app = FastAPI(title="Batchlight", version=VERSION, description=DESCRIPTION, lifespan=lifespan)
    app.state.context = context
    problems.install(app)
    for part in (predict, jobs, items, archives, models, health):
        app.include_router(part.router)
    problems.describe(app)
    return app
