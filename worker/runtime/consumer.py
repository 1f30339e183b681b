"""A consumer that drops messages it cannot read.

Celery's consumer stops at a message whose body is not a task message, requeues it, and meets it again after
each restart: one such message stops a queue for good (measured on 5.7).
"""

from collections.abc import Callable

from celery.worker import consumer
from kombu import Message
from vine import promise

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)


class Consumer(consumer.Consumer):
    """Celery's consumer, which here logs and acknowledges a message that is not a task."""

    def create_task_handler(self, promise: type[promise] = promise) -> Callable[[Message], None]:
        handle: Callable[[Message], None] = super().create_task_handler(promise)

        def handle_or_drop(message: Message) -> None:
            try:
                handle(message)
            except UNREADABLE as reason:
                self.on_decode_error(message, reason)

        return handle_or_drop
