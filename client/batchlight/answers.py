"""What an HTTP answer says: a problem, a document, or how long to wait."""

import json
from http import HTTPStatus

import httpx

from batchlight.errors import BatchlightError, Fault, NotAuthenticated, Problem, UnexpectedAnswer


def refusal(answer: httpx.Response) -> BatchlightError:
    """The error that a redirect, 4xx or 5xx stands for. The body must have been read."""
    if answer.has_redirect_location:
        return UnexpectedAnswer(f"{answer.url} sends on to {answer.headers['location']}: use that address.")
    return problem_of(answer)


def problem_of(answer: httpx.Response) -> Problem:
    """The problem response as an exception, also where something in between wrote the error."""
    found = _document(answer)
    status = answer.status_code
    kind = NotAuthenticated if status == HTTPStatus.UNAUTHORIZED else Problem
    return kind(
        status=status,
        code=_text(found, "code") or f"http_{status}",
        title=_text(found, "title") or answer.reason_phrase or f"HTTP {status}",
        detail=_text(found, "detail"),
        errors=_faults(found.get("errors")),
    )


def json_of(answer: httpx.Response) -> object:
    """The decoded JSON document of a successful answer."""
    try:
        return json.loads(answer.content)
    except ValueError:
        raise UnexpectedAnswer(f"{answer.url} did not answer with JSON: is this a Batchlight server?") from None


def retry_after_s(answer: httpx.Response, *, default: float, most: float = 30.0) -> float:
    """Seconds that the server asks to wait before the next request."""
    try:
        wished = float(answer.headers["retry-after"])
    except (KeyError, ValueError):
        return default
    return min(max(wished, 0.05), most)


def _document(answer: httpx.Response) -> dict[str, object]:
    try:
        found = json.loads(answer.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(found: dict[str, object], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) else None


def _faults(listed: object) -> tuple[Fault, ...]:
    found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return tuple(
        Fault(
            _text(each, "entry") or _text(each, "pointer") or "",
            _text(each, "detail") or "",
            _text(each, "code"),
        )
        for each in found
    )
