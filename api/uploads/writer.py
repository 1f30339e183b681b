"""Cuts arriving images into shard objects, one image in memory at a time."""

from contextlib import ExitStack

from core.db.tables import Skip
from core.errors import Malformed, TooLarge
from core.jobs.submission import StoredShard
from core.names import clean, skip_reason
from core.objects.shard_format import ShardWriter
from core.objects.storage import Storage, shard_key
from core.settings import Settings
from core.states import ItemErrorCode

SKIPS_SHOWN = 100


class Intake:
    """The images of one job on their way into storage; call `close` or `discard` in the end."""

    def __init__(self, storage: Storage, settings: Settings, *, job_id: str) -> None:
        self._storage = storage
        self._settings = settings
        self.job_id = job_id
        self._open = ExitStack()
        self._writer: ShardWriter | None = None
        self._entries = 0
        self.stored: list[StoredShard] = []
        self.skipped: list[Skip] = []
        self.skipped_total = 0

    def skip(self, name: str) -> bool:
        """Whether an entry of this name is passed over; it is then reported, not counted."""
        name = clean(name)
        reason = skip_reason(name)
        if reason is None:
            return False
        self._count()
        self.skipped_total += 1
        if len(self.skipped) < SKIPS_SHOWN:
            self.skipped.append({"name": name, "reason": reason})
        return True

    def add(self, name: str, data: bytes) -> None:
        self._next(len(data)).add(clean(name), data)

    def refuse(self, name: str, *, code: ItemErrorCode, size_bytes: int) -> None:
        """Keeps an image's place in the job without its bytes: its item will fail with this code."""
        self._next(0).refuse(clean(name), code=code, size_bytes=size_bytes)

    def close(self) -> None:
        """Completes the last shard; raises Malformed if no image came."""
        self._cut()
        if not self.stored:
            passed = f" ({self.skipped_total} entries were skipped as no images)" if self.skipped_total else ""
            raise Malformed(f"The upload holds no image{passed}. Send at least one file.", code="no_images")

    def discard(self) -> None:
        """Leaves nothing of the job in storage."""
        try:
            self._open.__exit__(InterruptedError, InterruptedError("upload discarded"), None)
        finally:
            self._storage.delete_job(self.job_id)

    def _next(self, size_bytes: int) -> ShardWriter:
        """The shard that takes the next image, a new one if the current is full."""
        self._count()
        if self._writer is not None and self._full(self._writer, size_bytes):
            self._cut()
        if self._writer is None:
            file = self._open.enter_context(self._storage.create(shard_key(self.job_id, len(self.stored) + 1)))
            self._writer = ShardWriter(file)
        return self._writer

    def _count(self) -> None:
        limit = self._settings.max_images_per_request
        if self._entries >= limit:
            raise TooLarge(f"A request takes up to {limit} images. Send more in further jobs.", code="too_many_images")
        self._entries += 1

    def _full(self, writer: ShardWriter, size_bytes: int) -> bool:
        too_many = len(writer.entries) >= self._settings.shard_images
        return too_many or writer.size_bytes + size_bytes > self._settings.shard_bytes

    def _cut(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._open.close()
        key = shard_key(self.job_id, len(self.stored) + 1)
        self.stored.append(StoredShard(key, self._writer.digest, len(self._writer.entries)))
        self._writer = None
