"""Many rows at once: whatever way they take, they arrive as they are or not at all."""

import numpy as np
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session

from core.db.bulk_insert import MIN_ROWS_TO_COPY, insert_rows
from core.db.engines import Database
from core.db.tables import Item
from core.states import ItemState

COLUMNS = ("job_id", "index", "shard_id", "name", "state", "sha256", "size_bytes", "confidence", "top_k", "cam")
NAME = 'zoë\t"\\N"\n, {}.png'
CAM = np.arange(256, dtype=np.uint8).tobytes()
TOP_K = [{"label": "Zoë's\t\\x", "confidence": 0.1 + 0.2}]
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
HOW_MANY = [1, MIN_ROWS_TO_COPY - 1, MIN_ROWS_TO_COPY, 300]


def row(place: int, /, **changed: object) -> tuple[object, ...]:
    values = dict(
        zip(COLUMNS, ("j", place, "s", NAME, ItemState.SUCCEEDED, "0" * 64, 2**40, 0.1 + 0.2, TOP_K, CAM), strict=True)
    )
    return tuple((values | changed).values())


def count(session: Session) -> int | None:
    return session.scalar(select(func.count()).select_from(Item))


@pytest.mark.parametrize("rows", HOW_MANY)
def test_every_value_arrives_as_it_was(database: Database, rows: int) -> None:
    with database.write.begin() as session:
        insert_rows(session, Item, COLUMNS, [row(index) for index in range(rows)])

    with database.read.begin() as session:
        items = session.scalars(select(Item).order_by(Item.index)).all()
    assert [item.index for item in items] == list(range(rows))
    assert {(item.name, item.state, item.size_bytes) for item in items} == {(NAME, ItemState.SUCCEEDED, 2**40)}
    assert all((item.confidence, item.top_k, item.cam, item.label) == (0.1 + 0.2, TOP_K, CAM, None) for item in items)


@pytest.mark.parametrize("rows", HOW_MANY)
@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"index": 0}, IntegrityError), ({"name": None}, IntegrityError), ({"state": "odd"}, StatementError)],
)
def test_one_wrong_row_keeps_all_of_them_out(
    database: Database, rows: int, wrong: dict[str, object], error: type[SQLAlchemyError]
) -> None:
    with pytest.raises(error), database.write.begin() as session:
        insert_rows(session, Item, COLUMNS, [*(row(index) for index in range(rows)), row(rows, **wrong)])

    with database.write.begin() as session:
        assert count(session) == 0


@ON_POSTGRES
def test_copied_text_is_held_to_its_length(database: Database) -> None:
    rows = [row(index, name="x" * 1001) for index in range(MIN_ROWS_TO_COPY)]

    with pytest.raises(DataError, match="too long"), database.write.begin() as session:
        insert_rows(session, Item, COLUMNS, rows)


@ON_POSTGRES
def test_a_connection_lost_while_copying_is_the_databases_trouble_and_is_replaced(database: Database) -> None:
    rows = [row(index) for index in range(MIN_ROWS_TO_COPY)]

    with database.write() as session:
        backend = session.scalar(text("SELECT pg_backend_pid()"))
        with database.write() as other:
            other.execute(text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": backend})
        with pytest.raises(OperationalError):
            insert_rows(session, Item, COLUMNS, rows)

    with database.write.begin() as session:
        insert_rows(session, Item, COLUMNS, rows)
        assert count(session) == MIN_ROWS_TO_COPY


def test_no_rows_are_nothing_to_do(database: Database) -> None:
    with database.write.begin() as session:
        insert_rows(session, Item, COLUMNS, [])

        assert count(session) == 0
