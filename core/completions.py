"""Completion events: Redis pub/sub messages that tell waiting API processes which jobs have ended.

An event carries job ids alone. Redis does not keep it for a process that is not subscribed at that moment, so a
process that waits for a job also reads the job's row from time to time.
"""

import logging
from collections.abc import Iterable

from redis import Redis

from core.broker import BROKER_ERRORS
from core.db.tables import Job
from core.states import JobKind

COMPLETIONS_CHANNEL = "batchlight:completions"

log = logging.getLogger(__name__)


def publish_completed(redis: Redis, jobs: Iterable[Job]) -> None:
    """Publish the ids of those of these jobs that have ended and whose clients may be waiting (`predict` jobs).

    A Redis that cannot be reached is logged, not raised: the waiting process finds the end in the job's row.
    """
    ended = [job.id for job in jobs if job.state.ended and job.kind == JobKind.PREDICT]
    if not ended:
        return
    try:
        redis.publish(COMPLETIONS_CHANNEL, " ".join(ended))
    except BROKER_ERRORS as failure:
        log.warning(
            "cannot publish that %d jobs have ended (%s); the API reads their rows instead", len(ended), failure
        )
