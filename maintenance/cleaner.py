"""The cleaner: deletes the results and objects of jobs whose retention has passed."""

import logging
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from core.db.engines import Database
from core.db.tables import Job
from core.errors import Gone
from core.failpoints import Point, failpoint
from core.jobs import lookup, retention
from core.objects.storage import Storage

BATCH = 20

log = logging.getLogger(__name__)


def purge_overdue(database: Database, storage: Storage) -> bool:
    """Purge up to BATCH jobs; return whether more may be left. A job that cannot be purged is logged."""
    with database.read.begin() as session:
        overdue = retention.overdue_jobs(session, limit=BATCH)
    purged = sum(_try_purge(database, storage, job) for job in overdue)
    return purged == BATCH


def _try_purge(database: Database, storage: Storage, job: Job) -> bool:
    try:
        _purge(database, storage, job)
    except (SQLAlchemyError, OSError) as failure:
        log.error("cannot purge job %s, trying again later: %s", job.id, failure)
        return False
    return True


def _purge(database: Database, storage: Storage, job: Job) -> None:
    """Purge the job, unless a client has retried it since it was found."""
    with suppress(Gone), database.write.begin() as session:
        if not lookup.lock_job_with_shards(session, job).state.ended:
            return
        retention.purge(session, job)
    failpoint(Point.PURGE_COMMITTED)
    storage.delete_job(job.id)
