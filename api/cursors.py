"""Opaque cursors: where a page ended, in a form that clients pass on and do not read."""

import base64
import json
from datetime import UTC, datetime

from core.errors import Malformed
from core.jobs.lookup import ID as JOB_ID

MAX_LIMIT = 1000
BEFORE_ALL = -1
LONGEST = 200


def bounded(limit: int) -> int:
    """A page size within what the server gives; out of range is corrected, not refused."""
    return min(max(limit, 1), MAX_LIMIT)


def after_index(index: int) -> str:
    return _encode([index])


def read_index(cursor: str | None) -> int:
    """The index a page ended with; -1 for the first page."""
    if cursor is None:
        return BEFORE_ALL
    match _decode(cursor):
        case [int(index)] if index is not True and 0 <= index < 2**31:
            return index
    raise _refusal()


def after_job(created_at: datetime, job_id: str) -> str:
    return _encode([created_at.timestamp(), job_id])


def read_job(cursor: str | None) -> tuple[datetime, str] | None:
    """The (created_at, id) a page of jobs ended with; None for the first page."""
    if cursor is None:
        return None
    match _decode(cursor):
        case [float(seconds), str(job_id)] if 0 <= seconds < 2**33 and JOB_ID.fullmatch(job_id):
            return datetime.fromtimestamp(seconds, UTC), job_id
    raise _refusal()


def _encode(position: list[int | float | str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _decode(cursor: str) -> object:
    if len(cursor) > LONGEST:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        return None


def _refusal() -> Malformed:
    return Malformed("The cursor is not one of ours. Pass 'next' of the page before, unchanged.", code="bad_cursor")
