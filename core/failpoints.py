"""Named points between two side effects, where the fault suite makes a process die, hang or fail.

Off, which is always but in those tests, a point costs one comparison. On (`BATCHLIGHT_FAILPOINTS` names a folder), a
point looks there for a file of its own name, which holds what to do:

    kill              SIGKILL this process
    term              SIGTERM this process, then go on
    hang              sleep until killed
    sleep SECONDS     go on late
    full              raise OSError, as a full disk does

The file is renamed to `<point>.<pid>.hit` first, so a fault strikes once however many processes pass; `always` before
the action leaves it in place. `about TEXT` before the action strikes only where the subject contains TEXT.
"""

import errno
import os
import signal
import time
from enum import StrEnum
from pathlib import Path


class Point(StrEnum):
    """Every place where a crash could tear two side effects apart, in the order a job meets them."""

    OBJECT_WRITTEN = "object-written"
    OBJECT_SYNCED = "object-synced"
    OBJECT_NAMED = "object-named"
    UPLOAD_STORED = "upload-stored"
    ROWS_WRITTEN = "rows-written"
    SUBMIT_COMMITTED = "submit-committed"
    BELL_RUNG = "bell-rung"
    SHARD_CLAIMED = "shard-claimed"
    IMAGE_DECODED = "image-decoded"
    BATCH_INFERRED = "batch-inferred"
    SHARD_INFERRED = "shard-inferred"
    SHARD_CLOSED = "shard-closed"
    ITEMS_WRITTEN = "items-written"
    SHARD_FINISHED = "shard-finished"
    SHARD_COMMITTED = "shard-committed"
    LEASE_RENEWED = "lease-renewed"
    HALVES_WRITTEN = "halves-written"
    LEASE_FREED = "lease-freed"
    LEASES_EXPIRED = "leases-expired"
    ARCHIVE_CLAIMED = "archive-claimed"
    ARCHIVE_PAGE_WRITTEN = "archive-page-written"
    ARCHIVE_STORED = "archive-stored"
    ARCHIVE_COMMITTED = "archive-committed"
    CANCEL_COMMITTED = "cancel-committed"
    RETRY_COMMITTED = "retry-committed"
    DELETE_COMMITTED = "delete-committed"
    PURGE_COMMITTED = "purge-committed"


_folder: Path | None = None


def arm(folder: Path | None) -> None:
    """Turns the points of this process on; None turns them off."""
    global _folder  # noqa: PLW0603  # one switch a process, read at every point
    _folder = folder


def failpoint(point: Point, subject: str = "") -> None:
    """Where the suite may strike. `subject` tells one passage from another (an image's name)."""
    if _folder is not None:
        _pass(_folder / point, subject)


def _pass(file: Path, subject: str) -> None:
    try:
        words = file.read_text().split()
    except FileNotFoundError:
        return
    if words[0] == "about":
        if words[1] not in subject:
            return
        words = words[2:]
    if words[0] == "always":
        words = words[1:]
    elif not _struck(file):
        return
    _act(*words)


def _struck(file: Path) -> bool:
    """Whether this process is the one that the fault strikes."""
    try:
        file.rename(f"{file}.{os.getpid()}.hit")
    except FileNotFoundError:
        return False
    return True


def _act(action: str, seconds: str = "0") -> None:
    match action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "term":
            os.kill(os.getpid(), signal.SIGTERM)
        case "hang":
            time.sleep(86_400)
        case "sleep":
            time.sleep(float(seconds))
        case "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        case _:
            raise ValueError(f"{action!r} is no failpoint action")
