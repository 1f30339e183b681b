"""What a worker process needs, opened after the fork and kept: database, storage, bells, loaded models."""

from dataclasses import dataclass
from functools import cache

from core.database import Database, open_database
from core.queue import Bells, bells
from core.settings import Settings, settings
from core.storage import Storage
from worker.models import Models


@dataclass(frozen=True)
class Context:
    settings: Settings
    database: Database
    storage: Storage
    bells: Bells
    models: Models


def open_context(settings: Settings) -> Context:
    """Opens lazily: nothing is connected and no model is loaded yet."""
    return Context(
        settings,
        open_database(settings.database_url, pool_size=2),
        Storage(settings.storage_dir),
        bells(settings),
        Models(settings),
    )


@cache
def context() -> Context:
    """This process's own; never call it before the fork."""
    return open_context(settings())
