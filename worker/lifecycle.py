"""What happens around the tasks: a child that starts warms up, a child that dies frees its lease at once."""

import logging

from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.signals import task_failure, worker_process_init

from core import archives, shards
from core.database import open_database
from core.queue import bells
from core.settings import settings
from model.artifact import ArtifactError
from model.engine import EngineUnavailable
from worker.context import context

log = logging.getLogger(__name__)


@worker_process_init.connect
def warm_up(**_signal: object) -> None:
    """Loads the default model in the new child; nothing is loaded before the fork."""
    try:
        context().models.warm_up()
    except (ArtifactError, EngineUnavailable) as missing:
        log.error("the default model cannot be loaded, its jobs will wait: %s", missing)


@task_failure.connect
def free_lease(task_id: str, exception: BaseException, **_signal: object) -> None:
    """Runs in the parent when a child was lost or killed for its time: gives back what the child held."""
    if not isinstance(exception, WorkerLostError | TimeLimitExceeded):
        return
    database = open_database(settings().database_url, pool_size=1)
    try:
        with database.write.begin() as session:
            shard = shards.leased_by(session, task_id)
            if shard is not None:
                shards.give_back(session, shard, crashed=True)
            archive = archives.leased_by(session, task_id)
            if archive is not None:
                archives.give_back(session, archive)
    finally:
        database.dispose()
    if shard is not None:
        bells(settings()).ring_lane(shard.lane, times=2)
    if archive is not None:
        bells(settings()).ring_archive(archive.id)
