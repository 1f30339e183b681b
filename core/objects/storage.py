"""Object storage on a local disk: objects are written whole or not at all, under keys that no client chooses."""

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import BinaryIO

from core.errors import NotFound
from core.failpoints import Point, failpoint
from core.states import ItemErrorCode


class Storage:
    """Immutable objects under slash-separated keys; every object of a job has a key below `jobs/<id>/`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._root_is_synced = False

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """Yield a file to write; the object appears, durable, when the block ends, and never if the block raises."""
        part = self._incoming / f"{uuid.uuid4().hex}.part"
        try:
            with self._open_part(part) as file:
                yield file
                file.flush()
                failpoint(Point.OBJECT_WRITTEN, key)
                os.fsync(file.fileno())
            failpoint(Point.OBJECT_SYNCED, key)
            path = self.path(key)
            folder_is_new = self._rename(part, path)
            failpoint(Point.OBJECT_NAMED, key)
            self._sync_folders(path.parent, new=folder_is_new)
            os.utime(path.parent.parent)  # a job's folder is as old as its newest object
        finally:
            part.unlink(missing_ok=True)

    def open(self, key: str) -> BufferedReader:
        """Open the object for reading, seekable; raises NotFound."""
        try:
            return self.path(key).open("rb")
        except FileNotFoundError:
            raise NotFound(f"The stored object {key} is missing.", code=ItemErrorCode.OBJECT_MISSING) from None

    def exists(self, key: str) -> bool:
        """Return whether there is an object under this key."""
        return self.path(key).is_file()

    def size_bytes(self, key: str) -> int | None:
        """Return the size of the object in bytes, or None if there is none."""
        try:
            return self.path(key).stat().st_size
        except FileNotFoundError:
            return None

    def path(self, key: str) -> Path:
        """Return the object's file on this disk, from which HTTP ranges are served."""
        return self._root / key

    def spool_folder(self) -> Path:
        """Return a folder on the storage's disk for unnamed temporary files, which vanish with their process."""
        self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._incoming

    def delete(self, key: str) -> None:
        """Delete the object; a missing one is no error."""
        self.path(key).unlink(missing_ok=True)

    def delete_job(self, job_id: str) -> None:
        """Delete every object of a job; missing ones are no error."""
        shutil.rmtree(self._root / "jobs" / job_id, ignore_errors=True)

    def job_ids(self, *, older_than_s: float) -> list[str]:
        """Return the ids of jobs that have objects here, none of them newer than `older_than_s` seconds."""
        jobs = self._root / "jobs"
        if not jobs.is_dir():
            return []
        newest = time.time() - older_than_s
        return [entry.name for entry in os.scandir(jobs) if entry.stat().st_mtime < newest]

    def clear_parts(self, *, older_than_s: float) -> None:
        """Delete unfinished files that killed processes left, older than `older_than_s` seconds."""
        newest = time.time() - older_than_s
        for part in self._incoming.glob("*.part"):
            if part.stat().st_mtime < newest:
                part.unlink(missing_ok=True)

    def _open_part(self, part: Path) -> BufferedWriter:
        try:
            return part.open("xb")
        except FileNotFoundError:
            self.spool_folder()
            return part.open("xb")

    def _rename(self, part: Path, path: Path) -> bool:
        """Give the finished file its name; return whether its folder is new."""
        try:
            part.replace(path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.replace(path)
            return True
        return False

    def _sync_folders(self, folder: Path, *, new: bool) -> None:
        """Make a new name durable, and the folder that holds it.

        A power failure can undo the creation of a file whose folder was not synced. The name of a new object is in
        its own folder, which is synced each time. The name of a folder is new only once: the process that makes it
        syncs the folders above before it reports the object as stored. A submit relies on no other process, because
        it alone makes the folders of its job. Two workers may meet at a folder of overlays or archives, but workers
        draw and build missing ones again. Any process may make `jobs`, so each syncs the root once.
        """
        _sync(folder)
        while new and (folder := folder.parent) != self._root:
            _sync(folder)
        if not self._root_is_synced:
            _sync(self._root)
            self._root_is_synced = True


def shard_key(job_id: str, number: int) -> str:
    """Return the key of a job's shard object, numbered from 1."""
    return f"jobs/{job_id}/shards/{number:06d}.shard"


def overlay_key(job_id: str, index: int) -> str:
    """Return the key of the overlay of image `index`."""
    return f"jobs/{job_id}/overlays/{index:06d}.png"


def archive_key(job_id: str, *, run: int, attempt: int) -> str:
    """Return the key of an attempt's archive: a builder that lost its lease cannot replace its successor's object."""
    return f"jobs/{job_id}/archives/{run}-{attempt}.zip"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
