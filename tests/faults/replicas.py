"""Additional processes on a harness's database and storage, for faults that must spare the processes of the harness."""

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
from tests.faults.harness import FaultHarness

START_TIMEOUT_S = 30.0
NODE = "replica"


@dataclass(frozen=True)
class Replica:
    """A second API of a stack."""

    url: str
    process: psutil.Process
    key: str

    def client(self, *, timeout_s: float = 30) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=timeout_s)


@contextmanager
def second_api(harness: FaultHarness, folder: Path, **settings: object) -> Iterator[Replica]:
    """Run a second API with these settings changed; it is not restarted when it dies, and logs into the folder."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    with _running(harness, folder, "uvicorn", "api.app:create_app", "--factory", f"--port={port}", **settings) as pid:
        _await(lambda: httpx.get(f"{url}/healthz", timeout=2).is_success, folder)
        yield Replica(url, psutil.Process(pid), harness.stack.key)


@contextmanager
def second_worker(harness: FaultHarness, folder: Path, **settings: object) -> Iterator[None]:
    """Run a second bulk worker, of one process."""
    options = ("-Q", "bulk", "-c", "1", "-n", f"{NODE}@%h", "--loglevel=INFO", "--without-mingle", "--without-gossip")
    with _running(harness, folder, "celery", "-A", "worker.runtime.app", "worker", *options, **settings):
        _await(lambda: f"{NODE}@" in _log(folder) and " ready." in _log(folder), folder)
        yield


@contextmanager
def second_maintenance(harness: FaultHarness, folder: Path, **settings: object) -> Iterator[None]:
    """Run a second maintenance process."""
    with _running(harness, folder, "maintenance", **settings):
        yield


@contextmanager
def _running(harness: FaultHarness, folder: Path, *command: str, **settings: object) -> Iterator[int]:
    environment = environment_of(harness.stack.settings.model_copy(update=settings))
    folder.mkdir(exist_ok=True)
    with Supervisor(folder=ROOT, log_dir=folder, report=print) as supervisor:
        supervisor.start(Program(NODE, (sys.executable, "-m", *command), environment))
        yield supervisor.pids()[NODE]


def _await(ready: Callable[[], bool], folder: Path) -> None:
    until_s = time.monotonic() + START_TIMEOUT_S
    while not _is_ready(ready):
        assert time.monotonic() < until_s, _log(folder)
        time.sleep(0.02)


def _is_ready(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except httpx.TransportError:
        return False


def _log(folder: Path) -> str:
    return (folder / f"{NODE}.log").read_text(errors="replace")
