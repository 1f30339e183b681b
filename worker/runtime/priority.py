"""Bulk work leaves the processor to whoever waits: the API, the databases, the interactive queue."""

import os

from celery import Celery
from celery.signals import worker_process_init

from core.states import Queue

BULK_NICENESS = 5
"""On a full processor a bulk child gets a third of the time that another process gets (Linux' weights)."""


def step_back(app: Celery) -> None:
    """Has the children of a worker that does not serve the interactive queue run at a lower priority."""

    @worker_process_init.connect(weak=False)
    def lower(**_signal: object) -> None:
        if Queue.INTERACTIVE not in app.amqp.queues.consume_from:
            os.nice(BULK_NICENESS)
