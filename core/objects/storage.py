"""Objects on a local disk: written whole or not at all, named by keys that no client chose."""

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


class Storage:
    """Immutable objects under slash-separated keys; every object of a job lives under `jobs/<id>/`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._root_is_synced = False

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """A file to write; the object appears, durable, when the block ends, and never if it raises."""
        part = self._incoming / f"{uuid.uuid4().hex}.part"
        try:
            with self._opened(part) as file:
                yield file
                file.flush()
                failpoint(Point.OBJECT_WRITTEN, key)
                os.fsync(file.fileno())
            failpoint(Point.OBJECT_SYNCED, key)
            path = self.path(key)
            folder_is_new = self._name(part, path)
            failpoint(Point.OBJECT_NAMED, key)
            self._sync_folders(path.parent, new=folder_is_new)
            os.utime(path.parent.parent)  # a job's folder is as old as its newest object
        finally:
            part.unlink(missing_ok=True)

    def open(self, key: str) -> BufferedReader:
        """The object for reading, seekable; raises NotFound."""
        try:
            return self.path(key).open("rb")
        except FileNotFoundError:
            raise NotFound(f"The stored object {key} is missing.", code="object_missing") from None

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def size_bytes(self, key: str) -> int | None:
        """How long the object is; None if there is none."""
        try:
            return self.path(key).stat().st_size
        except FileNotFoundError:
            return None

    def path(self, key: str) -> Path:
        """Where the object lies on this disk, for serving it by ranges."""
        return self._root / key

    def spool_folder(self) -> Path:
        """A folder on the storage's disk for unnamed temporary files, which vanish with their process."""
        self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._incoming

    def delete(self, key: str) -> None:
        self.path(key).unlink(missing_ok=True)

    def delete_job(self, job_id: str) -> None:
        """Removes every object of a job; removing what is not there is no error."""
        shutil.rmtree(self._root / "jobs" / job_id, ignore_errors=True)

    def job_ids(self, *, older_than_s: float) -> list[str]:
        """Jobs that have objects here and whose folder has not changed for this long."""
        jobs = self._root / "jobs"
        if not jobs.is_dir():
            return []
        newest = time.time() - older_than_s
        return [entry.name for entry in os.scandir(jobs) if entry.stat().st_mtime < newest]

    def clear_parts(self, *, older_than_s: float) -> None:
        """Removes unfinished files that a killed process left behind."""
        newest = time.time() - older_than_s
        for part in self._incoming.glob("*.part"):
            if part.stat().st_mtime < newest:
                part.unlink(missing_ok=True)

    def _opened(self, part: Path) -> BufferedWriter:
        try:
            return part.open("xb")
        except FileNotFoundError:
            self.spool_folder()
            return part.open("xb")

    def _name(self, part: Path, path: Path) -> bool:
        """Gives the finished file its name; whether that took a new folder."""
        try:
            part.replace(path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.replace(path)
            return True
        return False

    def _sync_folders(self, folder: Path, *, new: bool) -> None:
        """Makes a new name durable, and the folder that holds it.

        A power failure takes back every name whose folder was not synced since. A new object's name is in its own
        folder, so that one is synced each time. A folder's own name is new only once: who makes it syncs those above
        before it says that the object is stored. A submit relies on nobody else's: it alone makes its job's folders.
        Two workers may meet at a folder of overlays or archives, but those are drawn and built again when they are
        missing. Only `jobs` is made by whoever comes first, so every process syncs the root once.
        """
        _sync(folder)
        while new and (folder := folder.parent) != self._root:
            _sync(folder)
        if not self._root_is_synced:
            _sync(self._root)
            self._root_is_synced = True


def shard_key(job_id: str, number: int) -> str:
    return f"jobs/{job_id}/shards/{number:06d}.zip"


def overlay_key(job_id: str, index: int) -> str:
    return f"jobs/{job_id}/overlays/{index:06d}.png"


def archive_key(job_id: str, *, job_round: int, attempt: int) -> str:
    """Holds the attempt, so that a builder that lost its lease cannot replace its successor's object."""
    return f"jobs/{job_id}/archives/{job_round}-{attempt}.zip"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
