"""The priority of bulk workers: they leave the processor to the API, the databases and the interactive queue."""

import os

from celery import Celery
from celery.signals import worker_process_init

from core.states import Queue

BULK_NICENESS = 5
"""On a busy processor a bulk child gets a third of the time that another process gets (Linux' weights)."""


def lower_bulk_priority(app: Celery) -> None:
    """Lower the priority of the children of a worker that does not serve the interactive queue."""

    @worker_process_init.connect(weak=False)
    def lower(**_signal: object) -> None:
        if Queue.INTERACTIVE not in app.amqp.queues.consume_from:
            os.nice(BULK_NICENESS)
