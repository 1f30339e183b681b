"""Further processes over a ground's database and storage: a fault may take them while the ground's own go on."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from core.settings import ROOT
from ops.ports import LOOPBACK, free_port
from ops.stack import environment_of
from ops.supervisor import Program, Supervisor
from tests.faults.ground import Ground

START_WAIT_S = 30.0
NODE = "replica"


@dataclass(frozen=True)
class Replica:
    """A second API."""

    url: str
    process: psutil.Process
    key: str

    def client(self, *, timeout_s: float = 30) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=timeout_s)


@contextmanager
def second_api(ground: Ground, folder: Path, **settings: object) -> Iterator[Replica]:
    """An API with these settings changed, which stays dead when it dies; its log is in the folder."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    with _running(ground, folder, "uvicorn", "api.app:create_app", "--factory", f"--port={port}", **settings) as pid:
        _await(lambda: httpx.get(f"{url}/healthz", timeout=2).is_success, folder)
        yield Replica(url, psutil.Process(pid), ground.stack.key)


@contextmanager
def second_worker(ground: Ground, folder: Path, **settings: object) -> Iterator[None]:
    """A bulk worker of one process beside the ground's."""
    options = ("-Q", "bulk", "-c", "1", "-n", f"{NODE}@%h", "--loglevel=INFO", "--without-mingle", "--without-gossip")
    with _running(ground, folder, "celery", "-A", "worker.runtime.app", "worker", *options, **settings):
        _await(lambda: f"{NODE}@" in _log(folder) and " ready." in _log(folder), folder)
        yield


@contextmanager
def second_sweep(ground: Ground, folder: Path, **settings: object) -> Iterator[None]:
    """A sweep beside the ground's."""
    with _running(ground, folder, "maintenance", **settings):
        yield


@contextmanager
def _running(ground: Ground, folder: Path, *command: str, **settings: object) -> Iterator[int]:
    environment = environment_of(ground.stack.settings.model_copy(update=settings))
    folder.mkdir(exist_ok=True)
    with Supervisor(folder=ROOT, log_dir=folder, report=print) as supervisor:
        supervisor.start(Program(NODE, (sys.executable, "-m", *command), environment))
        yield supervisor.pids()[NODE]


def _await(ready: Callable[[], bool], folder: Path) -> None:
    until_s = time.monotonic() + START_WAIT_S
    while not _tried(ready):
        assert time.monotonic() < until_s, _log(folder)
        time.sleep(0.02)


def _tried(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except httpx.TransportError:
        return False


def _log(folder: Path) -> str:
    return (folder / f"{NODE}.log").read_text(errors="replace")
