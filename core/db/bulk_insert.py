"""Inserting many rows at once: by COPY on Postgres, where it costs a third of what INSERT does (ADR 15).

COPY goes through SQLAlchemy like every statement, so that its errors and lost connections are handled alike.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import Cursor
from sqlalchemy import Column, Connection, Engine, Table, event, insert
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.orm import Session

from core.db.tables import Base

Values = tuple[object, ...]

COPY_TYPES = "copy_types"
"""The execution option that marks a COPY; its value is the Postgres types of the columns."""

MIN_ROWS_TO_COPY = 8
"""With fewer rows, the additional round trip of COPY costs more than it saves (measured)."""


def insert_rows(session: Session, entity: type[Base], columns: Sequence[str], rows: Sequence[Values]) -> None:
    """Insert rows whose values stand in the order of the columns; a column left out becomes NULL."""
    table = Base.metadata.tables[entity.__tablename__]
    connection = session.connection()
    if connection.dialect.name == "postgresql" and len(rows) >= MIN_ROWS_TO_COPY:
        _copy(connection, table, [table.columns[name] for name in columns], rows)
    elif rows:
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])


def run_copies(engine: Engine) -> None:
    """Make an engine over psycopg run the statements that `insert_rows` marks as COPY."""

    @event.listens_for(engine, "do_executemany")
    def copy(cursor: Cursor[Any], statement: str, rows: Sequence[Values], context: ExecutionContext) -> bool:
        types: Sequence[str] | None = context.execution_options.get(COPY_TYPES)
        if types is None:
            return False
        with cursor.copy(statement) as target:
            target.set_types(types)
            for row in rows:
                target.write_row(row)
        return True


def _copy(connection: Connection, table: Table, columns: Sequence[Column[Any]], rows: Sequence[Values]) -> None:
    quoted = connection.dialect.identifier_preparer
    names = ", ".join(quoted.format_column(column) for column in columns)
    statement = f"COPY {quoted.format_table(table)} ({names}) FROM STDIN (FORMAT BINARY)"
    types = [column.type.compile(connection.dialect).partition("(")[0].lower() for column in columns]
    bound = [
        _bound(connection, column, values) for column, values in zip(columns, zip(*rows, strict=True), strict=True)
    ]
    connection.exec_driver_sql(statement, list(zip(*bound, strict=True)), execution_options={COPY_TYPES: types})


def _bound(connection: Connection, column: Column[Any], values: Iterable[object]) -> Iterable[object]:
    """Return the values of a column as the driver takes them, checked by the type of the column."""
    dialect = connection.dialect
    bind = column.type.dialect_impl(dialect).bind_processor(dialect)
    return values if bind is None else map(bind, values)
