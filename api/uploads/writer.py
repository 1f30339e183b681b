"""Writes arriving images into shard objects, one image in memory at a time."""

from contextlib import ExitStack
from tempfile import TemporaryFile
from types import TracebackType
from typing import BinaryIO, Self

from core.db.tables import Skip
from core.errors import Malformed, TooLarge
from core.jobs.submission import StoredObject
from core.names import clean, skip_reason
from core.objects.shard_format import ShardWriter
from core.objects.storage import Storage, shard_key
from core.settings import Settings
from core.states import ItemErrorCode

MAX_SKIPS_LISTED = 100


class UploadWriter:
    """Stores the images of one job as shard objects.

    Use it as a context manager and call `close` as the last step of the block: it syncs to disk, so call it in a
    thread. If the block raises, nothing of the job stays in storage.
    """

    def __init__(self, storage: Storage, settings: Settings, *, job_id: str) -> None:
        self._storage = storage
        self._settings = settings
        self.job_id = job_id
        self._objects = ExitStack()  # holds the object that is being written, if there is one
        self._shard: ShardWriter | None = None
        self._entries = 0
        self.stored: list[StoredObject] = []
        self.skipped: list[Skip] = []
        self.skipped_total = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            return
        try:
            self._objects.__exit__(kind, error, trace)
        finally:
            self._storage.delete_job(self.job_id)

    def spool_file(self) -> BinaryIO:
        """Return a new unnamed temporary file on the storage's disk; the caller closes it."""
        return TemporaryFile(dir=self._storage.spool_folder())

    def skip(self, name: str) -> bool:
        """Return whether an entry of this name is no image (a folder, a hidden file), and report it if so."""
        name = clean(name)
        reason = skip_reason(name)
        if reason is None:
            return False
        self._count_entry()
        self.skipped_total += 1
        if len(self.skipped) < MAX_SKIPS_LISTED:
            self.skipped.append({"name": name, "reason": reason})
        return True

    def add(self, name: str, data: bytes) -> None:
        """Append an image. Raises TooLarge at more images than one request takes."""
        self._object_for(len(data)).add(clean(name), data)

    def refuse(self, name: str, *, code: ItemErrorCode, size_bytes: int) -> None:
        """Append an image without its bytes: it keeps its index in the job, and its item fails with this code."""
        self._object_for(0).refuse(clean(name), code=code, size_bytes=size_bytes)

    def close(self) -> None:
        """Complete the last shard. Raises Malformed if there was no image."""
        self._complete_object()
        if self.stored:
            return
        skipped = f"; {self.skipped_total} entries are folders, hidden or system files" if self.skipped_total else ""
        raise Malformed(f"The upload holds no image{skipped}. Send at least one image file.", code="no_images")

    def _object_for(self, size_bytes: int) -> ShardWriter:
        """Return the shard that takes the next image of this size: a new one if the current one is full."""
        self._count_entry()
        if self._shard is not None and self._is_full(self._shard, size_bytes):
            self._complete_object()
        if self._shard is None:
            file = self._objects.enter_context(self._storage.create(shard_key(self.job_id, len(self.stored) + 1)))
            self._shard = ShardWriter(file)
        return self._shard

    def _count_entry(self) -> None:
        limit = self._settings.max_images_per_request
        if self._entries >= limit:
            raise TooLarge(
                f"The upload holds more than {limit} entries, the limit of one request. "
                "Split it: send further images as further jobs.",
                code="too_many_images",
            )
        self._entries += 1

    def _is_full(self, shard: ShardWriter, size_bytes: int) -> bool:
        too_many = len(shard.entries) >= self._settings.shard_images
        return too_many or shard.size_bytes + size_bytes > self._settings.shard_bytes

    def _complete_object(self) -> None:
        if self._shard is None:
            return
        self._shard.close()
        self._objects.close()
        key = shard_key(self.job_id, len(self.stored) + 1)
        self.stored.append(StoredObject(key, self._shard.digest, len(self._shard.entries)))
        self._shard = None
