"""The rescuer: queues work again whose lease has expired, and ends jobs that have nothing left to do."""

import logging
from contextlib import suppress

from core.db.engines import Database
from core.errors import Gone
from core.failpoints import Point, failpoint
from core.jobs import archives, counters, lookup, shards

BATCH = 100

log = logging.getLogger(__name__)


def rescue(database: Database) -> bool:
    """Run one pass; return whether more expired leases may be left."""
    more_left = expire_leases(database)
    end_stuck_jobs(database)
    return more_left


def expire_leases(database: Database) -> bool:
    """Queue shards and archives again whose lease has expired; return whether more may be left."""
    with database.read.begin() as session:
        expired_shards = shards.expired_leases(session, limit=BATCH)
        expired_archives = archives.expired_leases(session, limit=BATCH)
    for shard in expired_shards:
        with database.write.begin() as session:
            if shards.expire(session, shard):
                log.warning("job %s shard %d: its lease expired, and it is queued again", shard.job_id, shard.number)
        failpoint(Point.LEASES_EXPIRED)
    for archive in expired_archives:
        with database.write.begin() as session:
            archives.expire(session, archive)
    return BATCH in (len(expired_shards), len(expired_archives))


def end_stuck_jobs(database: Database) -> None:
    """A safety net: the transaction that closes a job's last shard also ends the job."""
    with database.read.begin() as session:
        stuck = counters.stuck_jobs(session, limit=BATCH)
    for job in stuck:
        with suppress(Gone), database.write.begin() as session:
            lookup.lock_job(session, job)
            counters.end_if_done(session, job.id)
        log.error("job %s had nothing left to do and had not ended; it is ended now", job.id)
