"""The embedded stack: what processes it is made of, in which order they start, and when it is ready."""

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

from core.access.keys import create_key
from core.broker import BROKER_ERRORS, celery_app
from core.db.engines import open_database
from core.settings import ROOT, Settings
from ops.data_dir import hold, stack_settings
from ops.errors import DidNotStart
from ops.ports import LOOPBACK, claim_port, is_open
from ops.redis_server import PrivateRedis, prepare_redis
from ops.supervisor import Program, Supervisor
from ops.web_ui import page_is_ready, page_program

START_WAIT_S = 60.0
START_FAILURES = 3
WORKER_NODES = 2
ALONE = ("--without-mingle", "--without-gossip")  # workers share nothing but the database; asking around costs a second


@dataclass(frozen=True)
class Stack:
    """All that is decided before the first process starts."""

    settings: Settings
    private_redis: PrivateRedis | None
    host: str
    port: int
    flower_port: int | None
    """None leaves Flower out."""
    flower_password: str
    workers: int
    page_port: int | None = None
    """None leaves the page out."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What its processes get on top of the settings and of our own environment."""

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def flower_address(self) -> str | None:
        return None if self.flower_port is None else f"http://{LOOPBACK}:{self.flower_port}"

    @property
    def page_address(self) -> str | None:
        return None if self.page_port is None else f"http://{LOOPBACK}:{self.page_port}"


@contextmanager
def running_stack(
    data_dir: Path,
    *,
    say: Callable[[str], None],
    host: str = LOOPBACK,
    port: int = 0,
    flower_port: int = 0,
    page_port: int | None = None,
    workers: int | None = None,
) -> Iterator[tuple[Stack, Supervisor]]:
    """A stack that is ready to work, and stopped when the block ends, however it ends; raises OpsError."""
    with hold(data_dir):
        stack = plan_stack(
            data_dir, host=host, port=port, flower_port=flower_port, page_port=page_port, workers=workers
        )
        with Supervisor(folder=ROOT, log_dir=data_dir.resolve() / "logs", say=say) as supervisor:
            start_stack(stack, supervisor)
            yield stack, supervisor


def plan_stack(
    data_dir: Path,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    flower_port: int = 0,
    page_port: int | None = None,
    workers: int | None = None,
) -> Stack:
    """Decides on ports, passwords and places; raises OpsError. A Redis named in the settings is left alone."""
    settings = stack_settings(data_dir)
    private_redis = None
    if not settings.redis_url.get_secret_value():
        private_redis = prepare_redis(data_dir / "redis")
        settings = settings.model_copy(update={"redis_url": SecretStr(private_redis.url)})
    return Stack(
        settings=settings,
        private_redis=private_redis,
        host=host,
        port=claim_port(port, host=host, option="--port"),
        flower_port=claim_port(flower_port, option="--flower-port"),
        flower_password=secrets.token_urlsafe(12),
        workers=workers or os.cpu_count() or 1,
        page_port=None if page_port is None else claim_port(page_port, option="--page-port"),
    )


def start_stack(stack: Stack, supervisor: Supervisor) -> None:
    """Starts every part and returns when work can be done; raises DidNotStart."""
    if private := stack.private_redis:
        supervisor.start(Program("redis", private.command))
        _await(lambda: is_open(private.port), supervisor, what="Redis")
    migrate = Program("migrate", _python("alembic", "upgrade", "head"), environment_of(stack.settings))
    if supervisor.run(migrate) != 0:
        raise DidNotStart(f"The database could not be migrated. {supervisor.last_words(migrate)}")
    supervisor.start(*_servers(stack))
    _await(lambda: _api_is_ready(stack), supervisor, what="The API")
    _await(lambda: _workers_are_ready(stack), supervisor, what="Redis or the workers")
    if page := stack.page_address:
        _await(lambda: page_is_ready(page), supervisor, what="The page")


def create_stack_key(stack: Stack, *, name: str) -> str:
    """A new key's secret, for the person at the terminal."""
    database = open_database(stack.settings.database_url)
    with database.write.begin() as session:
        _, secret = create_key(session, owner="local", name=name)
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
    yield Program("sweep", _python("maintenance"), environment)
    if stack.flower_port is not None:
        show = _celery("flower", f"--address={LOOPBACK}", f"--port={stack.flower_port}")
        yield Program("flower", show, environment | flower)
    if stack.page_port is not None:
        yield page_program(stack.address, port=stack.page_port)


def environment_of(settings: Settings) -> dict[str, str]:
    """Every setting that is not left at its default, for processes that may be started again much later."""
    given = settings.model_dump(exclude_defaults=True)
    return {
        f"BATCHLIGHT_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in given.items()
    }


def _worker(name: str, *, queues: str, processes: int) -> tuple[str, ...]:
    return _celery("worker", "-Q", queues, "-c", str(processes), "-n", f"{name}@%h", "-E", "--loglevel=INFO", *ALONE)


def _celery(command: str, *arguments: str) -> tuple[str, ...]:
    return _python("celery", "-A", "worker.runtime.app", command, *arguments)


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _await(ready: Callable[[], bool], supervisor: Supervisor, *, what: str) -> None:
    until_s = time.monotonic() + START_WAIT_S
    while not ready():
        if time.monotonic() > until_s or supervisor.most_failures() >= START_FAILURES:
            raise DidNotStart(f"{what} did not become ready. {supervisor.last_words()}")
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
