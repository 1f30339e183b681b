"""A second database, Redis database and storage folder on a stack's own servers, which no worker reads."""

import sys
from pathlib import Path

from pydantic import SecretStr

from bench.harness.stack import BenchError, BenchStack
from core.settings import ROOT, Settings
from ops.stack import environment_of
from ops.supervisor import Program, Supervisor

IDLE_REDIS_DATABASE = "/9"


def idle_settings(stack: BenchStack, folder: Path) -> Settings:
    """Return the stack's settings, pointed at the idle databases and at `folder`, which is created.

    The database is migrated. Raises BenchError, with the migration's log, if the migration fails.
    """
    settings = stack.plan.settings.model_copy(
        update={
            "redis_url": SecretStr(stack.redis.url.removesuffix("/0") + IDLE_REDIS_DATABASE),
            "database_url": stack.postgres.create_database(folder.name),
            "storage_dir": folder / "storage",
        }
    )
    folder.mkdir()
    migrate = Program("migrate", (sys.executable, "-m", "alembic", "upgrade", "head"), environment_of(settings))
    with Supervisor(folder=ROOT, log_dir=folder, report=print) as supervisor:
        if supervisor.run(migrate) != 0:
            raise BenchError(f"The idle database could not be migrated. {supervisor.log_tails(migrate)}")
    return settings
