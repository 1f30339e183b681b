"""A database, a queue and a storage beside a stack's, on the same servers, that no worker looks at."""

import sys
from pathlib import Path

from pydantic import SecretStr

from bench.harness.stack import BenchError, BenchStack
from core.settings import ROOT, Settings
from ops.stack import environment_of
from ops.supervisor import Program, Supervisor

OTHER_REDIS_DATABASE = "/9"


def quiet_settings(stack: BenchStack, folder: Path) -> Settings:
    """The stack's settings with these in place of its own; the database is migrated, `folder` is made."""
    redis_url = stack.redis.url.removesuffix("/0") + OTHER_REDIS_DATABASE
    given = {"redis_url": SecretStr(redis_url), "database_url": stack.postgres.create_database(folder.name)}
    settings = stack.plan.settings.model_copy(update={**given, "storage_dir": folder / "storage"})
    folder.mkdir()
    migrate = Program("migrate", (sys.executable, "-m", "alembic", "upgrade", "head"), environment_of(settings))
    with Supervisor(folder=ROOT, log_dir=folder, report=print) as supervisor:
        if supervisor.run(migrate) != 0:
            raise BenchError(supervisor.log_tails(migrate))
    return settings
