"""A deployment without an engine: each role from its own folders, with its own packages, by its own command."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from redis import ConnectionError as NoConnection
from redis import Redis

from ops.ports import LOOPBACK, free_port
from ops.redis_server import find_redis
from servers.postgres import PostgresServer
from tests.deploy import composition, images
from tests.deploy.containers import Container, Role, build_venv

VENVS = {"admin": "api", "api": "api", "worker": "worker"}


@dataclass(frozen=True)
class Deployment:
    """What runs, and a client with a key to it."""

    client: httpx.Client
    api: Container
    worker: Container
    database_url: str


@pytest.fixture(scope="session")
def venvs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The virtual environments of the API's and the workers' images, made side by side."""
    folders = {name: tmp_path_factory.mktemp(name) for name in set(VENVS.values())}
    with ThreadPoolExecutor() as pool:
        made = {name: pool.submit(build_venv, f"{name}-packages", folder) for name, folder in folders.items()}
    return {name: venv.result() for name, venv in made.items()}


@pytest.fixture(scope="session")
def composed_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis started by the command in docker-compose.yml."""
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    shell, option, script = composition.services()["redis"]["command"]
    script = script.replace("$$", "$").replace("/data", str(folder))
    script = script.replace("valkey-server -", f"'{find_redis()}' - --bind {LOOPBACK} --port {port}")
    log = folder / "server.log"
    with log.open("wb") as output:
        started = subprocess.Popen([shell, option, script], env={"REDISCLI_AUTH": "secret"}, stdout=output)
    server, url = Container(started, log), f"redis://:secret@{LOOPBACK}:{port}/0"
    server.becomes(lambda: pings(url))
    yield url
    server.stop("SIGTERM", grace_s=10)


@pytest.fixture(scope="session")
def deployment(
    venvs: dict[str, Path], postgres: PostgresServer, composed_redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Migrated and keyed by the admin image, served by the API's, worked on by two of the workers'."""
    folder, url = tmp_path_factory.mktemp("app"), postgres.create_database("containers")
    settings = {
        "WEB_CONCURRENCY": "2",
        "BATCHLIGHT_DATABASE_URL": url,
        "BATCHLIGHT_REDIS_URL": composed_redis,
        "BATCHLIGHT_STORAGE_DIR": str(folder / "storage"),
    }
    roles = {name: Role(name, folder / name, venvs[venv], settings) for name, venv in VENVS.items()}
    for role in roles.values():
        role.lay_out()
    with ExitStack() as stack:
        key = migrate_and_make_key(roles["admin"])
        api, address = start_server(roles["api"], stack)
        worker, _ = start_workers(roles["worker"], stack)
        headers = {"Authorization": f"Bearer {key}"}
        client = stack.enter_context(httpx.Client(base_url=address, headers=headers, timeout=60))
        yield Deployment(client, api, worker, url)


def migrate_and_make_key(admin: Role) -> str:
    admin.run(*images.command("admin"))
    return admin.run(*composition.services()["admin"]["entrypoint"], "keys", "create", "--owner", "ada").strip()


def start_server(role: Role, stack: ExitStack) -> tuple[Container, str]:
    """The running server and its address: the image's command and health check, on a free port of loopback."""
    everywhere, exposed, port = "0.0.0.0", images.last(role.target, "EXPOSE") or "", str(free_port())  # noqa: S104
    command, health = (
        [word.replace(everywhere, LOOPBACK).replace(exposed, port) for word in words]
        for words in (images.command(role.target), images.health_command(role.target) or [])
    )
    container = role.start(*command)
    stack.callback(container.kill)
    container.becomes(lambda: role.succeeds(*health))
    return container, f"http://{LOOPBACK}:{port}"


def start_workers(worker: Role, stack: ExitStack) -> list[Container]:
    """The bulk worker by the image's own command, the interactive one by that of docker-compose.yml."""
    commands = [images.command("worker"), composition.services()["worker-interactive"]["command"]]
    containers = [worker.start(*command) for command in commands]
    for container in containers:
        stack.callback(container.kill)
        container.becomes(lambda: worker.succeeds(*images.health_command("worker") or []))
    return containers


def pings(url: str) -> bool:
    with Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except NoConnection:
            return False
