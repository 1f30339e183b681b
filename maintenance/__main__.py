"""The pass that finds what was lost: `python -m maintenance`. Any number may run; every step is guarded."""

import faulthandler
import logging
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from core import failpoints
from core.broker import ARCHIVE_QUEUE, BROKER_ERRORS
from core.db.engines import Database, open_database
from core.db.tables import Job
from core.errors import Gone
from core.failpoints import Point, failpoint
from core.jobs import archives, counters, lookup, retention, shards
from core.jobs.counters import end_if_done
from core.notifier import Notifier, open_notifier
from core.objects.storage import Storage
from core.settings import settings
from core.states import Queue

ORPHAN_AGE_S = 6 * 3600
ORPHANS_EVERY = 100
"""Orphans are looked for once in so many passes: only a crash in the middle of an upload leaves any."""

PASS_LIMIT_S = 600
"""A pass that takes longer hangs: the process then says where, and ends, for its supervisor to start another."""

ASKED_AT_ONCE = 500
"""Databases bound the parameters of a query."""

log = logging.getLogger("maintenance")


def sweep(database: Database, storage: Storage, notifier: Notifier) -> None:
    """One pass: ends silent leases, rings for what nobody claims, deletes what is past its retention.

    A step that fails, because Redis is away for example, is logged and does not keep the others from running.
    """
    _outlive(lambda: expire_leases(database))
    _outlive(lambda: end_stuck_jobs(database))
    _outlive(lambda: notify_unclaimed(database, notifier))
    _outlive(lambda: purge_overdue(database, storage))


def expire_leases(database: Database) -> None:
    with database.read.begin() as session:
        silent_shards, silent_archives = shards.expired_leases(session), archives.expired_leases(session)
    for shard in silent_shards:
        with database.write.begin() as session:
            if shards.expire(session, shard):
                log.warning("job %s shard %d: lease expired, queued again", shard.job_id, shard.number)
        failpoint(Point.LEASES_EXPIRED)
    for archive in silent_archives:
        with database.write.begin() as session:
            archives.expire(session, archive)


def end_stuck_jobs(database: Database) -> None:
    """A belt: who closes a job's last shard ends the job in the same transaction."""
    with database.read.begin() as session:
        stuck = counters.stuck_jobs(session)
    for job in stuck:
        with suppress(Gone), database.write.begin() as session:
            lookup.lock_job(session, job)
            end_if_done(session, job.id)
        log.error("job %s had nothing left to do and had not ended", job.id)


def notify_unclaimed(database: Database, notifier: Notifier) -> None:
    """As many bells as are missing: each queued shard needs one that still lies in Redis."""
    with database.read.begin() as session:
        waiting = {queue: shards.queued(session, queue) for queue in Queue}
        unbuilt = archives.queued(session)
    for queue, count in waiting.items():
        missing = count - notifier.pending(queue) if count else 0
        if missing > 0:
            notifier.notify_queue(queue, shards=missing)
    if len(unbuilt) > (notifier.pending(ARCHIVE_QUEUE) if unbuilt else 0):
        for archive_id in unbuilt:
            notifier.notify_archive(archive_id)


def purge_overdue(database: Database, storage: Storage) -> None:
    with database.read.begin() as session:
        overdue = retention.overdue_jobs(session)
    for job in overdue:
        _outlive(partial(_purge, database, storage, job))


def _purge(database: Database, storage: Storage, job: Job) -> None:
    """Unless it was retried since it was found."""
    with suppress(Gone), database.write.begin() as session:
        if not lookup.lock_job_with_shards(session, job).state.ended:
            return
        retention.purge(session, job)
    failpoint(Point.PURGE_COMMITTED)
    storage.delete_job(job.id)


def remove_orphans(database: Database, storage: Storage, *, older_than_s: float = ORPHAN_AGE_S) -> None:
    """Deletes objects that no job refers to: of uploads that crashed, and of purges that were cut short."""
    storage.clear_parts(older_than_s=older_than_s)
    stored = storage.job_ids(older_than_s=older_than_s)
    for start in range(0, len(stored), ASKED_AT_ONCE):
        with database.read.begin() as session:
            orphans = retention.without_results(session, stored[start : start + ASKED_AT_ONCE])
        for job_id in orphans:
            log.warning("removing the objects of %s: no job refers to them", job_id)
            storage.delete_job(job_id)


def main() -> None:
    """Sweeps every `maintenance_interval_s` until SIGTERM or SIGINT; trouble with a server is logged and outlived."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    config = settings()
    failpoints.arm(config.failpoints)
    database, storage, notifier = (
        open_database(config.database_url),
        Storage(config.storage_dir),
        open_notifier(config),
    )
    passes = 0
    while not stop.wait(config.maintenance_interval_s):
        faulthandler.dump_traceback_later(PASS_LIMIT_S, exit=True)
        sweep(database, storage, notifier)
        if passes % ORPHANS_EVERY == 0:
            _outlive(lambda: remove_orphans(database, storage))
        passes += 1
    faulthandler.cancel_dump_traceback_later()


def _outlive(step: Callable[[], None]) -> None:
    try:
        step()
    except (SQLAlchemyError, *BROKER_ERRORS) as failure:
        log.error("sweep failed, trying again: %s", failure)


if __name__ == "__main__":
    main()
