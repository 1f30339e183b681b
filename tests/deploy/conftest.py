"""A deployment without Docker: each role with its own folders, its own packages and its own command."""

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

VENVS = {"admin": "api", "api": "api", "maintenance": "api", "worker": "worker"}
"""The stage of the Dockerfile whose packages each role has, without `-packages`."""


@dataclass(frozen=True)
class Deployment:
    """The running roles, and a client with a key."""

    client: httpx.Client
    api: Container
    worker: Container
    maintenance: Container
    database_url: str


@pytest.fixture(scope="session")
def venvs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The virtual environments of the API's and the workers' images."""
    folders = {name: tmp_path_factory.mktemp(name) for name in set(VENVS.values())}
    with ThreadPoolExecutor() as pool:
        builds = {name: pool.submit(build_venv, f"{name}-packages", folder) for name, folder in folders.items()}
    return {name: venv.result() for name, venv in builds.items()}


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
    server.wait_until(lambda: pings(url))
    yield url
    server.stop("SIGTERM", grace_s=10)


@pytest.fixture(scope="session")
def deployment(
    venvs: dict[str, Path], postgres: PostgresServer, composed_redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A deployment that the admin role has prepared: an API, two workers and maintenance."""
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
        key = migrate_and_create_key(roles["admin"])
        api, address = start_server(roles["api"], stack)
        worker, _ = start_workers(roles["worker"], stack)
        maintenance = roles["maintenance"].start(*images.command("maintenance"))
        stack.callback(maintenance.kill)
        headers = {"Authorization": f"Bearer {key}"}
        client = stack.enter_context(httpx.Client(base_url=address, headers=headers, timeout=60))
        yield Deployment(client, api, worker, maintenance, url)


def migrate_and_create_key(admin: Role) -> str:
    admin.run(*images.command("admin"))
    return admin.run(*composition.services()["admin"]["entrypoint"], "keys", "create", "--owner", "ada").strip()


def start_server(role: Role, stack: ExitStack) -> tuple[Container, str]:
    """Start the image's command on a free port, wait for its health check, and return it with its address."""
    every_address, exposed, port = "0.0.0.0", images.last(role.target, "EXPOSE") or "", str(free_port())  # noqa: S104
    command, health = (
        [argument.replace(every_address, LOOPBACK).replace(exposed, port) for argument in arguments]
        for arguments in (images.command(role.target), images.health_command(role.target) or [])
    )
    container = role.start(*command)
    stack.callback(container.kill)
    container.wait_until(lambda: role.succeeds(*health))
    return container, f"http://{LOOPBACK}:{port}"


def start_workers(worker: Role, stack: ExitStack) -> list[Container]:
    """Start a bulk worker by the image's command, and an interactive one by the command in docker-compose.yml."""
    commands = [images.command("worker"), composition.services()["worker-interactive"]["command"]]
    containers = [worker.start(*command) for command in commands]
    for container in containers:
        stack.callback(container.kill)
        container.wait_until(lambda: worker.succeeds(*images.health_command("worker") or []))
    return containers


def pings(url: str) -> bool:
    with Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except NoConnection:
            return False
