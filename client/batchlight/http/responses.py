"""What an HTTP response means: a refusal, or how long to wait."""

from dataclasses import dataclass
from http import HTTPStatus

import httpx

from batchlight.errors import BatchlightError, NotAuthenticated, Problem, ProblemError, UnexpectedResponse
from batchlight.parsing import parse

MIN_RETRY_AFTER_S = 0.05
MAX_RETRY_AFTER_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _ErrorDocument:
    detail: str = ""
    code: str | None = None
    pointer: str | None = None
    entry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _ProblemDocument:
    """The body of a problem response (RFC 9457)."""

    code: str | None = None
    title: str | None = None
    detail: str | None = None
    errors: tuple[_ErrorDocument, ...] | None = None


def error_of(response: httpx.Response) -> BatchlightError:
    """The error that a redirect, 4xx or 5xx stands for. The body must have been read."""
    if response.has_redirect_location:
        return UnexpectedResponse(f"{response.url} redirects to {response.headers['location']}. Use that address.")
    return problem_of(response)


def problem_of(response: httpx.Response) -> Problem:
    """The problem response as an exception, also if a proxy on the way wrote the response."""
    try:
        document = parse(_ProblemDocument, response.content, source=str(response.url))
    except UnexpectedResponse:
        document = _ProblemDocument()
    status = response.status_code
    kind = NotAuthenticated if status == HTTPStatus.UNAUTHORIZED else Problem
    return kind(
        status=status,
        code=document.code or f"http_{status}",
        title=document.title or response.reason_phrase or f"HTTP {status}",
        detail=document.detail,
        errors=tuple(
            ProblemError(error.entry or error.pointer or "", error.detail, error.code)
            for error in document.errors or ()
        ),
    )


def retry_after_s(response: httpx.Response, *, default_s: float) -> float:
    """Seconds that the server asks to wait before the next request, within this module's bounds."""
    try:
        delay_s = float(response.headers["retry-after"])
    except (KeyError, ValueError):
        return default_s
    return min(max(MIN_RETRY_AFTER_S, delay_s), MAX_RETRY_AFTER_S)
