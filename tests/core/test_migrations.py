"""The schema's history."""

from alembic import command
from sqlalchemy import create_engine, inspect

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
