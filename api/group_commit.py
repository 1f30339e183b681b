"""Commits submissions; small ones that arrive at the same time share a transaction and a notification.

A transaction of twenty small jobs costs about as much as one of a single job. No submission waits for others: the
first one's transaction begins at once, and those that arrive while it runs share the next.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError

from core.db.engines import Database, disk_is_full
from core.db.tables import Job
from core.errors import Unavailable
from core.failpoints import Point, failpoint
from core.jobs.submission import Submission, submit_batch
from core.notifier import Notifier
from core.objects.storage import Storage
from core.settings import Settings
from core.states import Queue

MAX_GROUP_COMMIT = 64

JobsById = dict[str, Job]


class RolledBack(Exception):
    """Nothing of a shared transaction was committed: each of its submissions is tried alone."""


@dataclass(eq=False)
class Group:
    """Small submissions that share a transaction; others join them until it begins."""

    submissions: list[Submission] = field(default_factory=list)
    has_begun: bool = False
    committed: "asyncio.Task[JobsById]" = field(init=False)

    @property
    def is_open(self) -> bool:
        """Whether another submission may join."""
        return not self.has_begun and len(self.submissions) < MAX_GROUP_COMMIT


class GroupCommit:
    """Commits the submissions of this process. It belongs to the event loop; only `_commit` runs in threads."""

    def __init__(self, settings: Settings, database: Database, storage: Storage, notifier: Notifier) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._notifier = notifier
        self._newest_group: Group | None = None
        self._one_group_at_a_time = asyncio.Lock()

    async def commit_and_notify(self, submission: Submission) -> Job:
        """Write the rows of a stored upload, notify the workers, and return the job.

        Raises the error that prevented it. Then nothing of the upload is left in storage, with two exceptions that
        maintenance cleans up: the database did not answer the commit, so the rows may exist; or the request was
        cancelled while its transaction ran.
        """
        if submission.queue(interactive_images=self._settings.interactive_images) == Queue.BULK:
            return await self._commit_alone(submission)
        try:
            # Shielded, so that the end of one request does not cancel the transaction of the others.
            jobs = await asyncio.shield(self._join_group(submission))
        except RolledBack:
            return await self._commit_alone(submission)
        return jobs[submission.new.id]

    async def _commit_alone(self, submission: Submission) -> Job:
        jobs = await run_in_threadpool(self._commit, [submission])
        return jobs[submission.new.id]

    def _join_group(self, submission: Submission) -> "asyncio.Task[JobsById]":
        """Add the submission to the newest group, or to a new one if that is closed; return the group's commit."""
        group = self._newest_group
        if group is None or not group.is_open:
            group = self._newest_group = Group()
            group.committed = asyncio.create_task(self._commit_group(group))
        group.submissions.append(submission)
        return group.committed

    async def _commit_group(self, group: Group) -> JobsById:
        async with self._one_group_at_a_time:
            group.has_begun = True
            return await run_in_threadpool(self._commit, group.submissions)

    def _commit(self, submissions: Sequence[Submission]) -> JobsById:
        """Commit the rows of all these submissions or of none, and notify the workers.

        Raises RolledBack if none of several was committed. The upload of a single one that was not committed is
        deleted.
        """
        is_shared = len(submissions) > 1
        if not all(self._storage.exists(shard.object_key) for one in submissions for shard in one.stored):
            if is_shared:
                raise RolledBack
            raise Unavailable(
                "The upload took so long that its stored images were cleared away. Send it again.", code="upload_lost"
            )
        failpoint(Point.UPLOAD_STORED)
        rows_are_written = False
        try:
            with self._database.write.begin() as session:
                jobs = submit_batch(
                    session,
                    submissions,
                    interactive_images=self._settings.interactive_images,
                    shard_images=self._settings.shard_images,
                )
                failpoint(Point.ROWS_WRITTEN)
                rows_are_written = True
        except SQLAlchemyError as failure:
            commit_may_have_happened = rows_are_written and not disk_is_full(failure)
            if commit_may_have_happened:
                raise
            if is_shared:
                raise RolledBack from failure
            self._storage.delete_job(submissions[0].new.id)
            raise
        failpoint(Point.SUBMIT_COMMITTED)
        self._notifier.notify_queue(jobs[0].queue, shards=sum(job.shards for job in jobs))
        return {job.id: job for job in jobs}
