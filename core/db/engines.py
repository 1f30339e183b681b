"""Connections to SQLite or Postgres, set up so that no wait is endless and no accepted job is lost."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core.db.postgres import LOCK_TIMEOUT_S, POOL_TIMEOUT_S, postgres_engine

Sessions = sessionmaker[Session]


@dataclass(frozen=True)
class Database:
    """Two session factories over one database: on SQLite, `write` takes the write lock at BEGIN and `read` never does.

    (Under SQLite's WAL a transaction that reads first and writes later fails at once with "database is locked".)
    """

    write: Sessions
    read: Sessions
    engines: tuple[Engine, ...]

    def dispose(self) -> None:
        """Close every connection."""
        for engine in self.engines:
            engine.dispose()


def open_database(url: str, *, pool_size: int = 5) -> Database:
    """Return the engines for this URL; they connect lazily. Call it after a fork, never before."""
    if make_url(url).get_backend_name() == "sqlite":
        write, read = (_sqlite(url, begin=begin) for begin in ("BEGIN IMMEDIATE", "BEGIN"))
        return Database(_sessions(write), _sessions(read), (write, read))
    engine = postgres_engine(url, pool_size=pool_size)
    return Database(_sessions(engine), _sessions(engine), (engine,))


def disk_is_full(failure: SQLAlchemyError) -> bool:
    """Return whether the database could not write for lack of space (SQLITE_FULL, or Postgres' disk_full)."""
    cause = failure.orig if isinstance(failure, DBAPIError) else None
    return getattr(cause, "sqlite_errorname", None) == "SQLITE_FULL" or getattr(cause, "sqlstate", None) == "53100"


def _sessions(engine: Engine) -> Sessions:
    return sessionmaker(engine, expire_on_commit=False)


def _sqlite(url: str, *, begin: str) -> Engine:
    engine = create_engine(url, pool_timeout=POOL_TIMEOUT_S, connect_args={"timeout": LOCK_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None  # otherwise the driver begins transactions by itself
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin_explicitly(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
