"""The responses that an operation declares: its errors, with their stable codes, as RFC 9457 problems."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from api.problems import MEDIA_TYPE, Problem
from api.reference.codes import CODES, list_codes
from api.reference.headers import RETRY_AFTER, WWW_AUTHENTICATE

SCHEMAS = "#/components/schemas/"
PROBLEM = {"$ref": SCHEMAS + "Problem"}
OTHER_PROBLEM = {"description": "Any other problem (RFC 9457).", "content": {MEDIA_TYPE: {"schema": PROBLEM}}}

Codes = Mapping[int, Sequence[str]]
Responses = dict[int | str, dict[str, Any]]

ANY_CALL: Codes = {500: ["internal_error"], 503: ["database_unavailable"]}
AUTHENTICATED: Codes = {401: ["no_key", "unauthenticated", "key_expired"], 403: ["forbidden"]}
VALIDATED: Codes = {422: ["invalid_request"]}
FINDS_JOB: Codes = {404: ["job_not_found"]}
FINDS_RESULTS: Codes = {**FINDS_JOB, 410: ["gone"]}
FINDS_ITEM: Codes = {404: ["item_not_found", "item_pending", "item_cancelled"], **VALIDATED}
STORES: Codes = {507: ["disk_full"]}
RECEIVES_UPLOAD: Codes = {
    400: ["disconnected"],
    408: ["upload_stalled"],
    413: ["body_too_large", "too_many_images", "zip_expands_too_far"],
    422: ["invalid_request", "unknown_model", "bad_multipart", "not_a_file", "bad_zip", "no_images"],
    503: ["upload_lost"],
    **STORES,
}

HEADERS = {401: WWW_AUTHENTICATE, 503: RETRY_AFTER, 507: RETRY_AFTER}


def errors(*groups: Codes) -> Responses:
    """Return the error responses of an operation that needs a key: these codes, and those of every such operation."""
    return errors_without_key(AUTHENTICATED, *groups)


def errors_without_key(*groups: Codes) -> Responses:
    """Return the error responses of an operation: these codes, by status, and those of every operation."""
    merged: dict[int, list[str]] = {}
    for group in (*groups, ANY_CALL):
        for status, codes in group.items():
            merged.setdefault(status, []).extend(codes)
    responses: Responses = {status: _problem(status, merged[status]) for status in sorted(merged)}
    return responses | {"default": OTHER_PROBLEM}


def _problem(status: int, codes: Sequence[str]) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    meanings = {code: CODES[status][code] for code in codes}
    examples = {
        code: {
            "summary": meaning,
            "value": Problem(title=title, status=status, detail=meaning, code=code).model_dump(exclude_none=True),
        }
        for code, meaning in meanings.items()
    }
    response: dict[str, Any] = {
        "description": f"{title}. The problem's `code` is one of:\n\n{list_codes(meanings.items())}",
        "content": {MEDIA_TYPE: {"schema": PROBLEM, "examples": examples}},
    }
    if status in HEADERS:
        response["headers"] = HEADERS[status]
    return response


def add_problem_schema(app: FastAPI) -> None:
    """Add the schema that the error responses refer to: FastAPI adds those of JSON responses alone."""
    schema = app.openapi()
    problem = Problem.model_json_schema(ref_template=SCHEMAS + "{model}")
    schema["components"]["schemas"] |= {**problem.pop("$defs"), "Problem": problem}
