"""Ends a worker that receives nothing while work waits: its supervisor starts another, which connects anew.

Celery's consumer has stalled for good after a restart of Redis while its process looked healthy (measured; Celery
issues 8030, 8091, 10205). So the watchdog looks at a worker's progress, not at its process.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterable

from celery.signals import task_received, worker_ready
from celery.worker import state
from celery.worker.consumer import Consumer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.broker import ARCHIVE_QUEUE
from core.db.engines import open_database
from core.jobs import archives, shards
from core.settings import Settings, settings
from core.states import Queue
from worker.runtime.shutdown import is_stopping, signal_children

EX_TEMPFAIL = 75
"""sysexits.h: trying again may help."""

CHECKS_PER_STALL = 4
"""How often the watchdog looks within `stall_s`."""

log = logging.getLogger(__name__)


class Watchdog(threading.Thread):
    """Runs beside the consumer, in the parent. It reads the database only after `stall_s` without a message."""

    def __init__(self, config: Settings, *, queues: Iterable[str]) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._config = config
        self._queues = frozenset(queues)
        self._received_at_s = time.monotonic()

    def message_received(self) -> None:
        """Note that the worker has received a message."""
        self._received_at_s = time.monotonic()

    def run(self) -> None:
        while True:
            time.sleep(self._config.stall_s / CHECKS_PER_STALL)
            silent_s = time.monotonic() - self._received_at_s
            if silent_s > self._config.stall_s and not is_stopping() and self._work_waits():
                log.critical("this worker ends: work waits, and it has received nothing for %.0f s", silent_s)
                end_worker()

    def _work_waits(self) -> bool:
        """Whether claimable work waits and no task of this worker holds a lease, which would be progress too."""
        tasks = [request.id for request in tuple(state.active_requests)]
        database = open_database(self._config.database_url, pool_size=1)
        try:
            with database.read.begin() as session:
                if any(shards.leased_by(session, task) or archives.leased_by(session, task) for task in tasks):
                    return False
                return any(has_waiting_work(session, queue, for_s=self._config.stall_s) for queue in self._queues)
        except SQLAlchemyError as failure:
            log.warning("the watchdog cannot read which work waits: %s", failure)
            return False
        finally:
            database.dispose()


def has_waiting_work(session: Session, queue: str, *, for_s: float) -> bool:
    """Return whether this queue has had claimable work for at least `for_s` seconds."""
    if queue in list(Queue):
        return shards.queued(session, Queue(queue), for_s=for_s) > 0
    return queue == ARCHIVE_QUEUE and bool(archives.queued(session, for_s=for_s))


def end_worker() -> None:
    """End this worker and its children at once; their leases are released or expire."""
    signal_children(signal.SIGKILL)
    os._exit(EX_TEMPFAIL)


@worker_ready.connect
def watch(sender: Consumer, **_signal: object) -> None:
    watchdog = Watchdog(settings(), queues=sender.app.amqp.queues.consume_from)
    task_received.connect(lambda **_received: watchdog.message_received(), weak=False)
    watchdog.start()
