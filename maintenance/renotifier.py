"""The renotifier: sends notifications again that Redis has lost or that could not be sent."""

from core.broker import ARCHIVE_QUEUE
from core.db.engines import Database
from core.jobs import archives, shards
from core.notifier import Notifier
from core.states import Queue


def renotify(database: Database, notifier: Notifier) -> bool:
    """Send as many notifications as are missing in Redis.

    Each queued shard of the bulk queue and each archive needs one; the interactive queue needs one in total.

    Raises one of `core.broker.BROKER_ERRORS` while Redis is away. Returns False: one pass sends all.
    """
    with database.read.begin() as session:
        queued = {queue: shards.queued(session, queue) for queue in Queue}
        unbuilt = archives.queued(session)
    for queue, count in queued.items():
        missing = count - notifier.pending(queue) if count else 0
        if missing > 0:
            notifier.notify_queue(queue, shards=missing)
    if len(unbuilt) > (notifier.pending(ARCHIVE_QUEUE) if unbuilt else 0):
        for archive_id in unbuilt:
            notifier.notify_archive(archive_id)
    return False
