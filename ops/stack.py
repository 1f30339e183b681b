"""The embedded stack: its processes, the order in which they start, and when it is ready."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydantic import SecretStr

from core.access.keys import create_key, list_keys, revoke_key
from core.broker import BROKER_ERRORS, celery_app
from core.db.engines import open_database
from core.settings import ROOT, Settings
from ops.data_dir import lock_data_dir, stack_settings
from ops.errors import DidNotStart
from ops.ports import LOOPBACK, choose_port, is_open
from ops.redis_server import PrivateRedis, prepare_redis
from ops.supervisor import Program, Supervisor
from ops.web_ui import ui_is_ready, ui_program

START_TIMEOUT_S = 60.0
MAX_START_FAILURES = 3
WORKER_NODES = 2
KEY_OWNER = "local"

NO_CLUSTER = ("--without-mingle", "--without-gossip")
"""Workers share nothing but the database; asking each other at the start would cost a second."""


@dataclass(frozen=True)
class Stack:
    """Everything that is decided before the first process starts."""

    settings: Settings
    private_redis: PrivateRedis | None
    host: str
    port: int
    flower_port: int | None
    """None: Flower is not started."""
    flower_password: str
    workers: int
    ui_port: int | None = None
    """None: the web UI is not started."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that its processes get in addition to the settings and the environment of this process."""

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def flower_address(self) -> str | None:
        return None if self.flower_port is None else f"http://{LOOPBACK}:{self.flower_port}"

    @property
    def ui_address(self) -> str | None:
        return None if self.ui_port is None else f"http://{LOOPBACK}:{self.ui_port}"


@contextmanager
def running_stack(
    data_dir: Path,
    *,
    report: Callable[[str], None],
    host: str = LOOPBACK,
    port: int = 0,
    flower_port: int = 0,
    ui_port: int | None = None,
    workers: int | None = None,
) -> Iterator[tuple[Stack, Supervisor]]:
    """Start a stack, wait until it is ready, and stop it when the block ends.

    `report` gets one line for every event that a person should see; port 0 finds a free one. Raises OpsError.
    """
    with lock_data_dir(data_dir):
        stack = plan_stack(data_dir, host=host, port=port, flower_port=flower_port, ui_port=ui_port, workers=workers)
        with Supervisor(folder=ROOT, log_dir=data_dir.resolve() / "logs", report=report) as supervisor:
            start_stack(stack, supervisor)
            yield stack, supervisor


def plan_stack(
    data_dir: Path,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    flower_port: int = 0,
    ui_port: int | None = None,
    workers: int | None = None,
) -> Stack:
    """Choose ports, passwords and folders, and a private Redis unless the settings name one. Raises OpsError."""
    settings = stack_settings(data_dir)
    private_redis = None
    if not settings.redis_url.get_secret_value():
        private_redis = prepare_redis(data_dir / "redis")
        settings = settings.model_copy(update={"redis_url": SecretStr(private_redis.url)})
    return Stack(
        settings=settings,
        private_redis=private_redis,
        host=host,
        port=choose_port(port, host=host, option="--port"),
        flower_port=choose_port(flower_port, option="--flower-port"),
        flower_password=secrets.token_urlsafe(12),
        workers=workers or os.cpu_count() or 1,
        ui_port=None if ui_port is None else choose_port(ui_port, option="--ui-port"),
    )


def start_stack(stack: Stack, supervisor: Supervisor) -> None:
    """Start every process and return when the stack accepts and does work. Raises DidNotStart."""
    if private := stack.private_redis:
        supervisor.start(Program("redis", private.command))
        _await(lambda: is_open(private.port), supervisor, what="Redis")
    migrate = Program("migrate", _python("alembic", "upgrade", "head"), environment_of(stack.settings))
    if supervisor.run(migrate) != 0:
        raise DidNotStart(f"The database could not be migrated. {supervisor.log_tails(migrate)}")
    supervisor.start(*_servers(stack))
    _await(lambda: _api_is_ready(stack), supervisor, what="The API")
    _await(lambda: _workers_are_ready(stack), supervisor, what="Redis or the workers")
    if ui := stack.ui_address:
        _await(lambda: ui_is_ready(ui), supervisor, what="The web UI")


def create_stack_key(stack: Stack, *, name: str) -> str:
    """Create a key for the person at the terminal and return its secret.

    It replaces the stack's live keys of this name. Their secrets cannot be read again, so every start needs a new key.
    """
    database = open_database(stack.settings.database_url)
    with database.write.begin() as session:
        for key in list_keys(session):
            if (key.owner, key.name) == (KEY_OWNER, name) and key.revoked_at is None:
                revoke_key(session, key.id)
        _, secret = create_key(session, owner=KEY_OWNER, name=name)
    database.dispose()
    return secret


def _servers(stack: Stack) -> Iterator[Program]:
    environment = {**environment_of(stack.settings), **stack.environment}
    flower = {
        "FLOWER_BASIC_AUTH": f"batchlight:{stack.flower_password}",
        "FLOWER_READ_ONLY": "true",
        "FLOWER_TASKS_COLUMNS": "name,state,kwargs,result,received,runtime,worker",
    }
    api = _python("uvicorn", "api.app:create_app", "--factory", "--host", stack.host, "--port", str(stack.port))
    yield Program("api", api, environment)
    yield Program("worker-bulk", _worker("bulk", queues="bulk,archive", processes=stack.workers), environment)
    yield Program("worker-interactive", _worker("interactive", queues="interactive,overlay", processes=1), environment)
    yield Program("maintenance", _python("maintenance"), environment)
    if stack.flower_port is not None:
        show = _celery("flower", f"--address={LOOPBACK}", f"--port={stack.flower_port}")
        yield Program("flower", show, environment | flower)
    if stack.ui_port is not None:
        yield ui_program(stack.address, port=stack.ui_port)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment variables of every setting that differs from its default."""
    changed = settings.model_dump(exclude_defaults=True)
    return {
        f"BATCHLIGHT_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in changed.items()
    }


def _worker(name: str, *, queues: str, processes: int) -> tuple[str, ...]:
    return _celery(
        "worker", "-Q", queues, "-c", str(processes), "-n", f"{name}@%h", "-E", "--loglevel=INFO", *NO_CLUSTER
    )


def _celery(command: str, *arguments: str) -> tuple[str, ...]:
    return _python("celery", "-A", "worker.runtime.app", command, *arguments)


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _await(ready: Callable[[], bool], supervisor: Supervisor, *, what: str) -> None:
    until_s = time.monotonic() + START_TIMEOUT_S
    while not ready():
        if time.monotonic() > until_s or supervisor.max_failures() >= MAX_START_FAILURES:
            raise DidNotStart(f"{what} did not become ready within {START_TIMEOUT_S:.0f} s. {supervisor.log_tails()}")
        supervisor.watch()
        time.sleep(0.05)


def _api_is_ready(stack: Stack) -> bool:
    try:
        return httpx.get(f"{stack.address}/readyz", timeout=2).is_success
    except httpx.TransportError:
        return False


def _workers_are_ready(stack: Stack) -> bool:
    app = celery_app(stack.settings.redis_url.get_secret_value())
    try:
        answers = app.control.inspect(timeout=1.0, limit=WORKER_NODES).ping() or {}
    except BROKER_ERRORS:
        return False
    return len(answers) >= WORKER_NODES
