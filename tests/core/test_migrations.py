"""The schema's history."""

import re

import pytest
from alembic import command
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from core.db.engines import Database
from core.states import Explain
from tests.core.moves import claimed, finish, reread, submitted
from tests.databases import alembic_config


def test_the_migrations_go_up_down_and_up_again(database_url: str) -> None:
    config = alembic_config(database_url)

    command.downgrade(config, "base")
    engine = create_engine(database_url)
    left = set(inspect(engine).get_table_names()) - {"alembic_version"}
    command.upgrade(config, "head")

    assert left == set()
    assert {"keys", "jobs", "shards", "items", "archives"} <= set(inspect(engine).get_table_names())
    engine.dispose()


def test_the_migrated_schema_is_the_one_the_tables_describe(database_url: str) -> None:
    command.check(alembic_config(database_url))


def test_a_job_from_before_there_was_a_choice_was_explained_by_its_cams(database: Database, database_url: str) -> None:
    job = submitted(database, 2)
    finish(database, claimed(database))

    command.downgrade(alembic_config(database_url), "0002")
    command.upgrade(alembic_config(database_url), "head")

    assert reread(database, job).explain == Explain.CAM
    with database.read.begin() as session:
        assert session.scalars(text("SELECT faithfulness FROM items")).all() == [None, None]


@pytest.mark.parametrize("wrong", ["UPDATE jobs SET explain = 'none'", "UPDATE jobs SET queued = 1"])
def test_a_migrated_database_still_refuses_what_no_job_can_be(
    database: Database, database_url: str, wrong: str
) -> None:
    submitted(database, 2)
    command.downgrade(alembic_config(database_url), "0002")
    command.upgrade(alembic_config(database_url), "head")

    with database.write() as session, pytest.raises(IntegrityError):
        session.execute(text(wrong))


def test_items_survive_losing_their_foreign_keys_and_getting_them_back(database: Database, database_url: str) -> None:
    submitted(database, 2)
    finish(database, claimed(database), failed=1)

    command.downgrade(alembic_config(database_url), "0003")
    with_keys = foreign_tables(database_url)
    command.upgrade(alembic_config(database_url), "head")

    assert (with_keys, foreign_tables(database_url)) == ({"jobs", "shards"}, set())
    with database.read.begin() as session:
        assert session.scalars(text("SELECT state FROM items ORDER BY state")).all() == ["failed", "succeeded"]
    with database.write() as session, pytest.raises(IntegrityError):
        session.execute(text("UPDATE items SET state = 'odd'"))


def foreign_tables(database_url: str) -> set[str]:
    """The tables that the items' foreign keys refer to."""
    engine = create_engine(database_url)
    keys = {key["referred_table"] for key in inspect(engine).get_foreign_keys("items")}
    engine.dispose()
    return keys


def test_renamed_columns_keep_their_values_down_and_up_again(database: Database, database_url: str) -> None:
    job = submitted(database, 2)
    shard = claimed(database)

    command.downgrade(alembic_config(database_url), "0004")
    engine = create_engine(database_url)
    with engine.begin() as connection:
        old_shard = connection.execute(text("SELECT lane, round, turn FROM shards")).one()
        old_job = connection.execute(text("SELECT lane, round FROM jobs")).one()
    command.upgrade(alembic_config(database_url), "head")

    assert tuple(old_shard) == (shard.queue, shard.run, shard.virtual_time)
    assert tuple(old_job) == (job.queue, job.run)
    now = reread(database, job)
    assert (now.queue, now.run) == (job.queue, job.run)
    finish(database, shard)
    engine.dispose()


def test_renamed_constraints_and_indexes_keep_no_old_name(database: Database, database_url: str) -> None:
    engine = create_engine(database_url)
    found = inspect(engine)
    names = {
        str(named["name"])
        for table in ("jobs", "shards", "archives")
        for named in (
            *found.get_check_constraints(table),
            *found.get_unique_constraints(table),
            *found.get_indexes(table),
        )
    }
    engine.dispose()

    assert {"ck_jobs_queue", "ck_shards_queue", "uq_archives_job_id_run", "ix_shards_virtual_time"} <= names
    assert not [name for name in names if re.search("lane|round|turn", name)]


@pytest.mark.parametrize("wrong", ["UPDATE jobs SET queue = 'express'", "UPDATE shards SET queue = 'express'"])
def test_a_renamed_check_still_refuses_an_unknown_queue(database: Database, wrong: str) -> None:
    submitted(database, 2)

    with database.write() as session, pytest.raises(IntegrityError):
        session.execute(text(wrong))
