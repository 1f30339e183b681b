"""One table from error class to HTTP status, and one shape for all of them: RFC 9457 problem details."""

import errno
import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from core.errors import (
    BatchlightError,
    Conflict,
    Forbidden,
    Gone,
    Malformed,
    NotAnImage,
    NotFound,
    TooLarge,
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
    NotAnImage: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
RETRY_AFTER_S = 5

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


def problem(status: HTTPStatus, detail: str, *, code: str, errors: list[ProblemError] | None = None) -> JSONResponse:
    body = Problem(title=status.phrase, status=status, detail=detail, code=code, errors=errors)
    headers = {}
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body.model_dump(exclude_none=True), status, headers, media_type="application/problem+json")


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


def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BatchlightError)
    status = next(STATUS[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUS)
    errors = [ProblemError(detail=error.detail, code=error.code, entry=error.entry)] if error.entry else None
    return problem(status, error.detail, code=error.code, errors=errors)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        ProblemError(detail=str(found["msg"]), code="invalid", pointer="/" + "/".join(map(str, found["loc"])))
        for found in error.errors()
    ]
    detail = "; ".join(f"{found.pointer}: {found.detail}" for found in errors)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, code="invalid_request", errors=errors)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    detail = f"{request.method} {request.url.path}: {error.detail}. The routes are listed under /docs."
    return problem(status, detail, code=status.phrase.lower().replace(" ", "_"))


def _database(_request: Request, error: Exception) -> JSONResponse:
    log.error("database trouble: %s", error)
    if not isinstance(error, OperationalError | PoolTimeout):
        return _internal()
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The database cannot be reached. Try again.",
        code="database_unavailable",
    )


def _system(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)
    log.error("system trouble: %s", error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        detail = "The server's disk is full; nothing was stored. Try again later."
        return problem(HTTPStatus.INSUFFICIENT_STORAGE, detail, code="disk_full")
    return _internal()


def _disconnected(_request: Request, _error: Exception) -> JSONResponse:
    return problem(HTTPStatus.BAD_REQUEST, "The request ended before its body did.", code="disconnected")


def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    return _internal()


def _internal() -> JSONResponse:
    detail = "Something went wrong on the server; its log says what. Trying again may help."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, code="internal_error")
