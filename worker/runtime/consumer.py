"""A consumer that drops what it cannot read.

Celery's ends over a message whose body has another shape than a task's, puts it back, and meets it again as soon as it
is started again: one such message stops a queue for good (measured on 5.7).
"""

from collections.abc import Callable

from celery.worker import consumer
from kombu import Message
from vine import promise

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)


class Consumer(consumer.Consumer):
    """Celery's, but for messages that are no tasks: they are logged and acknowledged."""

    def create_task_handler(self, promise: type[promise] = promise) -> Callable[[Message], None]:
        handle: Callable[[Message], None] = super().create_task_handler(promise)

        def handle_or_drop(message: Message) -> None:
            try:
                handle(message)
            except UNREADABLE as reason:
                self.on_decode_error(message, reason)

        return handle_or_drop
