"""Opaque cursors: the position at which a page of a list ended. Clients pass them back unchanged."""

import base64
import json
from datetime import UTC, datetime

from core.errors import Malformed
from core.jobs.lookup import ID as JOB_ID

MAX_LIMIT = 1000
BEFORE_FIRST_INDEX = -1
MAX_CURSOR_LENGTH = 200


def bounded(limit: int) -> int:
    """Return the number of entries of a page: `limit`, or the nearest one from 1 to MAX_LIMIT."""
    return min(max(limit, 1), MAX_LIMIT)


def after_index(index: int) -> str:
    """Return the cursor of the items that follow this index."""
    return _encode([index])


def read_index(cursor: str | None) -> int:
    """Return the index at which the page before ended, -1 without a cursor. Raises Malformed."""
    if cursor is None:
        return BEFORE_FIRST_INDEX
    match _decode(cursor):
        case [int(index)] if index is not True and 0 <= index < 2**31:
            return index
    raise _bad_cursor()


def after_job(created_at: datetime, job_id: str) -> str:
    """Return the cursor of the jobs that follow this one in a list."""
    return _encode([created_at.timestamp(), job_id])


def read_job(cursor: str | None) -> tuple[datetime, str] | None:
    """Return (created_at, id) of the job at which the page before ended, None without a cursor. Raises Malformed."""
    if cursor is None:
        return None
    match _decode(cursor):
        case [float(seconds), str(job_id)] if 0 <= seconds < 2**33 and JOB_ID.fullmatch(job_id):
            return datetime.fromtimestamp(seconds, UTC), job_id
    raise _bad_cursor()


def _encode(position: list[int | float | str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _decode(cursor: str) -> object:
    if len(cursor) > MAX_CURSOR_LENGTH:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        return None


def _bad_cursor() -> Malformed:
    return Malformed(
        "`after` is not a cursor of this list. Pass `next` of the page before, unchanged, or no `after` at all.",
        code="bad_cursor",
    )
