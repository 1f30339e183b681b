"""Authentication: the API key of a request, as a dependency that checks its scope."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.context import Ctx
from core.access.keys import authenticate
from core.db.tables import Key
from core.errors import Forbidden, Unauthenticated
from core.states import Scope

_bearer = HTTPBearer(
    scheme_name="ApiKey",
    auto_error=False,
    description="An API key, `bl_…`. Create one on the server: `.venv/bin/python -m ops keys create --owner NAME`",
)

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class _KeyWithScope:
    """A dependency that returns the request's key. Raises Unauthenticated, or Forbidden if the key lacks the scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, context: Ctx, credentials: Credentials) -> Key:
        if credentials is None:
            raise Unauthenticated("Send an API key in the header 'Authorization: Bearer bl_…'.", code="no_key")
        with context.database.read.begin() as session:
            key = authenticate(session, credentials.credentials)
        if self._scope not in key.scopes:
            raise Forbidden(
                f"This key has the scopes {', '.join(key.scopes) or 'none'}; the request needs {self._scope}. Create "
                f"a key that has it: .venv/bin/python -m ops keys create --owner {key.owner} --scope {self._scope}"
            )
        return key


Reader = Annotated[Key, Depends(_KeyWithScope(Scope.JOBS_READ))]
"""A key that may read."""

Writer = Annotated[Key, Depends(_KeyWithScope(Scope.JOBS_WRITE))]
"""A key that may submit, change and delete."""
