"""Time as the database tells it."""

import time

import pytest
from sqlalchemy import select

from core.db.clock import db_now
from core.db.engines import Database


def test_the_databases_clock_counts_seconds(database: Database) -> None:
    with database.read.begin() as session:
        now, later = session.execute(select(db_now(), db_now(plus_s=60))).one()

    assert abs(now.timestamp() - time.time()) < 5
    assert (later - now).total_seconds() == pytest.approx(60, abs=1)
