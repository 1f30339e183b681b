"""What every route needs, opened once per process and handed out as dependencies."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from api.completions import Endings
from api.group_commit import Submissions
from core.access.keys import authenticate
from core.db.engines import Database, open_database
from core.db.tables import Key
from core.errors import Forbidden, Unauthenticated
from core.notifier import Notifier, open_notifier
from core.objects.storage import Storage
from core.settings import Settings
from core.states import Scope


@dataclass(frozen=True)
class Context:
    settings: Settings
    database: Database
    storage: Storage
    notifier: Notifier
    endings: Endings
    submissions: Submissions


def open_context(settings: Settings) -> Context:
    """Opens lazily: nothing is connected until a request needs it."""
    database, storage, notifier = (
        open_database(settings.database_url),
        Storage(settings.storage_dir),
        open_notifier(settings),
    )
    submissions = Submissions(settings, database, storage, notifier)
    endings = Endings(settings.redis_url.get_secret_value())
    return Context(settings, database, storage, notifier, endings, submissions)


async def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Ctx = Annotated[Context, Depends(_context)]


def _read_session(context: Ctx) -> Iterator[Session]:
    with context.database.read.begin() as session:
        yield session


ReadSession = Annotated[Session, Depends(_read_session, scope="function")]
"""A session for reading, closed before the response is sent."""

_bearer = HTTPBearer(auto_error=False, description="An API key: `bl_…`")


class _Require:
    """The key of a request, if it has this scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, context: Ctx, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Key:
        if credentials is None:
            raise Unauthenticated("Send an API key in the header 'Authorization: Bearer bl_…'.", code="no_key")
        with context.database.read.begin() as session:
            key = authenticate(session, credentials.credentials)
        if self._scope not in key.scopes:
            raise Forbidden(f"This key lacks the scope {self._scope}.")
        return key


Reader = Annotated[Key, Depends(_Require(Scope.JOBS_READ))]
Writer = Annotated[Key, Depends(_Require(Scope.JOBS_WRITE))]
