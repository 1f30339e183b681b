"""The orphan collector: deletes objects that no job refers to, left by crashes during an upload or a purge."""

import logging

from core.db.engines import Database
from core.jobs import retention
from core.objects.storage import Storage

ORPHAN_AGE_S = 6 * 3600
"""Younger objects may belong to an upload that is not committed yet."""

IDS_PER_QUERY = 500
"""Keeps a query below the database's limit of parameters."""

log = logging.getLogger(__name__)


def collect_orphans(database: Database, storage: Storage, *, older_than_s: float = ORPHAN_AGE_S) -> bool:
    """Delete unfinished files and the objects of unknown or purged jobs. Returns False: one pass deletes all."""
    storage.clear_parts(older_than_s=older_than_s)
    stored = storage.job_ids(older_than_s=older_than_s)
    for start in range(0, len(stored), IDS_PER_QUERY):
        with database.read.begin() as session:
            orphans = retention.without_results(session, stored[start : start + IDS_PER_QUERY])
        for job_id in orphans:
            log.warning("deleting the objects of job %s: no row refers to them", job_id)
            storage.delete_job(job_id)
    return False
