"""Celery signals around the tasks: a worker checks its model, a child warms up, a lost child's lease is released."""

import logging
import resource
import sys

from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.signals import celeryd_init, task_failure, worker_process_init

from core import failpoints
from core.db.engines import open_database
from core.failpoints import Point, failpoint
from core.jobs import archives, shards
from core.notifier import open_notifier
from core.settings import settings
from model.artifact import ArtifactError, find_artifact
from model.engines.interface import EngineUnavailable
from worker.context import context
from worker.runtime.shutdown import is_stopping

EX_CONFIG = 78
"""sysexits.h: something was found in an unconfigured or misconfigured state."""

log = logging.getLogger(__name__)


@celeryd_init.connect
def check_model(**_signal: object) -> None:
    """Exit if the default model is missing or damaged: a supervisor starts the worker again, and its jobs wait."""
    config = settings()
    try:
        find_artifact(config.artifacts_dir, config.default_model).verify()
    except ArtifactError as trouble:
        sys.stderr.write(
            f"This worker cannot start: {trouble}. Put the model into {config.artifacts_dir}, or set "
            f"BATCHLIGHT_DEFAULT_MODEL (now {config.default_model!r}); jobs wait until then.\n"
        )
        sys.exit(EX_CONFIG)


@celeryd_init.connect
def arm_failpoints(**_signal: object) -> None:
    failpoints.arm(settings().failpoints)


@worker_process_init.connect
def warm_up(**_signal: object) -> None:
    """Load the default model in the new child; nothing is loaded before the fork."""
    limit = settings().child_memory_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        context().models.warm_up()
    except (ArtifactError, EngineUnavailable) as trouble:
        log.error("cannot load the default model, so its jobs wait: %s", trouble)


@task_failure.connect
def release_lost_work(task_id: str, exception: BaseException, **_signal: object) -> None:
    """In the parent, when a child was lost or killed at its time limit: release the work that the child held."""
    if not isinstance(exception, WorkerLostError | TimeLimitExceeded):
        return
    crashed = not is_stopping()
    database = open_database(settings().database_url, pool_size=1)
    try:
        with database.read.begin() as session:
            held, archive = shards.leased_by(session, task_id), archives.leased_by(session, task_id)
        for shard in held:
            with database.write.begin() as session:
                shards.release(session, shard, crashed=crashed)
        if archive is not None:
            with database.write.begin() as session:
                archives.release(session, archive, failed=crashed)
    finally:
        database.dispose()
    failpoint(Point.LOST_WORK_RELEASED)
    if held:
        open_notifier(settings()).notify_queue(held[0].queue, shards=2)
    if archive is not None:
        open_notifier(settings()).notify_archive(archive.id)
