"""What the routes share, opened once per process and passed to them as dependencies."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from api.completions import CompletionListener
from api.group_commit import GroupCommit
from api.model_catalog import ModelCatalog
from core.db.engines import Database, open_database
from core.notifier import Notifier, open_notifier
from core.objects.storage import Storage
from core.settings import Settings


@dataclass(frozen=True)
class Context:
    """The services of this process."""

    settings: Settings
    database: Database
    storage: Storage
    notifier: Notifier
    models: ModelCatalog
    completions: CompletionListener
    group_commit: GroupCommit


def open_context(settings: Settings) -> Context:
    """Return the services of these settings; each connects when a request first needs it."""
    database = open_database(settings.database_url)
    storage = Storage(settings.storage_dir)
    notifier = open_notifier(settings)
    return Context(
        settings=settings,
        database=database,
        storage=storage,
        notifier=notifier,
        models=ModelCatalog(settings.artifacts_dir, default_model=settings.default_model),
        completions=CompletionListener(settings.redis_url.get_secret_value()),
        group_commit=GroupCommit(settings, database, storage, notifier),
    )


async def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Ctx = Annotated[Context, Depends(_context)]


def _read_session(context: Ctx) -> Iterator[Session]:
    with context.database.read.begin() as session:
        yield session


ReadSession = Annotated[Session, Depends(_read_session, scope="function")]
"""A session for reading, closed before the response is sent."""
