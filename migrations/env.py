"""Runs migrations on the database of the settings, or on the one given as `sqlalchemy.url`."""

from alembic import context
from sqlalchemy import Connection

from core.db.engines import open_database
from core.db.tables import Base
from core.settings import settings

LOCK_TIMEOUT_S = 5


def migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'")
        connection.exec_driver_sql(
            "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'"
        )
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_server_default=True,
    )
    context.run_migrations()


url = context.config.get_main_option("sqlalchemy.url") or settings().database_url
database = open_database(url)
with database.engines[0].begin() as connection:
    migrate(connection)
database.dispose()
