"""Commits stored uploads: the small ones that come at the same time together, in one transaction and with one bell.

A transaction costs about as much for twenty small jobs as for one. Nobody waits for company: the first one's
transaction begins at once, and who comes while it runs shares the next.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError

from core.db.engines import Database, disk_is_full
from core.db.tables import Job
from core.errors import Unavailable
from core.failpoints import Point, failpoint
from core.jobs import submission
from core.jobs.submission import Submission
from core.notifier import Notifier
from core.objects.storage import Storage
from core.settings import Settings
from core.states import Queue

MOST_TOGETHER = 64


class Apart(Exception):
    """Nothing of this group was committed: each of it may try alone."""


@dataclass(frozen=True)
class Group:
    """Small submissions that share a transaction, and what becomes of it: the job of each, by id."""

    members: list[Submission]
    committed: "asyncio.Future[dict[str, Job]]"


class Submissions:
    """Where this process commits jobs. It belongs to the event loop; only `_commit` runs in threads."""

    def __init__(self, settings: Settings, database: Database, storage: Storage, notifier: Notifier) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._notifier = notifier
        self._forming: Group | None = None
        self._one_at_a_time = asyncio.Lock()

    async def commit(self, given: Submission) -> Job:
        """Writes the rows and rings. Raises what kept it from that; then nothing of the upload is left in storage,

        unless the outcome is unknown, as a commit was not answered or nobody waits any more: the sweep finds orphans.
        """
        if given.queue(interactive_images=self._settings.interactive_images) == Queue.INTERACTIVE:
            with suppress(Apart):
                return (await asyncio.shield(self._join(given).committed))[given.new.id]
        return (await run_in_threadpool(self._commit, [given]))[given.new.id]

    def _join(self, given: Submission) -> Group:
        group = self._forming
        if group is None or len(group.members) >= MOST_TOGETHER:
            members: list[Submission] = []
            group = self._forming = Group(members, asyncio.ensure_future(self._run(members)))
        group.members.append(given)
        return group

    async def _run(self, members: list[Submission]) -> dict[str, Job]:
        async with self._one_at_a_time:
            if self._forming is not None and self._forming.members is members:
                self._forming = None
            return await run_in_threadpool(self._commit, members)

    def _commit(self, given: Sequence[Submission]) -> dict[str, Job]:
        """All of them or none."""
        if not all(self._storage.exists(shard.object_key) for one in given for shard in one.stored):
            if len(given) > 1:
                raise Apart
            raise Unavailable("The upload took too long and was cleared away. Send it again.", code="upload_lost")
        failpoint(Point.UPLOAD_STORED)
        committing = False
        try:
            with self._database.write.begin() as session:
                accepted = submission.submit_batch(
                    session,
                    given,
                    interactive_images=self._settings.interactive_images,
                    shard_images=self._settings.shard_images,
                )
                failpoint(Point.ROWS_WRITTEN)
                committing = True
        except SQLAlchemyError as failure:
            if committing and not disk_is_full(failure):
                raise
            if len(given) > 1:
                raise Apart from failure
            self._storage.delete_job(given[0].new.id)
            raise
        failpoint(Point.SUBMIT_COMMITTED)
        self._notifier.notify_queue(accepted[0].queue, shards=sum(job.shards for job in accepted))
        return {job.id: job for job in accepted}
