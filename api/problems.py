"""Turns every error into a response: one table gives the HTTP status, and the body is an RFC 9457 problem."""

import errno
import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.schemas.described import Described
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
MAX_SHOWN_INPUT_LENGTH = 100
MEDIA_TYPE = "application/problem+json"

log = logging.getLogger(__name__)


class ProblemError(Described):
    """A part of the request that is wrong."""

    detail: str
    """What is wrong with it."""

    code: str
    """The stable code."""

    pointer: str | None = None
    """JSON pointer to the parameter, such as `/query/top_k`."""

    entry: str | None = None
    """Name of the entry of an uploaded ZIP."""


class Problem(Described):
    """Why a request failed (RFC 9457)."""

    type: str = "about:blank"
    """Always `about:blank`: `code` tells problems apart."""

    title: str
    """The HTTP status in words."""

    status: int
    """The HTTP status."""

    detail: str
    """What was wrong with this request and what to do, for people."""

    code: str
    """A stable code for programs. Each operation lists its own."""

    errors: list[ProblemError] | None = None
    """The parts of the request that are wrong, if they can be named."""


def install(app: FastAPI) -> None:
    """Make every failure of the app a problem response."""
    app.add_exception_handler(BatchlightError, _batchlight_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(DBAPIError, _database_error)
    app.add_exception_handler(PoolTimeout, _database_error)
    app.add_exception_handler(OSError, _os_error)
    app.add_exception_handler(ClientDisconnect, _disconnected)
    app.add_exception_handler(Exception, _unexpected)


def _problem(
    request: Request,
    status: HTTPStatus,
    detail: str,
    *,
    code: str,
    errors: list[ProblemError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    body = Problem(title=status.phrase, status=status, detail=detail, code=code, errors=errors)
    sent = dict(headers or {})
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE):
        sent["Retry-After"] = str(RETRY_AFTER_S)
    if status == HTTPStatus.UNAUTHORIZED:
        sent["WWW-Authenticate"] = "Bearer"
    if request.method == "POST" or status == HTTPStatus.INTERNAL_SERVER_ERROR:
        sent["Connection"] = "close"  # otherwise the server would read the rest of a refused upload
    return JSONResponse(body.model_dump(exclude_none=True), status, sent, media_type=MEDIA_TYPE)


def _batchlight_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BatchlightError)
    status = next(STATUS[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUS)
    errors = [ProblemError(detail=error.detail, code=error.code, entry=error.entry)] if error.entry else None
    return _problem(request, status, error.detail, code=error.code, errors=errors)


def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        ProblemError(
            detail=f"{found['msg']}, not {str(found['input'])[:MAX_SHOWN_INPUT_LENGTH]!r}",
            code="invalid",
            pointer="/" + "/".join(map(str, found["loc"])),
        )
        for found in error.errors()
    ]
    detail = "; ".join(f"{found.pointer}: {found.detail}" for found in errors)
    return _problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail, code="invalid_request", errors=errors)


def _http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    detail = f"{request.method} {request.url.path}: {error.detail}. GET /docs lists the routes and their methods."
    return _problem(request, status, detail, code=status.phrase.lower().replace(" ", "_"), headers=error.headers)


def _database_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, OperationalError | InternalError | PoolTimeout):
        return _unexpected(request, error)
    if disk_is_full(error):
        return _disk_full(request, error)
    log.error("the database does not answer: %s", error)
    detail = f"The database cannot be reached. Try again in {RETRY_AFTER_S} s."
    return _problem(request, HTTPStatus.SERVICE_UNAVAILABLE, detail, code="database_unavailable")


def _os_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _unexpected(request, error)
    return _disk_full(request, error)


def _disk_full(request: Request, error: Exception) -> JSONResponse:
    log.error("the disk is full: %s", error)
    detail = "The server's disk is full; nothing was stored. Free space on the server, then send the request again."
    return _problem(request, HTTPStatus.INSUFFICIENT_STORAGE, detail, code="disk_full")


def _disconnected(request: Request, _error: Exception) -> JSONResponse:
    detail = "The request ended before its body did. Send it again."
    return _problem(request, HTTPStatus.BAD_REQUEST, detail, code="disconnected")


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "The server met an unexpected error; its log has the details. Try again; if it fails again, report it."
    return _problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, detail, code="internal_error")
