"""Failpoints: named points between two side effects, where the fault suite makes a process die, hang or fail.

Outside those tests failpoints are off, and each costs one comparison. When they are on (`BATCHLIGHT_FAILPOINTS` names
a folder), a failpoint looks in the folder for a file of its own name, which holds an action:

    kill              SIGKILL this process
    term              SIGTERM this process, then continue
    hang              sleep until killed
    sleep SECONDS     continue after that time
    full              raise OSError as a full disk does

The process first renames the file to `<point>.<pid>.hit`, so the action runs once however many processes reach the
failpoint; `always` before the action leaves the file in place. `about TEXT` before the action
limits it to subjects (such as image names) that contain TEXT.
"""

import errno
import os
import signal
import time
from enum import StrEnum
from pathlib import Path


class Point(StrEnum):
    """Every place where a crash could separate two side effects, in the order of a job's path."""

    OBJECT_WRITTEN = "object-written"
    OBJECT_SYNCED = "object-synced"
    OBJECT_NAMED = "object-named"
    UPLOAD_STORED = "upload-stored"
    ROWS_WRITTEN = "rows-written"
    SUBMIT_COMMITTED = "submit-committed"
    NOTIFICATION_SENT = "notification-sent"
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
    LOST_WORK_RELEASED = "lost-work-released"
    LEASES_EXPIRED = "leases-expired"
    ARCHIVE_CLAIMED = "archive-claimed"
    ARCHIVE_PART_WRITTEN = "archive-part-written"
    ARCHIVE_STORED = "archive-stored"
    ARCHIVE_COMMITTED = "archive-committed"
    CANCEL_COMMITTED = "cancel-committed"
    RETRY_COMMITTED = "retry-committed"
    DELETE_COMMITTED = "delete-committed"
    PURGE_COMMITTED = "purge-committed"


_folder: Path | None = None


def arm(folder: Path | None) -> None:
    """Turn the failpoints of this process on; None turns them off."""
    global _folder  # noqa: PLW0603  # one switch per process, read at every failpoint
    _folder = folder


def failpoint(point: Point, subject: str = "") -> None:
    """Run the action that the fault suite has set for this point; `subject` names what is processed (an image)."""
    if _folder is not None:
        _reach(_folder / point, subject)


def _reach(file: Path, subject: str) -> None:
    try:
        action = file.read_text().split()
    except FileNotFoundError:
        return
    if action[0] == "about":
        if action[1] not in subject:
            return
        action = action[2:]
    if action[0] == "always":
        action = action[1:]
    elif not _takes_action(file):
        return
    _act(*action)


def _takes_action(file: Path) -> bool:
    """Whether this process is the first that reaches the failpoint."""
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
            raise ValueError(f"{action!r} is not an action of a failpoint; use kill, term, hang, sleep or full")
