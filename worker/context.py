"""What a worker process needs, opened after the fork and kept: database, storage, notifier, loaded models."""

from dataclasses import dataclass
from functools import cache

from core.db.engines import Database, open_database
from core.notifier import Notifier, open_notifier
from core.objects.storage import Storage
from core.settings import Settings, settings
from worker.inference.model_cache import ModelCache

POOL_SIZE = 2
"""Connections of a child: one for its work, one for the renewal of its lease."""


@dataclass(frozen=True)
class Context:
    settings: Settings
    database: Database
    storage: Storage
    notifier: Notifier
    models: ModelCache


def open_context(settings: Settings) -> Context:
    """Return a context over these settings; nothing is connected and no model is loaded yet."""
    return Context(
        settings,
        open_database(settings.database_url, pool_size=POOL_SIZE),
        Storage(settings.storage_dir),
        open_notifier(settings),
        ModelCache(settings),
    )


@cache
def context() -> Context:
    """Return this process's own context; never call it before the fork."""
    return open_context(settings())
