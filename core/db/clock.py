"""Time on the clock of the database: processes never compare instants with their own clock."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Double, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """A UTC-aware datetime, stored as epoch seconds so that SQLite and Postgres compare it alike."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> float | None:
        return None if value is None else value.timestamp()

    def process_result_value(self, value: float | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


class EpochNow(FunctionElement[datetime]):
    """The clock of the database at this statement, in epoch seconds."""

    type = Instant()
    inherit_cache = True


@compiles(EpochNow, "sqlite")
def _sqlite(element: EpochNow, compiler: SQLCompiler, **kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(EpochNow, "postgresql")
def _postgresql(element: EpochNow, compiler: SQLCompiler, **kw: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


def db_now(*, plus_s: float = 0.0) -> ColumnElement[datetime]:
    """Return now plus `plus_s` seconds on the clock of the database, as an expression that the database evaluates."""
    return type_coerce(type_coerce(EpochNow(), Double()) + plus_s, Instant()) if plus_s else EpochNow()
