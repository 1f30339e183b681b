"""Many rows into a table at once: by COPY on Postgres, where it costs a third of what INSERT does (ADR 15).

COPY goes through SQLAlchemy like every statement, so that its errors, and connections lost in its midst, are what they
are for every other.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import Cursor
from sqlalchemy import Column, Connection, Engine, Table, event, insert
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.orm import Session

from core.db.tables import Base

Values = tuple[object, ...]

COPIED_TYPES = "copied_types"
"""The execution option of a COPY: the Postgres types of its columns."""

FEWEST_TO_COPY = 8
"""With fewer rows, the round trip that COPY takes more than INSERT costs more than it saves (measured)."""


def insert_rows(session: Session, entity: type[Base], columns: Sequence[str], rows: Sequence[Values]) -> None:
    """Inserts rows whose values stand in the order of the columns; a column left out becomes NULL."""
    table = Base.metadata.tables[entity.__tablename__]
    connection = session.connection()
    if connection.dialect.name == "postgresql" and len(rows) >= FEWEST_TO_COPY:
        _copy(connection, table, [table.columns[name] for name in columns], rows)
    elif rows:
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])


def copy_when_asked(engine: Engine) -> None:
    """Has an engine over psycopg run as COPY what `insert_rows` asks it to."""

    @event.listens_for(engine, "do_executemany")
    def copy(cursor: Cursor[Any], statement: str, rows: Sequence[Values], context: ExecutionContext) -> bool:
        types: Sequence[str] | None = context.execution_options.get(COPIED_TYPES)
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
    connection.exec_driver_sql(statement, list(zip(*bound, strict=True)), execution_options={COPIED_TYPES: types})


def _bound(connection: Connection, column: Column[Any], values: Iterable[object]) -> Iterable[object]:
    """A column's values as the driver takes them, after the checks that the column's type makes."""
    dialect = connection.dialect
    bind = column.type.dialect_impl(dialect).bind_processor(dialect)
    return values if bind is None else map(bind, values)
