"""One table from error class to HTTP status, and one shape for all of them: RFC 9457 problem details."""

import errno
import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from core.db.engines import disk_is_full
from core.errors import (
    BatchlightError,
    Broken,
    Conflict,
    Forbidden,
    Gone,
    Malformed,
    NotAnImage,
    NotFound,
    TooLarge,
    TooSlow,
    Unauthenticated,
    Unavailable,
)

STATUS: dict[type[BatchlightError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Gone: HTTPStatus.GONE,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    Malformed: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooSlow: HTTPStatus.REQUEST_TIMEOUT,
    NotAnImage: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Broken: HTTPStatus.INTERNAL_SERVER_ERROR,
}
RETRY_AFTER_S = 5
MEDIA_TYPE = "application/problem+json"
SCHEMAS = "#/components/schemas/"

log = logging.getLogger(__name__)


class ProblemError(BaseModel):
    """Where in the request it went wrong: a JSON pointer into it, or an entry of the upload."""

    detail: str
    code: str
    pointer: str | None = None
    entry: str | None = None


class Problem(BaseModel):
    """RFC 9457 problem details; `code` is stable, `detail` says what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[ProblemError] | None = None


def install(app: FastAPI) -> None:
    """Makes every failure of the app a problem response."""
    app.add_exception_handler(BatchlightError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(PoolTimeout, _database)
    app.add_exception_handler(OSError, _system)
    app.add_exception_handler(ClientDisconnect, _disconnected)
    app.add_exception_handler(Exception, _unexpected)


def describe(app: FastAPI) -> None:
    """Makes the reference say of every call that its failures are problems."""
    schema = app.openapi()
    shape = Problem.model_json_schema(ref_template=SCHEMAS + "{model}")
    schema["components"]["schemas"] |= {**shape.pop("$defs"), "Problem": shape}
    failure = {
        "description": "A problem (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": SCHEMAS + "Problem"}}},
    }
    for operations in schema["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = failure
    for unused in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(unused, None)


def _problem(
    request: Request, status: HTTPStatus, detail: str, *, code: str, errors: list[ProblemError] | None = None
) -> JSONResponse:
    body = Problem(title=status.phrase, status=status, detail=detail, code=code, errors=errors)
    headers = {}
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if request.method == "POST" or status == HTTPStatus.INTERNAL_SERVER_ERROR:
        headers["Connection"] = "close"  # or the server would go on reading an upload it has refused
    return JSONResponse(body.model_dump(exclude_none=True), status, headers, media_type=MEDIA_TYPE)


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BatchlightError)
    status = next(STATUS[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUS)
    errors = [ProblemError(detail=error.detail, code=error.code, entry=error.entry)] if error.entry else None
    return _problem(request, status, error.detail, code=error.code, errors=errors)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        ProblemError(detail=str(found["msg"]), code="invalid", pointer="/" + "/".join(map(str, found["loc"])))
        for found in error.errors()
    ]
    detail = "; ".join(f"{found.pointer}: {found.detail}" for found in errors)
    return _problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail, code="invalid_request", errors=errors)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    detail = f"{request.method} {request.url.path}: {error.detail}. The routes are listed under /docs."
    return _problem(request, status, detail, code=status.phrase.lower().replace(" ", "_"))


def _database(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, OperationalError | InternalError | PoolTimeout):
        return _unexpected(request, error)
    if disk_is_full(error):
        return _full(request, error)
    log.error("the database does not answer: %s", error)
    detail = "The database cannot be reached. Try again."
    return _problem(request, HTTPStatus.SERVICE_UNAVAILABLE, detail, code="database_unavailable")


def _system(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _unexpected(request, error)
    return _full(request, error)


def _full(request: Request, error: Exception) -> JSONResponse:
    log.error("the disk is full: %s", error)
    detail = "The server's disk is full; nothing was stored. Try again later."
    return _problem(request, HTTPStatus.INSUFFICIENT_STORAGE, detail, code="disk_full")


def _disconnected(request: Request, _error: Exception) -> JSONResponse:
    return _problem(request, HTTPStatus.BAD_REQUEST, "The request ended before its body did.", code="disconnected")


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "Something went wrong on the server; its log says what. Trying again may help."
    return _problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, detail, code="internal_error")
